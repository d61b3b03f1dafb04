/* show.h - what the IKEv1 engine reports */
#ifndef OE_IKE1_SHOW_H
#define OE_IKE1_SHOW_H

#include "oe/ike1/table.h"

/* As struct keying_engine has them. */
void	ike1_report_sas(const void *engine, uint64_t now, json_object *table);
void	ike1_report(const void *engine, struct report *r);

#endif
