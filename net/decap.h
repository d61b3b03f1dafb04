/* decap.h - a device that takes a tunnel's header, and the mark of one, off packets */
#ifndef NET_DECAP_H
#define NET_DECAP_H

/*
 * For a packet that the device receives with these headers in front, all of
 * them to or from DECAP_LINK and DECAP_SID, the kernel takes the first two off
 * and sends what is left out by the same device: the behaviour End.DX2 of RFC
 * 8986 §4.9, which ends the mark of whatever tunnel the packet came by.  A tc
 * program sends them in, and one behind the device has them then.
 *
 *	Ethernet, IPv6 (next header DECAP_NEXT), Ethernet, the packet
 */
#define DECAP_LINK	{ 0x02, 'R', 'S', 'I', 'P', 0 }
#define DECAP_SID	{ 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
			'R', 'S' }	/* on this link and no other */
#define DECAP_NEXT	143		/* Ethernet, RFC 8986 §10.1 */

#ifndef __bpf__
/*
 * Makes the device, which is one of a pair; nothing goes by the peer, and
 * neither has an address.  As root or with CAP_NET_ADMIN: 0, or -1 with errno
 * and neither device there.  rtnl_link_del() takes both away.
 */
int	decap_add(const char *name, const char *peer);
#endif

#endif
