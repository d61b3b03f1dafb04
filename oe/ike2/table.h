/* table.h - IKE SAs by SPI, and their children: made, found, ended */
#ifndef OE_IKE2_TABLE_H
#define OE_IKE2_TABLE_H

#include "oe/ike2/sa.h"

/* An IKE SA on a path, with an SPI of ours; NULL at the limit, or without
 * memory or an SPI. */
struct ike2_sa *ike2_sa_new(struct ike2 *e, uint64_t now,
	    const struct keying_path *path, bool initiator);
void	ike2_sa_free(struct ike2_sa *sa);
void	ike2_sa_hash(struct ike2_sa *sa, uint64_t spi);	/* (again) under spi */
struct ike2_sa *ike2_sa_find(struct ike2 *e, uint64_t spi);
/* A new SPI of ours, not in use: leased for those that we begin.  0, or -1. */
int	ike2_spi_draw(struct ike2 *e, bool initiator, uint64_t *spi);
/* The peer is authenticated: the IKE SA is not half open any more. */
void	ike2_sa_up(struct ike2_sa *sa, uint64_t now);
/* The group to begin with: the one that this peer took last. */
uint16_t ike2_group_of(const struct ike2 *e, const struct addr *peer);
/* TEMPORARY_FAILURE: once more, later, but not for ever (RFC 7296 §2.25). */
void	ike2_peer_busy(struct ike2_sa *sa, uint64_t now);
/* Ends without a word; its children are told of, unless keep:
 * then they live on. */
void	ike2_sa_kill(struct ike2_sa *sa, bool keep, bool by_peer);
/* As it, but stays to repeat its last answer. */
void	ike2_sa_linger(struct ike2_sa *sa, uint64_t now);
/* A negotiation ended: its connections are told, and it is killed. */
void	ike2_sa_failed(struct ike2_sa *sa, enum keying_failure f,
	    const char *detail);
/* The rekeying of one: memory alone; and with what was made of IKE SAs that
 * nobody uses yet. */
void	ike2_rekey_free(struct ike2_sa *sa);
void	ike2_rekey_end(struct ike2_sa *sa);
struct ike2_child *ike2_child_new(struct ike2_sa *sa, bool initiator);
void	ike2_child_free(struct ike2_child *c);
/* Forgets one; its connection is told nothing. */
void	ike2_child_kill(struct ike2_child *c);
/* As it, after telling. */
void	ike2_child_gone(struct ike2_child *c, bool by_peer);
void	ike2_child_failed(struct ike2_child *c, enum keying_failure f,
	    const char *detail);
/* As it, but the peer may have it: its SPI stays ours until that is deleted. */
void	ike2_child_abandon(struct ike2_child *c, enum keying_failure f,
	    const char *detail);
struct ike2_child *ike2_child_by_in(const struct ike2_sa *sa, uint32_t spi);
struct ike2_child *ike2_child_by_out(const struct ike2_sa *sa, uint32_t spi);
void	ike2_child_move(struct ike2_child *c, struct ike2_sa *to);

#endif
