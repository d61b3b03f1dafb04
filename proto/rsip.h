/* rsip.h - RSIP messages in memory and on the wire (RFC 3103 §8, §9; RFC 3104 §6.2) */
#ifndef PROTO_RSIP_H
#define PROTO_RSIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#define RSIP_PORT		4555	/* RFC 3103 §12 */
#define RSIP_VERSION		1
#define RSIP_HEADER_LEN		4	/* version, type, overall length */
#define RSIP_MESSAGE_MAX	65535	/* overall length is two bytes */
#define RSIP_FQDN_MAX		255
#define RSIP_PORTS_MAX		255	/* number is one byte (§8.2) */
#define RSIP_SPIS_MAX		256	/* our limit; the wire's
					 * number is two bytes */
#define RSIP_QUERY_MAX		6552	/* tuples a QUERY: so many of the
					 * shortest fill a message */
#define RSIP_METHODS_MAX	8
#define RSIP_TUNNELS_MAX	8
#define RSIP_COOKIES_MAX	64	/* initiator cookies a
					 * binding, our limit */
#define RSIP_VENDOR		32473	/* RFC 5612's example
					 * enterprise number */
#define RSIP_VENDOR_COOKIES	1	/* subtype: initiator cookies */
#define RSIP_VENDOR_AUTH	2	/* subtype: authentication,
					 * last in the message */
#define RSIP_VENDOR_FQDN	3	/* subtype: the host's name */
#define RSIP_VENDOR_FLOOR	4	/* subtype: what a message's
					 * counter had to pass */
#define RSIP_AUTH_MAC_LEN	16	/* HMAC-SHA256-128 */
#define RSIP_AUTH_JUMP		UINT32_MAX	/* a counter is this far
						 * beyond the last at most */

enum rsip_type {			/* RFC 3103 App. B, RFC 3104 App. C */
	RSIP_ERROR_RESPONSE = 1,
	RSIP_REGISTER_REQUEST = 2,
	RSIP_REGISTER_RESPONSE = 3,
	RSIP_DEREGISTER_REQUEST = 4,
	RSIP_DEREGISTER_RESPONSE = 5,
	RSIP_ASSIGN_REQUEST_RSA_IP = 6,
	RSIP_ASSIGN_RESPONSE_RSA_IP = 7,
	RSIP_ASSIGN_REQUEST_RSAP_IP = 8,
	RSIP_ASSIGN_RESPONSE_RSAP_IP = 9,
	RSIP_EXTEND_REQUEST = 10,
	RSIP_EXTEND_RESPONSE = 11,
	RSIP_FREE_REQUEST = 12,
	RSIP_FREE_RESPONSE = 13,
	RSIP_QUERY_REQUEST = 14,
	RSIP_QUERY_RESPONSE = 15,
	RSIP_LISTEN_REQUEST = 16,
	RSIP_LISTEN_RESPONSE = 17,
	RSIP_ASSIGN_REQUEST_RSIPSEC = 22,
	RSIP_ASSIGN_RESPONSE_RSIPSEC = 23,
};

enum rsip_param {			/* RFC 3103 §8, RFC 3104 §6.2 */
	RSIP_PARAM_ADDRESS = 1,
	RSIP_PARAM_PORTS = 2,
	RSIP_PARAM_LEASE_TIME = 3,
	RSIP_PARAM_CLIENT_ID = 4,
	RSIP_PARAM_BIND_ID = 5,
	RSIP_PARAM_TUNNEL_TYPE = 6,
	RSIP_PARAM_RSIP_METHOD = 7,
	RSIP_PARAM_ERROR = 8,
	RSIP_PARAM_FLOW_POLICY = 9,
	RSIP_PARAM_INDICATOR = 10,
	RSIP_PARAM_MESSAGE_COUNTER = 11,
	RSIP_PARAM_VENDOR = 12,
	RSIP_PARAM_SPI = 22,
};

enum rsip_error {			/* RFC 3103 App. A, RFC 3104 App. B */
	RSIP_OK = 0,
	RSIP_UNKNOWN_ERROR = 101,
	RSIP_USE_TCP = 102,
	RSIP_FLOW_POLICY_VIOLATION = 103,
	RSIP_INTERNAL_SERVER_ERROR = 104,
	RSIP_MESSAGE_COUNTER_REQUIRED = 105,
	RSIP_UNSUPPORTED_RSIP_VERSION = 106,
	RSIP_MISSING_PARAM = 201,
	RSIP_DUPLICATE_PARAM = 202,
	RSIP_EXTRA_PARAM = 203,
	RSIP_ILLEGAL_PARAM = 204,
	RSIP_BAD_PARAM = 205,
	RSIP_ILLEGAL_MESSAGE = 206,
	RSIP_BAD_MESSAGE = 207,
	RSIP_UNSUPPORTED_MESSAGE = 208,
	RSIP_REGISTER_FIRST = 301,
	RSIP_ALREADY_REGISTERED = 302,
	RSIP_ALREADY_UNREGISTERED = 303,
	RSIP_REGISTRATION_DENIED = 304,
	RSIP_BAD_CLIENT_ID = 305,
	RSIP_BAD_BIND_ID = 306,
	RSIP_BAD_TUNNEL_TYPE = 307,
	RSIP_LOCAL_ADDR_UNAVAILABLE = 308,
	RSIP_LOCAL_ADDRPORT_UNAVAILABLE = 309,
	RSIP_LOCAL_ADDR_INUSE = 310,
	RSIP_LOCAL_ADDRPORT_INUSE = 311,
	RSIP_LOCAL_ADDR_UNALLOWED = 312,
	RSIP_LOCAL_ADDRPORT_UNALLOWED = 313,
	RSIP_REMOTE_ADDR_UNALLOWED = 314,
	RSIP_REMOTE_ADDRPORT_UNALLOWED = 315,
	RSIP_IPSEC_UNALLOWED = 401,
	RSIP_IPSEC_SPI_UNAVAILABLE = 402,
	RSIP_IPSEC_SPI_INUSE = 403,
};

enum rsip_addrtype {			/* RFC 3103 §8.1 */
	RSIP_ADDR_IPV4 = 1,
	RSIP_ADDR_NETMASK4 = 2,
	RSIP_ADDR_IPV6 = 3,
	RSIP_ADDR_FQDN = 4,
};

enum rsip_tunnel {
	RSIP_TUNNEL_IPIP = 1, RSIP_TUNNEL_GRE = 2, RSIP_TUNNEL_L2TP = 3
};
enum rsip_method {
	RSIP_METHOD_RSA_IP = 1, RSIP_METHOD_RSAP_IP = 2,
	RSIP_METHOD_RSIPSEC = 3
};
enum rsip_local_policy { RSIP_LOCAL_MACRO = 1, RSIP_LOCAL_MICRO = 2 };
enum rsip_remote_policy {
	RSIP_REMOTE_MACRO = 1, RSIP_REMOTE_MICRO = 2, RSIP_REMOTE_NONE = 3
};

enum rsip_indicator {			/* §9.14, §9.15; 1 and 2 are
					 * also the request's */
	RSIP_LOCAL_ADDRESS = 1,
	RSIP_LOCAL_NETWORK = 2,
	RSIP_REMOTE_ADDRESS = 3,
	RSIP_REMOTE_NETWORK = 4,
};

struct rsip_address {
	uint8_t	type;			/* enum rsip_addrtype */
	bool	any;			/* "don't care": length 1, no address */
	struct addr addr;		/* or a netmask; none of
					 * a name and of any */
	char	fqdn[RSIP_FQDN_MAX + 1];/* terminated here, not on the wire */
};

/*
 * nfields 0: don't care (number says how many).  nfields 1 and number > 1:
 * contiguous from port[0].  nfields == number: a list.  Host order.
 */
struct rsip_ports {
	bool	 none;			/* "don't need": length
					 * 0 (RFC 3104 §6.2) */
	uint8_t	 number;
	uint8_t	 nfields;
	uint16_t port[RSIP_PORTS_MAX];
};

struct rsip_spis {			/* the same three forms */
	uint16_t number;
	uint16_t nfields;
	uint32_t spi[RSIP_SPIS_MAX];	/* host order */
};

struct rsip_tuple {			/* of QUERY messages */
	uint8_t		    indicator;	/* enum rsip_indicator */
	struct rsip_address address;
	struct rsip_address netmask;	/* networks only */
};

/* Which of the members below a message carries. */
#define RSIP_HAS_CLIENT_ID	0x0001u
#define RSIP_HAS_BIND_ID	0x0002u
#define RSIP_HAS_LOCAL		0x0004u	/* address (local) */
#define RSIP_HAS_LOCAL_PORTS	0x0008u
#define RSIP_HAS_REMOTE		0x0010u	/* address (remote) */
#define RSIP_HAS_REMOTE_PORTS	0x0020u
#define RSIP_HAS_SPIS		0x0040u
#define RSIP_HAS_LEASE		0x0080u
#define RSIP_HAS_TUNNEL		0x0100u	/* ntunnels >= 1 */
#define RSIP_HAS_ENDPOINT	0x0200u	/* address (tunnel endpoint) */
#define RSIP_HAS_POLICY		0x0400u
#define RSIP_HAS_METHOD		0x0800u	/* nmethods >= 1 */
#define RSIP_HAS_ERROR		0x1000u
#define RSIP_HAS_COUNTER	0x2000u
#define RSIP_HAS_TUPLES		0x4000u	/* ntuples >= 1 */
#define RSIP_HAS_COOKIES	0x8000u	/* vendor subtype 1 */
#define RSIP_HAS_AUTH		0x10000u/* vendor subtype 2 */
#define RSIP_HAS_FQDN		0x20000u/* vendor subtype 3 */
#define RSIP_HAS_FLOOR		0x40000u/* vendor subtype 4 */

/* One message; about 8 KiB, reused rather than put on deep stacks. */
struct rsip_message {
	uint8_t		    type;	/* enum rsip_type */
	uint32_t	    has;	/* RSIP_HAS_* */
	uint32_t	    client_id;
	uint32_t	    bind_id;
	uint32_t	    lease;	/* seconds */
	uint32_t	    counter;
	uint16_t	    error;	/* enum rsip_error */
	uint8_t		    local_policy;
	uint8_t		    remote_policy;
	uint8_t		    ntunnels;
	uint8_t		    tunnel[RSIP_TUNNELS_MAX];
	uint8_t		    nmethods;
	uint8_t		    method[RSIP_METHODS_MAX];
	uint16_t	    ntuples;
	struct rsip_tuple  *tuple;	/* room for a power of two;
					 * see rsip_message_clear() */
	/* vendor 32473 */
	uint16_t	    cookies_number;	/* as spis.number */
	uint16_t	    ncookies;		/* fields present */
	uint32_t	    auth_key_id;
	uint64_t	    auth_index;	/* the sender's, of this
					 * life; never 0 */
	uint64_t	    auth_echo;	/* the receiver's, as the sender
					 * knows it; 0: it does not */
	uint64_t	    auth_counter;
	uint64_t	    auth_floor;	/* in an error: the last
					 * counter that was taken */
	uint8_t		    auth_mac[RSIP_AUTH_MAC_LEN];
	size_t		    auth_offset;	/* of the mac in the wire form;
						 * set by decode and encode */
	/* What is long: rsip_message_init() begins here. */
	struct rsip_address local;
	struct rsip_address remote;
	struct rsip_address endpoint;
	struct rsip_ports   local_ports;
	struct rsip_ports   remote_ports;
	struct rsip_spis    spis;
	/* Host order of the wire's 8 bytes. */
	uint64_t	    cookie[RSIP_COOKIES_MAX];
	char		    fqdn[RSIP_FQDN_MAX + 1];
};

/* Makes an empty message of a type; memory of an earlier use must be cleared
 * first.  What lists and names have beyond their ends is left as it was. */
void	rsip_message_init(struct rsip_message *m, enum rsip_type type);
/* Frees what the message owns (tuples) and zeroes it. */
void	rsip_message_clear(struct rsip_message *m);
/* Adds room for one tuple, which may move the others; NULL when
 * RSIP_QUERY_MAX are there or memory is out.  Sets RSIP_HAS_TUPLES. */
struct rsip_tuple *rsip_message_add_tuple(struct rsip_message *m);

/*
 * How long is the message that begins buf?  For TCP framing: 0 = fewer than
 * RSIP_HEADER_LEN bytes so far; else the overall length, which may be beyond
 * len.  A length below RSIP_HEADER_LEN is -1: the stream cannot be followed.
 */
int	rsip_frame_length(const uint8_t *buf, size_t len);

/*
 * Reads one whole message.  Returns RSIP_OK and fills m (clear it after use),
 * or the error that the sender should get: 106, or 201-207 as fits.  208 is
 * the caller's: it knows which messages it does not support.  Even
 * on an error, m->type, and client_id, bind_id and counter with their RSIP_HAS
 * bits are set as far as they could be read, for the ERROR_RESPONSE.
 * Parameters of other vendors are skipped (§8.12).
 */
enum rsip_error rsip_decode(struct rsip_message *m, const uint8_t *buf,
	    size_t len);

/*
 * Writes one message: required parameters in the order of §9, then the
 * optional ones.  Returns the length, or -1 if it does not fit in cap, a
 * required parameter is absent or one not allowed is there.
 * With RSIP_HAS_AUTH the mac is written as zeros and auth_offset set.
 */
int	rsip_encode(struct rsip_message *m, uint8_t *buf, size_t cap);

/* Names of the RFC, "REGISTER_REQUEST",
 * "BAD_BIND_ID"; "unknown" if there is none. */
const char *rsip_type_name(unsigned type);
const char *rsip_error_name(unsigned error);
const char *rsip_tunnel_name(unsigned tunnel);	/* "IP-IP" */
const char *rsip_method_name(unsigned method);	/* "RSIPSEC" */

/* An address of either family; none: "don't care", of IPv4. */
void	rsip_address_set(struct rsip_address *a, const struct addr *addr);
/* The network of a tuple's address and netmask; of an address alone all of it.
 * False if it is a name, or the mask is another family's or has holes. */
bool	rsip_tuple_prefix(const struct rsip_tuple *t, struct prefix *out);
void	rsip_tuple_set_prefix(struct rsip_tuple *t, enum rsip_indicator what,
	    const struct prefix *net);

/* True for messages that a gateway sends (all *_RESPONSE). */
bool	rsip_type_is_response(unsigned type);

/* Expands any of the three forms with fields into out (number entries at most
 * cap); returns how many, 0 for don't care and don't need, -1 if a contiguous
 * range passes the end of its number space or it does not fit. */
int	rsip_ports_expand(const struct rsip_ports *p, uint16_t *out,
	    size_t cap);
int	rsip_spis_expand(const struct rsip_spis *s, uint32_t *out, size_t cap);
/* Fills the parameter from a list: the contiguous form
 * where the list is so, the list form else; n 0 is not
 * allowed. Returns 0, or -1 if n is too large. */
int	rsip_ports_set(struct rsip_ports *p, const uint16_t *port, size_t n);
int	rsip_spis_set(struct rsip_spis *s, const uint32_t *spi, size_t n);

/* A secret, and between whom. */
struct rsip_key {
	uint32_t       id;
	const uint8_t *secret;
	size_t	       len;
	struct addr    host, gateway;
};

/*
 * Authentication (vendor subtype 2): the HMAC-SHA256-128 over the addresses of
 * host and gateway and the message with the mac field zero.  rsip_auth_sign()
 * writes the mac into buf at m->auth_offset after rsip_encode();
 * rsip_auth_verify() checks it in constant time after rsip_decode(), and the
 * key's number.  Indices and counters are the caller's to check.
 */
void	rsip_auth_sign(const struct rsip_message *m, uint8_t *buf, size_t len,
	    const struct rsip_key *key);
bool	rsip_auth_verify(const struct rsip_message *m, const uint8_t *buf,
	    size_t len, const struct rsip_key *key);
/* Is the counter beyond the last one, and
 * not so far that counters could run out? */
bool	rsip_auth_newer(uint64_t counter, uint64_t last);

#endif
