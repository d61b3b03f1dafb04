/* esp_filter.c - which ESP (RFC 4303) a raw socket gets, by SPI */
#include "config.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include "net/esp_filter.h"

#define IP_DST	16	/* in the header */

struct program {
	struct sock_filter code[ESP_FILTER_MAX + 11];
	unsigned short	   len;
};

static void
put(struct program *p, struct sock_filter one)
{
	p->code[p->len++] = one;
}

static void
put_spi(struct program *p, int family)
{
	/* Of IPv4 the socket has the header too, of IPv6 not. */
	if (family == AF_INET)
		put(p, (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MSH | BPF_B,
		    0));
	else
		put(p, (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM,
		    0));
	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0));
}

int
esp_filter_set(int fd, int family, const struct esp_filter *f)
{
	struct program	  p = { .len = 0 };
	struct sock_fprog said = { .filter = p.code };
	size_t		  i, n;

	n = f->nbut < ESP_FILTER_MAX ? f->nbut : ESP_FILTER_MAX;
	if (f->n != 0) {
		if (f->not_to != 0) {
			put(&p, (struct sock_filter)BPF_STMT(
			    BPF_LD | BPF_W | BPF_ABS, IP_DST));
			put(&p, (struct sock_filter)BPF_JUMP(
			    BPF_JMP | BPF_JEQ | BPF_K, f->not_to,
			    (uint8_t)(n + 5), 0));
		}
		put_spi(&p, family);
		/* The last return is of what is not for the socket. */
		for (i = 0; i < n; i++)
			put(&p, (struct sock_filter)BPF_JUMP(
			    BPF_JMP | BPF_JEQ | BPF_K, f->but[i],
			    (uint8_t)(n - i + 2), 0));
		put(&p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K,
		    f->n));
		put(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    f->i, 0, 1));
		put(&p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    UINT32_MAX));
	}
	put(&p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
	said.len = p.len;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &said,
	    sizeof(said));
}
