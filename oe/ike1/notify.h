/* notify.h - Informational exchanges that we begin: notify, delete (RFC 2409 §5.7) */
#ifndef OE_IKE1_NOTIFY_H
#define OE_IKE1_NOTIFY_H

#include "oe/ike1/table.h"

/* The SPI of an ISAKMP SA. */
void	notify_cookies(const struct ike1_sa *sa, uint8_t out[16]);
/* A Notification payload (RFC 2408 §3.14). */
void	notify_put(struct isakmp_builder *b, uint16_t type, uint8_t protocol,
	    const void *spi, size_t spi_len, const void *data,
	    size_t data_len);
/* And one that came. */
struct notify {
	uint16_t       type;
	uint8_t	       protocol, spi_len;
	const uint8_t *spi;
	struct cursor  data;	/* what is left of it; bad: it is none */
};
void	notify_read(struct notify *n, const struct isakmp_part *p);
/* Under the SA's keys; nothing if there are none yet.  Of PROTO_ISAKMP the SPI
 * is both cookies. */
void	notify_send(struct ike1_sa *sa, uint64_t now, uint16_t type,
	    uint8_t protocol, const void *spi, size_t spi_len,
	    const void *data, size_t data_len);
/* In the clear, which proves nothing; cookies as the header has them. */
void	notify_plain(struct ike1 *e, const struct keying_path *path,
	    uint64_t cookie_i, uint64_t cookie_r, uint16_t type,
	    uint8_t protocol, const void *spi, size_t spi_len);
void	notify_delete_child(struct ike1_sa *sa, uint64_t now, uint32_t spi_in);
void	notify_delete_sa(struct ike1_sa *sa, uint64_t now);

#endif
