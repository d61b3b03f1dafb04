/* rsipctl.c - one control tool for rsipd, rsipc and oed: options, and who does the work */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/ask.h"
#include "ctl/check.h"
#include "ctl/keygen.h"
#include "ctl/publish.h"
#include "ctl/top.h"
#include "net/addr.h"

#define EXIT_USAGE	2
#define KEY_DEFAULT	SYSCONFDIR "/private.pem"
#define TSIG_DEFAULT	SYSCONFDIR "/publish.key"
#define TTL_DEFAULT	3600
#define TTL_MAX		604800

struct options {
	struct ask_request  ask;
	struct zone_request zone;
	const char	   *key;	/* file */
	const char	   *type;	/* of records; NULL: all */
	enum pubkey_type    key_type;
	unsigned	    bits;	/* 0: as the type has them */
	bool		    json, force;
	struct publish_request publish;
	char		    paths[ASK_SOCKETS_MAX][128];
};

static void
usage(FILE *f)
{
	fputs("usage: rsipctl [-s SOCKET]... [-v] [--json] status | leases | "
	    "flows | sa | spd | metrics | schema |\n"
	    "               reload | watch | top\n"
	    "       rsipctl [-s SOCKET]... [--json] why ADDRESS | NAME\n"
	    "       rsipctl [--json] keygen [-f] [-b BITS] [-o FILE] "
	    "[--id ID] [--for ADDRESS] [--precedence N] [--type TYPE]\n"
	    "       rsipctl [--json] dns-records --id ID [-k FILE] "
	    "[--for ADDRESS] [--precedence N] [--type TYPE]\n"
	    "       rsipctl publish [--id ID] [-k FILE] [--for ADDRESS] "
	    "[--type TYPE] [--tsig FILE] [--server SERVER]\n"
	    "               [--zone ZONE] [--ttl SECONDS] "
	    "[--replace | --remove] [--resolver ADDRESS] "
	    "[--trust-anchor FILE]\n"
	    "       rsipctl check NAME | ADDRESS [--resolver ADDRESS] "
	    "[--trust-anchor FILE]\n", f);
}

static void
help(void)
{
	usage(stdout);
	fputs("\n"
	    "Asks the daemons rsipd, rsipc and oed that run here, or makes a "
	    "key and its DNS records.\n\n"
	    "  status         what each daemon is and does\n"
	    "  leases         RSIP leases: addresses, ports, SPIs\n"
	    "  flows          what rsipd has learnt and routes by\n"
	    "  sa             security associations of both phases\n"
	    "  spd            what happens to traffic, for each source and "
	    "destination\n"
	    "  why ADDRESS    what happens to traffic for ADDRESS, and why; a\n"
	    "                 NAME: for each of its addresses\n"
	    "  metrics        counters and gauges, as OpenMetrics\n"
	    "  schema         what status, metrics and tables have, as JSON\n"
	    "  reload         read the configuration again\n"
	    "  watch          events as they happen, until interrupted\n"
	    "  top            verdicts, traffic and tables, every two seconds\n"
	    "  keygen         make the key of this host\n"
	    "  dns-records    the zone's records for the key there is\n"
	    "  publish        the same records into DNS, by an update that "
	    "the zone's server takes\n"
	    "  check          what a peer finds of NAME or ADDRESS, up to the "
	    "first step that fails\n\n"
	    "  -s, --socket SOCKET   a daemon's socket, or its name (" RUNDIR
	    "/NAME.sock); may be "
	    "given again\n"
	    "  -j, --json            one JSON object a line\n"
	    "  -v, --verbose         all counters, all columns\n"
	    "  -b, --bits BITS       of a key of RSA, " , stdout);
	printf("%d to %d (%u); of ECDSA 256 or 384 (256)\n", PUBKEY_BITS_MIN,
	    PUBKEY_BITS_MAX, KEYGEN_BITS_DEFAULT);
	fputs("  -o, -k, --key FILE    the key (" KEY_DEFAULT ")\n"
	    "  -f, --force           replace an existing key\n"
	    "  -i, --id ID           identity of this host: @NAME or an "
	    "address\n"
	    "      --for ADDRESS     the address that delegates to ID\n"
	    "      --precedence N    0 to 255, lower is stronger (10)\n"
	    "      --type TYPE       of the key: rsa, ecdsa or ed25519 (rsa); "
	    "or only\n"
	    "                        KEY, TXT or IPSECKEY records\n"
	    "      --tsig FILE       the key for updates, as tsig-keygen "
	    "writes it\n"
	    "                        (" TSIG_DEFAULT ")\n"
	    "      --server SERVER   name or address of the zone's primary "
	    "server (its SOA's)\n"
	    "      --zone ZONE       the zone to change (looked up)\n"
	    "      --ttl SECONDS     of the records (3600)\n"
	    "      --replace         in the place of other keys' records\n"
	    "      --remove          take the records away\n"
	    "      --resolver ADDRESS\n"
	    "                        whom to ask (/etc/resolv.conf)\n"
	    "      --trust-anchor FILE\n"
	    "                        DNSSEC begins there (" VALIDATE_ANCHORS
	    ")\n"
	    "  -h, --help\n"
	    "  -V, --version\n", stdout);
}

static int __attribute__((format(printf, 1, 2)))
usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("rsipctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" (see rsipctl --help)\n", stderr);
	return EXIT_USAGE;
}

/* A whole decimal number within bounds. */
static int
number(const char *s, unsigned lo, unsigned hi, unsigned *out)
{
	unsigned long v;
	char	     *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || *s == '-' || v < lo ||
	    v > hi)
		return -1;
	*out = (unsigned)v;
	return 0;
}

/* A path, or the name of a daemon that has the default one. */
static int
socket_add(struct options *o, const char *s)
{
	size_t n = o->ask.nsockets;

	if (n == ASK_SOCKETS_MAX)
		return usage_error("more than %d sockets", ASK_SOCKETS_MAX);
	if (strchr(s, '/') == NULL && strlen(s) < 32) {
		snprintf(o->paths[n], sizeof(o->paths[n]), "%s/%s.sock",
		    RUNDIR, s);
		s = o->paths[n];
	}
	o->ask.sockets[n] = s;
	o->ask.nsockets++;
	return 0;
}

/* The records of the wanted type; NULL after one log line. */
static json_object *
records_wanted(const struct pubkey *k, const struct options *o)
{
	json_object *all, *some, *record, *type;
	size_t	     i, n;

	if ((all = zone_records(k, &o->zone)) == NULL)
		return NULL;
	some = json_object_new_array();
	n = json_object_array_length(all);
	for (i = 0; i < n; i++) {
		record = json_object_array_get_idx(all, i);
		json_object_object_get_ex(record, "type", &type);
		if (o->type == NULL ||
		    strcasecmp(o->type, json_object_get_string(type)) == 0)
			json_object_array_add(some, json_object_get(record));
	}
	json_object_put(all);
	if (json_object_array_length(some) == 0) {
		log_error("a key of %s has no %s record: peers look for it in "
		    "IPSECKEY", PUBKEY_KIND(k), o->type);
		json_object_put(some);
		return NULL;
	}
	return some;
}

static int
records_print(const struct pubkey *k, const struct options *o)
{
	json_object *some = records_wanted(k, o), *answer;
	char	     text[PUBKEY_WIRE_MAX * 2];

	if (some == NULL)
		return 1;
	if (!o->json) {
		zone_print(stdout, some);
		json_object_put(some);
		return 0;
	}
	pubkey_to_base64(k, text, sizeof(text));
	answer = json_object_new_object();
	json_object_object_add(answer, "id",
	    json_object_new_string(o->zone.id));
	json_object_object_add(answer, "kind",
	    json_object_new_string(PUBKEY_KIND(k)));
	json_object_object_add(answer, "bits",
	    json_object_new_int((int)pubkey_bits(k)));
	json_object_object_add(answer, "key", json_object_new_string(text));
	json_object_object_add(answer, "records", some);
	printf("%s\n", json_object_to_json_string_ext(answer,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(answer);
	return 0;
}

/* Without a record nobody can know this host, and it encrypts nothing. */
static void
keygen_next_steps(const char *path, bool rsa)
{
	fprintf(stderr, "\nNext, so that others find the key in DNS; one "
	    "record is enough:\n"
	    "  a laptop, which shares its address or changes it, under a name "
	    "of its own:\n"
	    "    rsipctl dns-records -k %s --id @NAME --type %s\n"
	    "    into the zone of NAME, and  oe { id = \"@NAME\" }  into "
	    SYSCONFDIR "/rsipc.conf\n"
	    "  a host that has an address, under that address:\n"
	    "    rsipctl dns-records -k %s --id ADDRESS --type %s\n"
	    "    into the reverse zone of ADDRESS\n"
	    "Where the zone's name server takes updates, \"rsipctl publish\" "
	    "does that.\n"
	    "\"rsipctl status\" says whether the daemon has found it there.\n",
	    path, rsa ? "KEY" : "IPSECKEY", path, rsa ? "TXT" : "IPSECKEY");
}

static int
keygen_run(const struct options *o)
{
	struct pubkey k;
	char	      name[10];

	if (o->zone.id != NULL && zone_id_check(o->zone.id) == -1)
		return 1;
	if (keygen_make(&k, o->key, o->key_type, o->bits, o->force) == -1)
		return 1;
	pubkey_short(&k, name);
	fprintf(stderr, "%s: %s key, %s...\n", o->key, PUBKEY_KIND(&k), name);
	if (k.type != PUBKEY_RSA)
		fprintf(stderr, "Peers that speak IKEv1 alone cannot use it: "
		    "they know RSA.\n");
	if (o->zone.id != NULL)
		return records_print(&k, o);
	keygen_next_steps(o->key, k.type == PUBKEY_RSA);
	return 0;
}

static int
records_run(const struct options *o)
{
	struct pubkey k;

	if (keygen_read(&k, o->key) == -1)
		return 1;
	return records_print(&k, o);
}

/* The address that others see, if there is no NAT; no packet is sent. */
static const char *
own_address(void)
{
	static char		text[ADDR_TEXT_MAX];
	struct sockaddr_storage ss;
	struct addr		a;
	socklen_t		len;
	int			fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(&a, 0, sizeof(a));
	addr_parse(&a, "192.88.99.1");	/* anywhere that is not near */
	len = addr_to_sockaddr(&a, 9, &ss);
	if (fd != -1 && connect(fd, (struct sockaddr *)&ss, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		a = addr_from_sockaddr(&ss, len, NULL);
	else
		memset(&a, 0, sizeof(a));
	if (fd != -1)
		close(fd);
	return addr_is_set(&a) && !addr_is_private(&a) ?
	    addr_text(&a, text, sizeof(text)) : NULL;
}

static int
publish_records(struct options *o)
{
	struct pubkey k;
	json_object  *records;
	int	      rc;

	if (o->zone.id == NULL && (o->zone.id = own_address()) == NULL) {
		log_error("this host has no public address: publish its key "
		    "under a name, --id @NAME");
		return 1;
	}
	if (keygen_read(&k, o->key) == -1 ||
	    (records = records_wanted(&k, o)) == NULL)
		return 1;
	o->publish.key = &k;
	rc = publish_run(&o->publish, records);
	o->publish.key = NULL;
	json_object_put(records);
	return rc;
}

/* Of a key, or of records: the names are different. */
static int
type_read(struct options *o, const char *s)
{
	static const struct { const char *name; enum pubkey_type type; }
	    keys[] = { { "rsa", PUBKEY_RSA }, { "ecdsa", PUBKEY_ECDSA },
		{ "ed25519", PUBKEY_ED25519 } };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcasecmp(s, keys[i].name) == 0) {
			o->key_type = keys[i].type;
			return 0;
		}
	}
	if (strcasecmp(s, "KEY") != 0 && strcasecmp(s, "TXT") != 0 &&
	    strcasecmp(s, "IPSECKEY") != 0)
		return usage_error("--type %s: not rsa, ecdsa or ed25519 of a "
		    "key, nor KEY, TXT or IPSECKEY of records", s);
	o->type = s;
	return 0;
}

/* Does the type of key have that many bits? */
static int
bits_check(struct options *o)
{
	if (o->bits == 0) {
		o->bits = o->key_type == PUBKEY_RSA ? KEYGEN_BITS_DEFAULT : 256;
		return 0;
	}
	if (o->key_type == PUBKEY_RSA && (o->bits < PUBKEY_BITS_MIN ||
	    o->bits > PUBKEY_BITS_MAX))
		return usage_error("-b %u: not %d to %d bits", o->bits,
		    PUBKEY_BITS_MIN, PUBKEY_BITS_MAX);
	if (o->key_type != PUBKEY_RSA && o->bits != 256 &&
	    (o->bits != 384 || o->key_type != PUBKEY_ECDSA))
		return usage_error("-b %u: ECDSA has 256 or 384 bits here, "
		    "Ed25519 256", o->bits);
	return 0;
}

static int
options_read(struct options *o, int argc, char **argv)
{
	enum { OPT_FOR = 256, OPT_PRECEDENCE, OPT_TYPE, OPT_TSIG, OPT_SERVER,
		OPT_ZONE, OPT_TTL, OPT_REPLACE, OPT_REMOVE, OPT_RESOLVER,
		OPT_ANCHOR };
	static const struct option longopts[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "bits", required_argument, NULL, 'b' },
		{ "output", required_argument, NULL, 'o' },
		{ "key", required_argument, NULL, 'k' },
		{ "force", no_argument, NULL, 'f' },
		{ "id", required_argument, NULL, 'i' },
		{ "for", required_argument, NULL, OPT_FOR },
		{ "precedence", required_argument, NULL, OPT_PRECEDENCE },
		{ "type", required_argument, NULL, OPT_TYPE },
		{ "tsig", required_argument, NULL, OPT_TSIG },
		{ "server", required_argument, NULL, OPT_SERVER },
		{ "zone", required_argument, NULL, OPT_ZONE },
		{ "ttl", required_argument, NULL, OPT_TTL },
		{ "replace", no_argument, NULL, OPT_REPLACE },
		{ "remove", no_argument, NULL, OPT_REMOVE },
		{ "resolver", required_argument, NULL, OPT_RESOLVER },
		{ "trust-anchor", required_argument, NULL, OPT_ANCHOR },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc;

	while ((c = getopt_long(argc, argv, ":s:jvb:o:k:fi:hV", longopts,
	    NULL)) != -1) {
		switch (c) {
		case 's':
			if ((rc = socket_add(o, optarg)) != 0)
				return rc;
			break;
		case 'j':
			o->json = true;
			break;
		case 'v':
			o->ask.verbose = true;
			break;
		case 'b':
			if (number(optarg, 1, PUBKEY_BITS_MAX, &o->bits) == -1)
				return usage_error("-b %s: not %d to %d bits",
				    optarg, PUBKEY_BITS_MIN, PUBKEY_BITS_MAX);
			break;
		case 'o':
		case 'k':
			o->key = optarg;
			break;
		case 'f':
			o->force = true;
			break;
		case 'i':
			o->zone.id = optarg;
			break;
		case OPT_FOR:
			if (addr_parse(&o->zone.client, optarg) == -1 ||
			    !addr_is_host(&o->zone.client))
				return usage_error("--for %s: not a host's "
				    "address", optarg);
			break;
		case OPT_PRECEDENCE:
			if (number(optarg, 0, 255, &o->zone.precedence) == -1)
				return usage_error("--precedence %s: not 0 to "
				    "255", optarg);
			break;
		case OPT_TYPE:
			if ((rc = type_read(o, optarg)) != 0)
				return rc;
			break;
		case OPT_TSIG:
			o->publish.tsig = optarg;
			break;
		case OPT_SERVER:
			o->publish.server = optarg;
			break;
		case OPT_ZONE:
			o->publish.zone = optarg;
			break;
		case OPT_TTL:
			if (number(optarg, 1, TTL_MAX, &o->publish.ttl) == -1)
				return usage_error("--ttl %s: not 1 to %d",
				    optarg, TTL_MAX);
			break;
		case OPT_REPLACE:
			o->publish.how = PUBLISH_REPLACE;
			break;
		case OPT_REMOVE:
			o->publish.how = PUBLISH_REMOVE;
			break;
		case OPT_RESOLVER:
			if (addr_parse(&o->publish.names.resolver, optarg) ==
			    -1)
				return usage_error("--resolver %s: not an "
				    "address", optarg);
			break;
		case OPT_ANCHOR:
			o->publish.names.anchors = optarg;
			break;
		case 'h':
			help();
			exit(0);
		case 'V':
			puts("rsipctl " PACKAGE_VERSION);
			exit(0);
		case ':':
			return usage_error("%s: its argument is missing",
			    argv[optind - 1]);
		default:
			/* Within a cluster of letters optind has not moved. */
			if (optopt > ' ' && optopt < 0x7f)
				return usage_error("bad option -%c", optopt);
			return usage_error("unknown option %s",
			    argv[optind - 1]);
		}
	}
	return bits_check(o);
}

#define NAME_ADDRS_MAX	16

/* What traffic for each address of a name meets, as programs would choose among
 * them. */
static int
why_name(struct options *o, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo	     *list = NULL, *ai;
	struct addr	      addr;
	char		      text[ADDR_TEXT_MAX];
	unsigned	      n = 0;
	int		      rc, worst = 0;

	/* What is no address by a slip is not looked for. */
	if (name[strspn(name, "0123456789.:/")] == '\0' ||
	    getaddrinfo(name, NULL, &hints, &list) != 0)
		return usage_error("why %s: not an address, nor a name that "
		    "has any", name);
	for (ai = list; ai != NULL && n < NAME_ADDRS_MAX; ai = ai->ai_next) {
		addr = addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen, NULL);
		if (!addr_is_set(&addr))
			continue;
		o->ask.address = addr_text(&addr, text, sizeof(text));
		if ((rc = ask_run(&o->ask)) > worst)
			worst = rc;
		n++;
	}
	freeaddrinfo(list);
	return worst;
}

static int
why_run(struct options *o, const char *what)
{
	struct addr addr;

	o->ask.address = what;
	if (addr_parse(&addr, what) == 0)
		return ask_run(&o->ask);
	if (o->json)
		return usage_error("why %s: with --json an address is wanted",
		    what);
	return why_name(o, what);
}

int
main(int argc, char **argv)
{
	static struct options o = { .key = KEY_DEFAULT,
		.key_type = PUBKEY_RSA,
		.zone.precedence = KEYGEN_PRECEDENCE,
		.publish = { .tsig = TSIG_DEFAULT, .ttl = TTL_DEFAULT } };
	const char	     *command;
	int		      rc, args;

	log_init("rsipctl", true, LOG_LEVEL_INFO);
	if ((rc = options_read(&o, argc, argv)) != 0)
		return rc;
	if (optind == argc)
		return usage_error("which command?");
	command = argv[optind++];
	args = argc - optind;
	if (strcmp(command, "check") == 0) {
		if (args != 1)
			return usage_error("check: wants one name or address");
		return check_run(&o.publish.names, &o.ask, argv[optind]);
	}
	if (strcmp(command, "keygen") == 0 ||
	    strcmp(command, "publish") == 0 ||
	    strcmp(command, "dns-records") == 0) {
		if (args != 0)
			return usage_error("%s: too many arguments", command);
		if (o.ask.nsockets != 0)
			return usage_error("%s asks no daemon: no -s", command);
		if (strcmp(command, "keygen") == 0)
			return keygen_run(&o);
		if (strcmp(command, "publish") == 0)
			return publish_records(&o);
		if (o.zone.id == NULL)
			return usage_error("dns-records: --id @NAME or --id "
			    "ADDRESS is missing");
		return records_run(&o);
	}
	if (strcmp(command, "top") == 0) {
		if (args != 0)
			return usage_error("top: too many arguments");
		return top_run(&o.ask);
	}
	if (!ask_known(command))
		return usage_error("unknown command \"%s\"", command);
	if (strcmp(command, "why") == 0 && args != 1)
		return usage_error("why: wants one address or name");
	if (strcmp(command, "why") != 0 && args != 0)
		return usage_error("%s: too many arguments", command);
	o.ask.command = command;
	o.ask.json = o.json;
	rc = strcmp(command, "why") == 0 ? why_run(&o, argv[optind]) :
	    ask_run(&o.ask);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "rsipctl: standard output: %s\n",
		    strerror(errno));
		rc = 1;
	}
	return rc;
}
