/* rtnl_table.h - a routing table that is to hold certain routes and no others */
#ifndef NET_RTNL_TABLE_H
#define NET_RTNL_TABLE_H

#include "net/rtnl.h"

/*
 * Makes a table hold exactly these n routes (table in each of them is ignored),
 * so that no packet ever finds fewer: what is missing is added before what is
 * too much goes.  -1: not all could be added, and nothing was taken away.
 */
int	rtnl_table_set(uint32_t table, const struct rtnl_route *want, size_t n);

#endif
