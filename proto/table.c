/* table.c - which parameters each message requires and allows (RFC 3103 §9, RFC 3104 §6.2) */
#include "config.h"

#include <stddef.h>

#include "proto/table.h"

#define CLIENT		{ RSIP_HAS_CLIENT_ID, RSIP_PARAM_CLIENT_ID, false }
#define BIND		{ RSIP_HAS_BIND_ID, RSIP_PARAM_BIND_ID, false }
#define LOCAL		{ RSIP_HAS_LOCAL, RSIP_PARAM_ADDRESS, false }
#define LOCAL_PORTS	{ RSIP_HAS_LOCAL_PORTS, RSIP_PARAM_PORTS, false }
#define REMOTE		{ RSIP_HAS_REMOTE, RSIP_PARAM_ADDRESS, false }
#define REMOTE_PORTS	{ RSIP_HAS_REMOTE_PORTS, RSIP_PARAM_PORTS, false }
#define SPIS		{ RSIP_HAS_SPIS, RSIP_PARAM_SPI, false }
#define LEASE		{ RSIP_HAS_LEASE, RSIP_PARAM_LEASE_TIME, false }
#define TUNNEL		{ RSIP_HAS_TUNNEL, RSIP_PARAM_TUNNEL_TYPE, false }
#define TUNNELS		{ RSIP_HAS_TUNNEL, RSIP_PARAM_TUNNEL_TYPE, true }
#define METHODS		{ RSIP_HAS_METHOD, RSIP_PARAM_RSIP_METHOD, true }
#define ENDPOINT	{ RSIP_HAS_ENDPOINT, RSIP_PARAM_ADDRESS, false }
#define POLICY		{ RSIP_HAS_POLICY, RSIP_PARAM_FLOW_POLICY, false }
#define ERROR		{ RSIP_HAS_ERROR, RSIP_PARAM_ERROR, false }
#define COUNTER		{ RSIP_HAS_COUNTER, RSIP_PARAM_MESSAGE_COUNTER, false }
#define TUPLES		{ RSIP_HAS_TUPLES, RSIP_PARAM_INDICATOR, true }

static const struct rsip_layout layouts[] = {
	[RSIP_ERROR_RESPONSE] = { "ERROR_RESPONSE", true, false,
	    { ERROR }, { COUNTER, CLIENT, BIND } },
	[RSIP_REGISTER_REQUEST] = { "REGISTER_REQUEST", false, false,
	    { { 0 } }, { COUNTER } },
	[RSIP_REGISTER_RESPONSE] = { "REGISTER_RESPONSE", true, false,
	    { CLIENT, LEASE, POLICY }, { COUNTER, METHODS, TUNNELS } },
	[RSIP_DEREGISTER_REQUEST] = { "DE-REGISTER_REQUEST", false, false,
	    { CLIENT }, { COUNTER } },
	[RSIP_DEREGISTER_RESPONSE] = { "DE-REGISTER_RESPONSE", true, false,
	    { CLIENT }, { COUNTER } },
	[RSIP_ASSIGN_REQUEST_RSA_IP] = { "ASSIGN_REQUEST_RSA-IP", false, false,
	    { CLIENT, LOCAL, REMOTE, REMOTE_PORTS },
	    { COUNTER, LEASE, TUNNEL } },
	[RSIP_ASSIGN_RESPONSE_RSA_IP] = { "ASSIGN_RESPONSE_RSA-IP", true, false,
	    { CLIENT, BIND, LOCAL, REMOTE, REMOTE_PORTS, LEASE, TUNNEL },
	    { ENDPOINT, COUNTER } },
	[RSIP_ASSIGN_REQUEST_RSAP_IP] = {
	    "ASSIGN_REQUEST_RSAP-IP", false, false,
	    { CLIENT, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS },
	    { COUNTER, LEASE, TUNNEL } },
	[RSIP_ASSIGN_RESPONSE_RSAP_IP] = {
	    "ASSIGN_RESPONSE_RSAP-IP", true, false,
	    { CLIENT, BIND, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS, LEASE,
	    TUNNEL }, { ENDPOINT, COUNTER } },
	[RSIP_EXTEND_REQUEST] = { "EXTEND_REQUEST", false, false,
	    { CLIENT, BIND }, { LEASE, COUNTER } },
	[RSIP_EXTEND_RESPONSE] = { "EXTEND_RESPONSE", true, false,
	    { CLIENT, BIND, LEASE }, { COUNTER } },
	[RSIP_FREE_REQUEST] = { "FREE_REQUEST", false, false,
	    { CLIENT, BIND }, { COUNTER } },
	[RSIP_FREE_RESPONSE] = { "FREE_RESPONSE", true, false,
	    { CLIENT, BIND }, { COUNTER } },
	[RSIP_QUERY_REQUEST] = { "QUERY_REQUEST", false, false,
	    { CLIENT }, { COUNTER, TUPLES } },
	[RSIP_QUERY_RESPONSE] = { "QUERY_RESPONSE", true, false,
	    { CLIENT }, { COUNTER, TUPLES } },
	[RSIP_LISTEN_REQUEST] = { "LISTEN_REQUEST", false, false,
	    { CLIENT, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS },
	    { COUNTER, LEASE, TUNNELS } },
	/* In this message alone the tunnel type precedes the
	 * lease (§9.17.2). */
	[RSIP_LISTEN_RESPONSE] = { "LISTEN_RESPONSE", true, false,
	    { CLIENT, BIND, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS, TUNNEL,
	    LEASE }, { ENDPOINT, COUNTER } },
	[RSIP_ASSIGN_REQUEST_RSIPSEC] = { "ASSIGN_REQUEST_RSIPSEC", false, true,
	    { CLIENT, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS, SPIS },
	    { COUNTER, LEASE, TUNNEL } },
	[RSIP_ASSIGN_RESPONSE_RSIPSEC] = {
	    "ASSIGN_RESPONSE_RSIPSEC", true, true,
	    { CLIENT, BIND, LOCAL, LOCAL_PORTS, REMOTE, REMOTE_PORTS, SPIS,
	    LEASE, TUNNEL }, { ENDPOINT, COUNTER } },
};

const struct rsip_layout *
rsip_layout(unsigned type)
{
	if (type >= sizeof(layouts) / sizeof(layouts[0]) ||
	    layouts[type].name == NULL)
		return NULL;
	return &layouts[type];
}

const char *
rsip_type_name(unsigned type)
{
	const struct rsip_layout *layout = rsip_layout(type);

	return layout == NULL ? "unknown" : layout->name;
}

bool
rsip_type_is_response(unsigned type)
{
	const struct rsip_layout *layout = rsip_layout(type);

	return layout != NULL && layout->response;
}
