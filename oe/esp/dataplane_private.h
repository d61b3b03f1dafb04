/* dataplane_private.h - what a data plane is, for those behind the door */
#ifndef OE_ESP_DATAPLANE_PRIVATE_H
#define OE_ESP_DATAPLANE_PRIVATE_H

#include "oe/esp/dataplane.h"

struct esp_pair {
	struct esp_plane *const *planes;	/* the plane itself, and
						 * those that come after */
	const struct esp_plane_ops *ops;
	struct esp_policy *policy;	/* NULL: for flows */
	struct esp_params  in, out;	/* keys until it is confirmed */
	bool		   confirmed;
	size_t		   cut;		/* esp_pair_cut() */
	struct esp_usage   seen;	/* of what goes past the caller */
	void		  *own;		/* what the plane keeps of the pair */
};

/*
 * Every plane has pair_up, pair_down and free.  What else is missing is not to
 * be done there: policies and confirming need nothing, any packet fits, and
 * what would be sent or opened is ESP_E_PLANE.
 */
struct esp_plane_ops {
	const char *name;
	bool	past;	/* packets of its policies do not come by */
	/* The inbound half works on return.  0, or -1: not here. */
	int	(*pair_up)(struct esp_plane *plane, struct esp_pair *p);
	/* The outbound half works too.  0, or -1 after a log line. */
	int	(*pair_confirm)(struct esp_plane *plane, struct esp_pair *p);
	void	(*pair_down)(struct esp_plane *plane, struct esp_pair *p);
	/* Fills in what it knows; the rest stays as it was. */
	void	(*pair_usage)(struct esp_plane *plane, const struct esp_pair *p,
		    struct esp_usage *u);
	/* p says still where the peer was.  0, or -1 after a log line, and all
	 * is as before. */
	int	(*pair_move)(struct esp_plane *plane, struct esp_pair *p,
		    const struct addr *dst, uint16_t port);
	size_t	(*pair_mtu)(const struct esp_pair *p, size_t mtu);
	/* NULL ends it, which cannot fail. */
	bool	(*pair_lead)(struct esp_plane *plane, struct esp_pair *p,
		    const struct esp_lead *lead);
	/* Of packets that were led alone. */
	void	(*pair_led)(struct esp_plane *plane, const struct esp_pair *p,
		    struct esp_usage *u);
	int	(*send)(struct esp_plane *plane, struct esp_pair *p,
		    const struct packet_view *v);
	int	(*open)(struct esp_pair *p, const struct packet_view *v,
		    uint8_t *out, size_t cap, struct packet_view *inner,
		    bool *newest);
	/* What is sent goes encrypted from here on, or not at all.  0, or -1
	 * after a log line. */
	int	(*policy_up)(struct esp_plane *plane,
		    const struct esp_policy *policy);
	void	(*policy_down)(struct esp_plane *plane,
		    const struct esp_policy *policy);
	void	(*free)(struct esp_plane *plane);
};

/* The first member of each plane. */
struct esp_plane {
	const struct esp_plane_ops *ops;
};

#endif
