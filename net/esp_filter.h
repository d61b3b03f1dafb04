/* esp_filter.h - which ESP (RFC 4303) a raw socket gets, by SPI */
#ifndef NET_ESP_FILTER_H
#define NET_ESP_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define ESP_FILTER_MAX	128	/* a jump of the filter reaches as far */

/* SPIs that leave i when divided by n, n 0: none; of these all but some, of
 * which ESP_FILTER_MAX are looked at.  Host order. */
struct esp_filter {
	unsigned	i, n;
	const uint32_t *but;
	size_t		nbut;
	uint32_t	not_to;	/* of IPv4, and to an address that is not
				 * this one; 0: to any */
};

/* Of a raw socket of that family.  0, or -1 with errno, and it gets what it got
 * before. */
int	esp_filter_set(int fd, int family, const struct esp_filter *f);

#endif
