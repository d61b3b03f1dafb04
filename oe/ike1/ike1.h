/* ike1.h - IKEv1: Main Mode and Quick Mode in both roles (RFC 2407, 2408, 2409, 3526, 3706, 3947) */
#ifndef OE_IKE1_IKE1_H
#define OE_IKE1_IKE1_H

#include "oe/ike1/options.h"

struct ike1;

/* Copies c and holds its key; ops and arg must outlive the engine. NULL after
 * one log line. */
struct ike1 *ike1_new(const struct ike1_config *c, const struct keying_ops *ops,
	    void *arg);
extern const struct keying_engine ike1_engine;	/* e is a struct ike1 * */

#endif
