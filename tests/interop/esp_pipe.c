/* esp_pipe.c - oe/esp as a filter of lines, for tests that compare it with other implementations */
#include "config.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/ip.h"
#include "oe/esp/esp.h"

/*
 * Lines of standard input:
 *   sa in|out SPI CIPHER KEY AUTH KEY|- ESN SRC DST UDP-SOURCE UDP-DESTINATION
 *   packet HEX
 * "sa" makes the SA that following packets go through, and answers "ok" or
 * "bad"; "packet" answers the sealed or opened packet as hex, or "error N".
 */

#define LINE_MAX_LEN	(2 * IP_PACKET_MAX + 1024)
#define WORDS		12

static int
hex_read(const char *s, uint8_t *out, size_t cap)
{
	size_t n = strlen(s) / 2, i;
	char   byte[3] = "", *end;

	if (strlen(s) % 2 != 0 || n > cap)
		return -1;
	for (i = 0; i < n; i++) {
		memcpy(byte, s + 2 * i, 2);
		out[i] = (uint8_t)strtoul(byte, &end, 16);
		if (*end != '\0')
			return -1;
	}
	return (int)n;
}

static struct esp_sa *
sa_make(char **w, bool *outbound)
{
	struct esp_params p = { 0 };
	int		  n;

	*outbound = strcmp(w[1], "out") == 0;
	p.spi = (uint32_t)strtoul(w[2], NULL, 0);
	p.cipher = (enum esp_cipher)strtoul(w[3], NULL, 10);
	if ((n = hex_read(w[4], p.cipher_key, sizeof(p.cipher_key))) == -1)
		return NULL;
	p.cipher_len = (size_t)n;
	p.auth = (enum esp_auth)strtoul(w[5], NULL, 10);
	if (strcmp(w[6], "-") != 0) {
		if ((n = hex_read(w[6], p.auth_key, sizeof(p.auth_key))) == -1)
			return NULL;
		p.auth_len = (size_t)n;
	}
	p.esn = strtoul(w[7], NULL, 10) != 0;
	p.src = addr_from_v4(inet_addr(w[8]));
	p.dst = addr_from_v4(inet_addr(w[9]));
	p.encap_sport = (uint16_t)strtoul(w[10], NULL, 10);
	p.encap_dport = (uint16_t)strtoul(w[11], NULL, 10);
	return esp_sa_new(&p, *outbound);
}

int
main(void)
{
	static char    line[LINE_MAX_LEN];
	static uint8_t in[IP_PACKET_MAX], out[IP_PACKET_MAX + ESP_OVERHEAD];
	struct packet_view v, done;
	struct esp_sa *sa = NULL;
	char	      *w[WORDS], *save;
	bool	       outbound = false;
	int	       n, len, rc;
	size_t	       i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		n = 0;
		for (w[n] = strtok_r(line, " \n", &save);
		    w[n] != NULL && ++n < WORDS;)
			w[n] = strtok_r(NULL, " \n", &save);
		if (n == WORDS && strcmp(w[0], "sa") == 0) {
			esp_sa_free(sa);
			sa = sa_make(w, &outbound);
			puts(sa == NULL ? "bad" : "ok");
		} else if (n == 2 && strcmp(w[0], "packet") == 0 &&
		    sa != NULL &&
		    (len = hex_read(w[1], in, sizeof(in))) != -1) {
			rc = !packet_parse_ipv4(&v, in, (size_t)len) ?
			    ESP_E_INNER : outbound ?
			    esp_seal(sa, &v, out, sizeof(out), &done) :
			    esp_open(sa, &v, out, sizeof(out), &done);
			for (i = 0; rc == ESP_OK && i < done.len; i++)
				printf("%02x", out[i]);
			if (rc != ESP_OK)
				printf("error %d", rc);
			putchar('\n');
		} else
			puts("bad");
	}
	esp_sa_free(sa);
	return 0;
}
