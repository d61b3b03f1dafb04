/* offload_card.c - eBPF programs at both interfaces' cards (XDP), where both drivers have what it takes */
#include "config.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "nat/offload_card.h"
#include "nat/offload_state.h"

#define CARD_NEEDS	(CARD_XDP_RECEIVES | CARD_XDP_REDIRECTS)

static const char *const programs[OFFLOAD_CARDS] = { "offload_card_in",
	"offload_card_out" };

/* Says each reason once. */
static void
say(struct offload *o, const char *ifname, const char *why)
{
	struct offload_cards *c = &o->cards;

	if (why == c->said)
		return;
	c->said = why;
	if (why == NULL)
		log_info("eBPF offload: at the cards of %s and %s (XDP)",
		    c->card[0].name, c->card[1].name);
	else if (c->where == DATAPLANE_OFFLOAD_XDP)
		log_warn("eBPF offload: not at the cards (offload = xdp), but "
		    "at tc: %s %s", ifname, why);
	else
		log_info("eBPF offload: at tc: %s %s", ifname, why);
}

/* Why no program can stand at that card, or NULL. */
static const char *
why_not_at(const struct offload_cards *c, const struct offload_card *card)
{
	uint64_t features;

	if (c->asker.fd == -1) {
		if (c->where == DATAPLANE_OFFLOAD_AUTO)
			return "may have XDP, of which kernels before Linux "
			    "6.3 say nothing (offload = xdp)";
	} else if (card_xdp(&c->asker, card->index, &features) == -1 ||
	    (features & CARD_NEEDS) != CARD_NEEDS) {
		return "has a driver without XDP";
	}
	if (card_takes_tags(card->name))
		return "takes off VLAN tags, which a program must see "
		    "(ethtool -K rxvlan off)";
	return NULL;
}

void
offload_cards_choose(struct offload *o, enum dataplane_offload where,
    const char *public_if, const char *private_if)
{
	const char *const     names[OFFLOAD_CARDS] = { public_if, private_if };
	struct offload_cards *c = &o->cards;
	struct bpf_program   *prog;
	struct offload_card  *card;
	const char	     *why = NULL;
	size_t		      i;

	c->where = where;
	c->said = "";
	/* Where there are no cards nothing is said of them. */
	c->wanted = where == DATAPLANE_OFFLOAD_XDP ||
	    (where == DATAPLANE_OFFLOAD_AUTO && card_is_hardware(public_if) &&
	    card_is_hardware(private_if));
	if (c->wanted)
		(void)card_open(&c->asker);
	for (i = 0; i < OFFLOAD_CARDS && c->wanted; i++) {
		card = &c->card[i];
		snprintf(card->name, sizeof(card->name), "%s", names[i]);
		card->index = if_nametoindex(names[i]);
		if ((why = why_not_at(c, card)) == NULL)
			continue;
		say(o, card->name, why);
		c->wanted = false;
	}
	for (i = 0; i < OFFLOAD_CARDS && !c->wanted; i++) {
		prog = bpf_object__find_program_by_name(o->object, programs[i]);
		if (prog != NULL)
			(void)bpf_program__set_autoload(prog, false);
	}
}

static void
detach(struct offload_cards *c)
{
	for (size_t i = 0; i < OFFLOAD_CARDS; i++) {
		if (c->card[i].link != -1)
			close(c->card[i].link);
		c->card[i].link = -1;
	}
}

/*
 * By a link, which ends with the daemon in whatever way and takes nobody's
 * place; in the driver or not at all.  0 or -errno.
 */
static int
attach(struct offload *o, size_t i)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct offload_card *card = &o->cards.card[i];
	struct bpf_program  *prog;
	int		     fd;

	prog = bpf_object__find_program_by_name(o->object, programs[i]);
	if (prog == NULL)
		return -ENOENT;
	fd = bpf_link_create(bpf_program__fd(prog), (int)card->index, BPF_XDP,
	    &opts);
	if (fd < 0)
		return -errno;
	card->link = fd;
	return 0;
}

void
offload_cards_attach(struct offload *o)
{
	struct offload_cards *c = &o->cards;
	size_t		      i;
	int		      rc;

	for (i = 0; i < OFFLOAD_CARDS && c->wanted; i++) {
		if ((rc = attach(o, i)) == 0)
			continue;
		say(o, c->card[i].name, rc == -EBUSY || rc == -EEXIST ?
		    "has another's XDP program, which stays" : strerror(-rc));
		detach(c);
		c->wanted = false;
	}
	offload_cards_look(o);
}

/* Why nothing may be sent on from one card by another, or NULL. */
static const char *
why_not_to(const struct offload_cards *c, const struct offload_card *card)
{
	uint64_t features;

	if (c->asker.fd != -1 &&
	    (card_xdp(&c->asker, card->index, &features) == -1 ||
	    (features & CARD_XDP_SENDS) == 0))
		return "does not send what comes by XDP";
	/* Programs there pass by all queues. */
	if (c->where == DATAPLANE_OFFLOAD_AUTO && card_is_shaped(card->index))
		return "has a queueing discipline of the operator's";
	return NULL;
}

void
offload_cards_look(struct offload *o)
{
	struct offload_cards *c = &o->cards;
	const char	     *why = NULL;
	size_t		      i;

	if (!c->wanted)
		return;
	for (i = 0; i < OFFLOAD_CARDS && why == NULL; i++)
		why = why_not_to(c, &c->card[i]);
	c->on = why == NULL;
	say(o, c->on ? NULL : c->card[i - 1].name, why);
}

void
offload_cards_close(struct offload *o)
{
	detach(&o->cards);
	card_close(&o->cards.asker);
}
