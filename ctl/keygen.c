/* keygen.c - making a key, and its TXT, KEY and IPSECKEY records for a zone */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/keygen.h"

#define TXT_STRING_MAX	255	/* RFC 1035 §3.3 */
#define NAME_MAX_LEN	253	/* of a domain name as text
				 * without its last dot */
#define LABEL_MAX	63
#define DATA_MAX	4096
/* RFC 2535 §3.1.2: not for confidentiality (0x4000), a host's key (0x0200).
 * Written as a decimal number, the only form that every name server reads. */
#define KEY_FLAGS	0x4200
#define KEY_PROTOCOL	4	/* IPsec (RFC 2535 §3.1.3) */
#define KEY_ALGORITHM	1	/* RSA with RFC 3110's bytes, as
				 * FreeS/WAN published */

int
keygen_make(struct pubkey *out, const char *path, enum pubkey_type type,
    unsigned bits, bool force)
{
	char	    fresh[PATH_MAX];
	const char *target = path;
	EVP_PKEY   *pkey;
	int	    rc;

	make_parent_folder(path);
	if (force) {
		/* The old key stays until the new one is whole. */
		rc = snprintf(fresh, sizeof(fresh), "%s.%ld", path,
		    (long)getpid());
		if (rc < 0 || (size_t)rc >= sizeof(fresh)) {
			log_error("%s: name too long", path);
			return -1;
		}
		target = fresh;
	}
	if ((pkey = pubkey_generate(target, type, bits)) == NULL)
		return -1;
	rc = pubkey_from_evp(out, pkey);
	EVP_PKEY_free(pkey);
	if (rc == -1)
		log_error("%s: the key made has no public half", target);
	else if (force && rename(fresh, path) == -1) {
		log_error("%s: %s", path, strerror(errno));
		rc = -1;
	}
	if (rc == -1)
		unlink(target);
	return rc;
}

int
keygen_read(struct pubkey *out, const char *path)
{
	EVP_PKEY *pkey;
	int	  rc;

	if ((pkey = pubkey_load_private(path)) == NULL)
		return -1;
	if ((rc = pubkey_from_evp(out, pkey)) == -1)
		log_error("%s: unusual RSA exponent", path);
	EVP_PKEY_free(pkey);
	return rc;
}

/* "@x1.lab" or "@x1.lab.": labels of letters, digits, '-' and '_'. */
static int
id_name(const char *id, char out[NAME_MAX_LEN + 1])
{
	size_t n = strlen(id), i, label = 0;

	if (n > 0 && id[n - 1] == '.')
		n--;
	if (n == 0 || n > NAME_MAX_LEN)
		return -1;
	for (i = 0; i < n; i++) {
		out[i] = (char)tolower((unsigned char)id[i]);
		if (id[i] == '.' && label > 0) {
			label = 0;
			continue;
		}
		if (!(isascii(id[i]) && isalnum((unsigned char)id[i])) &&
		    id[i] != '-' && id[i] != '_')
			return -1;
		if (++label > LABEL_MAX)
			return -1;
	}
	if (label == 0)
		return -1;
	out[n] = '\0';
	return 0;
}

int
zone_id_check(const char *id)
{
	char	    name[NAME_MAX_LEN + 1];
	struct addr addr;

	if (*id == '@' ? id_name(id + 1, name) == 0 :
	    addr_parse(&addr, id) == 0)
		return 0;
	log_error("\"%s\" is not an identity: say @NAME or an address", id);
	return -1;
}

static void
reverse_name(const struct addr *addr, char out[NAME_MAX_LEN + 2])
{
	char name[ADDR_REVERSE_MAX];

	snprintf(out, NAME_MAX_LEN + 2, "%s.", addr_reverse_name(addr, name));
}

static void
record_add(json_object *records, const char *name, const char *type,
    const char *data)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "type", json_object_new_string(type));
	json_object_object_add(o, "data", json_object_new_string(data));
	json_object_array_add(records, o);
}

/* Quotes text as a TXT record's character-strings; none of it
 * needs an escape. */
static void
txt_strings(char *out, size_t cap, const char *text)
{
	size_t n = 0, left = strlen(text), k;

	for (; left > 0; left -= k, text += k) {
		k = left < TXT_STRING_MAX ? left : TXT_STRING_MAX;
		n += (size_t)snprintf(out + n, cap - n, "%s\"%.*s\"",
		    n == 0 ? "" : " ", (int)k, text);
	}
}

/* Gateway type 0: the key is for the owner of the name itself
 * (RFC 4025 §2.3). */
static void
ipseckey_add(json_object *records, const char *owner,
    const struct zone_request *r, unsigned type, const char *gateway,
    const struct pubkey *k, const char *key)
{
	char data[DATA_MAX];

	snprintf(data, sizeof(data), "%u %u %u %s %s", r->precedence, type,
	    (unsigned)k->type, gateway, key);
	record_add(records, owner, "IPSECKEY", data);
}

json_object *
zone_records(const struct pubkey *k, const struct zone_request *r)
{
	char	     name[NAME_MAX_LEN + 1], holder[NAME_MAX_LEN + 2];
	char	     delegator[NAME_MAX_LEN + 2], gateway[NAME_MAX_LEN + 2];
	char	     key[PUBKEY_WIRE_MAX * 2], text[DATA_MAX], data[DATA_MAX];
	json_object *records;
	struct addr  addr = { 0 };
	unsigned     gateway_type;

	if (zone_id_check(r->id) == -1)
		return NULL;
	if (pubkey_to_base64(k, key, sizeof(key)) == -1) {
		log_error("the key is too long for a record");
		return NULL;
	}
	if (*r->id == '@') {
		gateway_type = 3;
		id_name(r->id + 1, name);
		snprintf(holder, sizeof(holder), "%s.", name);
		snprintf(gateway, sizeof(gateway), "%s.", name);
	} else {
		addr_parse(&addr, r->id);
		gateway_type = addr.family == AF_INET6 ? 2 : 1;
		reverse_name(&addr, holder);
		addr_text(&addr, gateway, sizeof(gateway));
	}
	if (addr_is_set(&r->client))
		reverse_name(&r->client, delegator);
	else
		memcpy(delegator, holder, sizeof(delegator));

	records = json_object_new_array();
	if (k->type == PUBKEY_RSA) {
		snprintf(data, sizeof(data), "%d %d %d %s", KEY_FLAGS,
		    KEY_PROTOCOL, KEY_ALGORITHM, key);
		record_add(records, holder, "KEY", data);
	}
	/* The form without a gateway comes first: other
	 * implementations take no other. */
	ipseckey_add(records, holder, r, 0, ".", k, key);
	if (strcmp(delegator, holder) != 0)
		ipseckey_add(records, delegator, r, gateway_type, gateway, k,
		    key);
	/* RFC 4322 §5.2 knows RSA and IPv4 alone. */
	if (k->type != PUBKEY_RSA || addr.family == AF_INET6)
		return records;
	/* Without a known address the name's own node carries it: the owner of
	 * the reverse map points there with a CNAME or copies it. */
	snprintf(text, sizeof(text), "X-IPsec-Server(%u)=%s%s %s",
	    r->precedence, *r->id == '@' ? "@" : "",
	    *r->id == '@' ? name : gateway, key);
	txt_strings(data, sizeof(data), text);
	record_add(records, delegator, "TXT", data);
	return records;
}

void
zone_print(FILE *f, json_object *records)
{
	json_object *o, *name, *type, *data;
	size_t	     n = json_object_array_length(records), i;

	for (i = 0; i < n; i++) {
		o = json_object_array_get_idx(records, i);
		json_object_object_get_ex(o, "name", &name);
		json_object_object_get_ex(o, "type", &type);
		json_object_object_get_ex(o, "data", &data);
		fprintf(f, "%s IN %s %s\n", json_object_get_string(name),
		    json_object_get_string(type), json_object_get_string(data));
	}
}
