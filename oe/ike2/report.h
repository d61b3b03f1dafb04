/* report.h - what an operator sees of the IKEv2 engine */
#ifndef OE_IKE2_REPORT_H
#define OE_IKE2_REPORT_H

#include "base/report.h"

/* Of a struct ike2: a row for each IKE SA; and its counters. */
void	ike2_report_sas(const void *e, uint64_t now, json_object *table);
void	ike2_report(const void *e, struct report *r);

#endif
