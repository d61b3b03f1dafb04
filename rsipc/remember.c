/* remember.c - the lease as text, for a file that outlives the daemon */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsipc/remember.h"

#define REMEMBER_HEAD	"rsipc-lease 1\n"

size_t
remember_write(char *out, size_t cap, const struct addr *gateway,
    const struct binding *b)
{
	size_t	 n, i;
	int	 w;

	n = (size_t)snprintf(out, cap, REMEMBER_HEAD "gateway %s\n",
	    ADDR_TEXT(gateway));
	if (n >= cap)
		return 0;
	n += (size_t)snprintf(out + n, cap - n, "address %s\n",
	    ADDR_TEXT(&b->addr));
	for (i = 0; i < b->nports && n < cap; i++) {
		w = snprintf(out + n, cap - n, "port %u\n", b->port[i]);
		n += (size_t)w;
	}
	for (i = 0; i < b->nspis && n < cap; i++) {
		w = snprintf(out + n, cap - n, "spi %08x\n", b->spi[i]);
		n += (size_t)w;
	}
	return n < cap ? n : 0;
}

/* A number in that base and nothing else; -1 if it is none, or beyond max. */
static long long
remember_number(const char *text, int base, unsigned long long max)
{
	unsigned long long n;
	char		  *end;

	if (*text < '0' || (*text > '9' && *text < 'a') || *text > 'f')
		return -1;
	n = strtoull(text, &end, base);
	return *end != '\0' || n > max ? -1 : (long long)n;
}

/* What a lease is of, and who leases it, is an IPv4 address. */
static int
remember_addr(struct addr *out, const char *text)
{
	return addr_parse(out, text) == 0 && out->family == AF_INET ? 0 : -1;
}

static int
remember_line(char *line, struct addr *gateway, struct binding *b)
{
	char	 *value = strchr(line, ' ');
	long long n;

	if (value == NULL)
		return -1;
	*value++ = '\0';
	if (strcmp(line, "gateway") == 0)
		return remember_addr(gateway, value);
	if (strcmp(line, "address") == 0)
		return remember_addr(&b->addr, value);
	if (strcmp(line, "port") == 0 && b->nports < RSIP_PORTS_MAX &&
	    (n = remember_number(value, 10, UINT16_MAX)) > 0) {
		b->port[b->nports++] = (uint16_t)n;
		return 0;
	}
	if (strcmp(line, "spi") == 0 && b->nspis < RSIP_SPIS_MAX &&
	    (n = remember_number(value, 16, UINT32_MAX)) > 0) {
		b->spi[b->nspis++] = (uint32_t)n;
		return 0;
	}
	return -1;
}

int
remember_read(const char *text, struct addr *gateway, struct binding *b)
{
	const char	 *end;
	char		  line[64];

	memset(b, 0, sizeof(*b));
	*gateway = addr_none;
	if (strncmp(text, REMEMBER_HEAD, strlen(REMEMBER_HEAD)) != 0)
		return -1;
	for (text += strlen(REMEMBER_HEAD); *text != '\0'; text = end + 1) {
		if ((end = strchr(text, '\n')) == NULL ||
		    (size_t)(end - text) >= sizeof(line))
			return -1;
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		if (remember_line(line, gateway, b) == -1)
			return -1;
	}
	return addr_is_host(gateway) && addr_is_host(&b->addr) ? 0 : -1;
}
