/* addr_option.c - addresses and prefixes as a configuration writes them */
#include "config.h"

#include "net/addr_option.h"

#define NOT_IPV4	"is IPv6, which is not supported here: name an IPv4 "

static int
addr_refuse(cfg_t *cfg, const struct option *o, const char *text,
    const char *why)
{
	conf_error(cfg, "%s: \"%s\" %s", o->name, text, why);
	return -1;
}

int
addr_option_read(struct addr *out, cfg_t *cfg, const struct option *o,
    const char *text)
{
	if (addr_parse(out, text) == -1)
		return addr_refuse(cfg, o, text, o->ipv4 ?
		    "is not an IPv4 address" : "is not an address");
	if (o->ipv4 && out->family != AF_INET)
		return addr_refuse(cfg, o, text, NOT_IPV4 "address");
	return 0;
}

int
addr_option_take(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct addr a;

	if (addr_option_read(&a, cfg, o, text) == -1)
		return -1;
	if (addr_is_unspecified(&a))
		return addr_refuse(cfg, o, text, "is nobody's address");
	memcpy(option_member(o, to), &a, sizeof(a));
	return 0;
}

int
addr_option_take6(void *to, cfg_t *cfg, const struct option *o,
    const char *text)
{
	struct addr a;

	if (addr_parse(&a, text) == 0 && a.family != AF_INET6)
		return addr_refuse(cfg, o, text, "is not an IPv6 address");
	return addr_option_take(to, cfg, o, text);
}

int
addr_option_take_any(void *to, cfg_t *cfg, const struct option *o,
    const char *text)
{
	return addr_option_read(option_member(o, to), cfg, o, text);
}

const char *
prefix_read(struct prefix *out, const char *text, bool ipv4)
{
	if (prefix_parse(out, text) == -1)
		return "is not a prefix like 192.0.2.0/24";
	return ipv4 && out->addr.family != AF_INET ? NOT_IPV4 "prefix" : NULL;
}

int
prefix_option_read(struct prefix *out, cfg_t *cfg, const struct option *o,
    const char *text)
{
	const char *why = prefix_read(out, text, o->ipv4);

	return why == NULL ? 0 : addr_refuse(cfg, o, text, why);
}

int
prefix_option_take(void *to, cfg_t *cfg, const struct option *o,
    const char *text)
{
	return prefix_option_read(option_member(o, to), cfg, o, text);
}
