/* test_ike2_keys.c - IKEv2's key derivation against known answers: RFC 4231, NIST's CAVS, and a script's */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "oe/ike/dh.h"
#include "oe/ike2/auth.h"
#include "oe/ike2/keys.h"
#include "tests/unit/dh_private.h"
#include "tests/unit/ike2_hex.h"

/* RFC 4231 §4, but for test case 5, whose output is cut. */
static const struct {
	const char *key, *data, *sha256, *sha384, *sha512;
} rfc4231[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	    "4869205468657265",
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	    "faea9ea9076ede7f4af152e8b2fa9cb6",
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4"
	    "be9d914eeb61f1702e696c203a126854" },
	{ "4a656665",
	    "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
	    "8e2240ca5e69e2c78b3239ecfab21649",
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fd"
	    "caeab1a34d4a6b4b636e070a38bce737" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	    "dddddddddddddddddddddddddddddddddddd",
	    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
	    "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
	    "2a5ab39dc13814b94e3ab6e101a34f27",
	    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
	    "bf3e848279a722c806b485a47e67c807"
	    "b946a337bee8942674278859e13292fb" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
	    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
	    "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
	    "6801dd23c4a7d679ccf8a386c674cffb",
	    "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
	    "a91ca5c11aa25eb4d679275cc5788063"
	    "a5f19741120c4f2de2adebeb10a298dd" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaa",
	    "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
	    "65204b6579202d2048617368204b6579204669727374",
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	    "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
	    "0c2ef6ab4030fe8296248df163f44952",
	    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	    "6b56d037e05f2598bd0fd2215d6a1e52"
	    "95e64f73f63f0aec8b915a985d786598" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaa",
	    "5468697320697320612074657374207573696e672061206c6172676572207468"
	    "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
	    "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
	    "647320746f20626520686173686564206265666f7265206265696e6720757365"
	    "642062792074686520484d414320616c676f726974686d2e",
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
	    "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
	    "a678cc31e799176d3860e6110c46523e",
	    "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
	    "b6022cac3c4982b10d5eeb55c3e4de15"
	    "134676fb6de0446065c97440fa8c6a58" },
};

static void
prf_is_rfc4231s(void **state)
{
	static const unsigned prfs[] = { IKE2_PRF_HMAC_SHA2_256,
		IKE2_PRF_HMAC_SHA2_384, IKE2_PRF_HMAC_SHA2_512 };
	const struct ike2_prf_info *prf;
	uint8_t		 key[256], data[256], out[IKE2_PRF_MAX];
	struct ike_chunk c = { data, 0 };
	size_t		 i, n, p;

	(void)state;
	for (i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++) {
		n = unhex(rfc4231[i].key, key, sizeof(key));
		c.len = unhex(rfc4231[i].data, data, sizeof(data));
		for (p = 0; p < 3; p++) {
			prf = ike2_prf_info(prfs[p]);
			assert_int_equal(ike_prf(prf->hash, key, n, &c, 1, out),
			    0);
			assert_hex(out, prf->len, p == 0 ? rfc4231[i].sha256 :
			    p == 1 ? rfc4231[i].sha384 : rfc4231[i].sha512);
		}
	}
}

/* RFC 8031 App. A; the fixed private values are made from the random
 * ones by clamping. */
static void
x25519_is_rfc8031s(void **state)
{
	static const char *const random[] = {
	    "751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94",
	    "0a54645253290d60ddadd0e030bacd9e"
	    "5501efdc220755a1e978f1b839a05688" };
	static const char *const public[] = {
	    "48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766",
	    "0be7c1f5aad87d7e448662673298a443"
	    "478b859745179eaf564c79c0ef6eee25" };
	uint8_t	       priv[32], secret[IKE_KE_MAX];
	struct ike_dh *dh[2];
	int	       i;

	(void)state;
	for (i = 0; i < 2; i++) {
		unhex(random[i], priv, sizeof(priv));
		dh[i] = dh_from_private(IKE2_KE_CURVE25519, priv, 32);
		assert_non_null(dh[i]);
		assert_hex(ike_dh_public(dh[i]), 32, public[i]);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(ike_dh_derive(dh[i], ike_dh_public(dh[!i]), 32,
		    secret), 32);
		assert_hex(secret, 32, "c74950607a12327f3204d94b6825bfb0"
		    "68b7f8319a9e3708ed3d43ce8130c950");
	}
	ike_dh_free(dh[0]);
	ike_dh_free(dh[1]);
}

/* --- NIST --- */

/* Never negotiated, and so not in algorithm.c. */
static const struct ike2_prf_info sha1 = { 2, IKE_SHA1, "PRF-HMAC-SHA1", 20 };
static const char *cavs_path;	/* NULL: the excerpt that is in the tree */

struct cavs {
	const struct ike2_prf_info *prf;
	struct ike2_nonce ni, nr;
	uint8_t	 g[1024], g_new[1024], spis[16], seed[64], again[64];
	size_t	 g_len, g_new_len;
	uint8_t	 dkm[512], child[512], pfs[512];
	size_t	 dkm_len, child_len, pfs_len;
};

static void
check_cavs(const struct cavs *v)
{
	struct ike2_fresh first = { &v->ni, &v->nr, v->g, v->g_len };
	struct ike2_fresh next = { &v->ni, &v->nr, v->g_new, v->g_new_len };
	struct ike2_fresh bare = { &v->ni, &v->nr, NULL, 0 };
	struct ike2_keys  k = { .prf = v->prf };
	struct ike_chunk  c[3] = { { v->ni.p, v->ni.len },
		{ v->nr.p, v->nr.len }, { v->spis, 16 } };
	uint8_t		  out[512];

	assert_int_equal(ike2_skeyseed(v->prf, NULL, &first, out), 0);
	assert_memory_equal(out, v->seed, v->prf->len);
	assert_int_equal(ike2_prf_plus(v->prf, v->seed, v->prf->len, c, 3, out,
	    v->dkm_len), 0);
	assert_memory_equal(out, v->dkm, v->dkm_len);
	memcpy(k.d, v->dkm, v->prf->len);
	assert_int_equal(ike2_keymat(&k, &bare, out, v->child_len), 0);
	assert_memory_equal(out, v->child, v->child_len);
	assert_int_equal(ike2_keymat(&k, &next, out, v->pfs_len), 0);
	assert_memory_equal(out, v->pfs, v->pfs_len);
	assert_int_equal(ike2_skeyseed(NULL, &k, &next, out), 0);
	assert_memory_equal(out, v->again, v->prf->len);
}

/* One line "name = value"; true when the vector is complete with it. */
static bool
read_cavs(struct cavs *v, const char *name, const char *value)
{
	if (strcmp(name, "Ni") == 0)
		v->ni.len = unhex(value, v->ni.p, sizeof(v->ni.p));
	else if (strcmp(name, "Nr") == 0)
		v->nr.len = unhex(value, v->nr.p, sizeof(v->nr.p));
	else if (strcmp(name, "g^ir") == 0)
		v->g_len = unhex(value, v->g, sizeof(v->g));
	else if (strcmp(name, "g^ir (new)") == 0)
		v->g_new_len = unhex(value, v->g_new, sizeof(v->g_new));
	else if (strcmp(name, "SPIi") == 0)
		unhex(value, v->spis, 8);
	else if (strcmp(name, "SPIr") == 0)
		unhex(value, v->spis + 8, 8);
	else if (strcmp(name, "SKEYSEED") == 0)
		unhex(value, v->seed, sizeof(v->seed));
	else if (strcmp(name, "DKM") == 0)
		v->dkm_len = unhex(value, v->dkm, sizeof(v->dkm));
	else if (strcmp(name, "DKM(Child SA)") == 0)
		v->child_len = unhex(value, v->child, sizeof(v->child));
	else if (strcmp(name, "DKM(Child SA D-H)") == 0)
		v->pfs_len = unhex(value, v->pfs, sizeof(v->pfs));
	else if (strcmp(name, "SKEYSEED(Rekey)") == 0) {
		unhex(value, v->again, sizeof(v->again));
		return true;
	}
	return false;
}

static void
kdf_is_nists(void **state)
{
	static char line[8192];
	const char *srcdir = getenv("srcdir");
	char	    path[1024], *p, *value;
	struct cavs v = { 0 };
	FILE	   *f;
	unsigned    n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/unit/ike2_cavs.fax",
	    srcdir == NULL ? "." : srcdir);
	f = fopen(cavs_path != NULL ? cavs_path : path, "r");
	if (f == NULL)
		fail_msg("%s: cannot read", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		p = line + (line[0] == '#');
		p[strcspn(p, "\r\n")] = '\0';
		if (strncmp(p, "[SHA-", 5) == 0)
			v.prf = p[5] == '1' ? &sha1 :
			    ike2_prf_info(p[5] == '2' ? IKE2_PRF_HMAC_SHA2_256 :
			    p[5] == '3' ? IKE2_PRF_HMAC_SHA2_384 :
			    IKE2_PRF_HMAC_SHA2_512);
		if (*p == '[' || (value = strstr(p, " = ")) == NULL)
			continue;
		*value = '\0';
		if (!read_cavs(&v, p, value + 3))
			continue;
		assert_non_null(v.prf);
		check_cavs(&v);
		n++;
	}
	fclose(f);
	print_message("%u of NIST's vectors\n", n);
	assert_true(n >= 2);
}

/* --- tests/peer/ike2_vectors.py --- */

static const struct {
	uint16_t    encr, bits, prf, integ;
	const char *digest;		/* of all keys, the next IKE SA's
					 * and two children's */
	const char *psk, *null;		/* MACs over the initiator's octets */
} derived[] = {
	{ 20, 256, 7, 0,
	    "8bd467e7a13f6b14e08981020d01546c2db45343d765cd426a917cf011322444",
	    "33ea935aaa2369f81626ba997a5741376360e87e311a046a91f0d71eac40dd75"
	    "531b3c457e460989d3085af5c46901c15a4942df14a172d5fc0061077cbb1f2c",
	    "83c58178925d40c9e73fc19b772ebf8c98e6531a67da1a45cc0ebcf09044945c"
	    "ea1e9f044326c0ad85dc3c8ab5608edd"
	    "bae389bfaf58cf05a2d939d789a23251" },
	{ 20, 128, 6, 0,
	    "771ef98551c34c37ed6ba503cc7e69084464e8f11687ce51f49b04fe7ab99939",
	    "6916a2626513d974007b25410b20076c96888d4d38bf87f8854e802f3de25176"
	    "a4614f31f4e3d102119c05dbf4827582",
	    "ea4eba41c6a73bd15019e81c793c0765aabc0a74b7ac3b726f343508a4c8af2f"
	    "fb622189fe51018aae65f78709d73492" },
	{ 28, 0, 5, 0,
	    "216bdc43549a8fed7f18c3b7b67693c96c17ccdf70321bbd27af8c267bad6ff4",
	    "0082d0bc2a08f79acfd28e1ec8b91a99453bf9a01a8b94dc88d596b9c7e1059f",
	    "b14359683cf9dbac4b672790c118a988"
	    "736caa70c16b8f3d55f7ff5e7c173f8c" },
	{ 12, 256, 6, 13,
	    "a8d9e800b439c5de2e28fe611ec68f1a032d810158205b6f9f9eec25eba26ae7",
	    "ef26115270bfcc834a7475fad3e33f3c7bf0355aab3ff9136ce07f2194813fdb"
	    "19a6c4e530beb22a5e83c87634fb353f",
	    "a6c3717795c62eeff9828a3101b495e7f2f3976aab965ace33d1540f015342ff"
	    "e78f65e35b6eecca0d568dc7b601876e" },
	{ 12, 128, 7, 14,
	    "d32fe8062821f797be5540a47216904320a809bb60cd5b5ff0238c7dea1de8e7",
	    "e0f6fc115e76ebf4d47836581d2baef840817ca59ad8116bfbc3eea2f50a19c5"
	    "f57bb8510f2e6897d7f5546e0116df7f0e708767ec620b306478297d49664b53",
	    "7849b548cf14ef3bf3e664b221b2a2b63bbd546dbf18e7b6e013840f06773d56"
	    "b579b9ca7a068f6084742a2cda9fea5c"
	    "2b13f1306d58dc19b538887fdccbbc49" },
	{ 12, 256, 5, 12,
	    "e2a8ec86c968eecfe8a7e2f6240ca3eb61d790f7e6049ee4693ce5c0e4891aaa",
	    "7a7dd7133e63cc157e67872893db8fa9c2f5c7e304c3f5dd22d5544b6663d7bc",
	    "62178fa6a92b480c7b4b8e83b2a7dff7"
	    "8e1715f01c756a66fe1c395fbb8bd628" },
};
#define DERIVED	(sizeof(derived) / sizeof(derived[0]))

static struct ike2_nonce ni = { .len = 32 }, nr = { .len = 48 };
static uint8_t secret[256];
static const uint64_t spi_i = 0x0102030405060708, spi_r = 0x1112131415161718;

static int
make_inputs(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(7 * i);
	for (i = 0; i < 48; i++) {
		ni.p[i] = (uint8_t)i;
		nr.p[i] = (uint8_t)(100 + i);
	}
	return 0;
}

static struct ike2_suite
suite(size_t i)
{
	struct ike2_suite s = { .encr = derived[i].encr,
	    .bits = derived[i].bits,
		.prf = derived[i].prf, .integ = derived[i].integ };

	return s;
}

/* The seven keys in the order of §2.14. */
static void
put_keys(struct writer *w, const struct ike2_keys *k)
{
	size_t alen = k->i.integ == NULL ? 0 : k->i.integ->key_len;

	writer_put(w, k->d, k->prf->len);
	writer_put(w, k->i.auth, alen);
	writer_put(w, k->r.auth, alen);
	writer_put(w, k->i.enc, k->i.encr->key_len);
	writer_put(w, k->r.enc, k->i.encr->key_len);
	writer_put(w, k->pi, k->prf->len);
	writer_put(w, k->pr, k->prf->len);
}

static void
keys_are_the_scripts(void **state)
{
	const struct ike2_fresh with = { &ni, &nr, secret, sizeof(secret) };
	const struct ike2_fresh without = { &ni, &nr, NULL, 0 };
	struct ike2_suite	s;
	struct ike2_keys	k, next;
	struct writer		w;
	struct ike_chunk	c;
	uint8_t			all[2048], digest[IKE_HASH_MAX], child[512];
	size_t			i, n;

	(void)state;
	for (i = 0; i < DERIVED; i++) {
		s = suite(i);
		assert_int_equal(ike2_keys_make(&k, &s, NULL, &with, spi_i,
		    spi_r), 0);
		assert_int_equal(ike2_keys_make(&next, &s, &k, &with, spi_i,
		    spi_r), 0);
		writer_init(&w, all, sizeof(all));
		put_keys(&w, &k);
		put_keys(&w, &next);
		n = 2 * (k.i.encr->key_len + (k.i.integ == NULL ? 0 :
		    k.i.integ->key_len));
		assert_int_equal(ike2_keymat(&k, &without, child, n), 0);
		writer_put(&w, child, n);
		assert_int_equal(ike2_keymat(&k, &with, child, n), 0);
		writer_put(&w, child, n);
		assert_false(w.bad);
		c = (struct ike_chunk){ all, w.len };
		assert_int_equal(ike_hash(IKE_SHA2_256, &c, 1, digest), 0);
		assert_hex(digest, 32, derived[i].digest);
	}
}

/* A rekeyed IKE SA may have another PRF; SKEYSEED is made with the
 * old one (§2.18). */
static void
rekey_with_another_prf(void **state)
{
	const struct ike2_fresh with = { &ni, &nr, secret, sizeof(secret) };
	const struct ike2_fresh without = { &ni, &nr, NULL, 0 };
	struct ike2_suite	a = suite(0), b = suite(2);
	struct ike2_keys	old, got, want;
	uint8_t			seed[IKE2_PRF_MAX];
	struct ike_chunk	c[3] = { { secret, sizeof(secret) },
		{ ni.p, ni.len }, { nr.p, nr.len } };

	(void)state;
	assert_int_equal(ike2_keys_make(&old, &a, NULL, &with, spi_i, spi_r),
	    0);
	assert_int_equal(ike2_keys_make(&got, &b, &old, &with, 3, 4), 0);
	assert_int_equal(ike_prf(IKE_SHA2_512, old.d, 64, c, 3, seed), 0);
	assert_int_equal(ike2_keys_derive(&want, &b, seed, 64, &with, 3, 4), 0);
	assert_memory_equal(&got, &want, sizeof(got));
	/* An IKE SA without a key exchange is none. */
	assert_int_equal(ike2_keys_make(&got, &b, &old, &without, 3, 4), -1);
}

/* §2.17: the initiator's direction first, the cipher's key before the MAC's;
 * what one end sends with the other receives with. */
static void
child_keys(void **state)
{
	static const struct ike2_suite suites[] = {
		{ .encr = IKE2_ENCR_AES_GCM_16, .bits = 256, .esn = true },
		{ .encr = IKE2_ENCR_AES_GCM_16, .bits = 128 },
		{ .encr = IKE2_ENCR_AES_CBC, .bits = 256,
		    .integ = IKE2_INTEG_HMAC_SHA2_256_128 },
		{ .encr = IKE2_ENCR_AES_CBC, .bits = 128, .esn = true,
		    .integ = IKE2_INTEG_HMAC_SHA2_512_256 },
	};
	const struct ike2_fresh without = { &ni, &nr, NULL, 0 };
	const struct ike2_fresh with = { &ni, &nr, secret, sizeof(secret) };
	struct ike2_suite	s = suite(0);
	struct ike2_keys	k;
	struct esp_params	a_in, a_out, b_in, b_out;
	uint8_t			mat[256];
	size_t			i, at;

	(void)state;
	assert_int_equal(ike2_keys_make(&k, &s, NULL, &with, 1, 2), 0);
	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		memset(&a_in, 0, sizeof(a_in));
		memset(&a_out, 0, sizeof(a_out));
		memset(&b_in, 0, sizeof(b_in));
		memset(&b_out, 0, sizeof(b_out));
		assert_int_equal(ike2_child_keys(&k, &without, &suites[i], true,
		    &a_in, &a_out), 0);
		assert_int_equal(ike2_child_keys(&k, &without, &suites[i],
		    false, &b_in, &b_out), 0);
		assert_memory_equal(&a_in, &b_out, sizeof(a_in));
		assert_memory_equal(&a_out, &b_in, sizeof(a_in));
		assert_true(a_in.esn == suites[i].esn);
		assert_int_equal(ike2_keymat(&k, &without, mat, sizeof(mat)),
		    0);
		at = 0;
		assert_memory_equal(a_out.cipher_key, mat, a_out.cipher_len);
		at += a_out.cipher_len;
		assert_memory_equal(a_out.auth_key, mat + at, a_out.auth_len);
		at += a_out.auth_len;
		assert_memory_equal(a_in.cipher_key, mat + at, a_in.cipher_len);
		at += a_in.cipher_len;
		assert_memory_equal(a_in.auth_key, mat + at, a_in.auth_len);
		/* With a key exchange of its own it is another. */
		assert_int_equal(ike2_child_keys(&k, &with, &suites[i], true,
		    &b_in, &b_out), 0);
		assert_memory_not_equal(a_in.cipher_key, b_in.cipher_key, 16);
	}
	s = (struct ike2_suite){ .encr = 3 };
	assert_int_equal(ike2_child_keys(&k, &without, &s, true, &a_in, &a_out),
	    -1);
}

static void
macs_are_the_scripts(void **state)
{
	static const uint8_t	id[] = { 2, 0, 0, 0, 'x', '1', '.', 'l', 'a',
		'b' };
	const struct ike2_fresh with = { &ni, &nr, secret, sizeof(secret) };
	struct ike2_credential	c = { 0 };
	struct ike2_suite	s;
	struct ike2_keys	k;
	struct ike2_signed	what;
	uint8_t			message[100], body[IKE2_AUTH_MAX];
	size_t			i;
	int			n;

	(void)state;
	for (i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(40 + i);
	for (i = 0; i < DERIVED; i++) {
		s = suite(i);
		assert_int_equal(ike2_keys_make(&k, &s, NULL, &with, spi_i,
		    spi_r), 0);
		what = (struct ike2_signed){ &k, true, message, sizeof(message),
			&nr, id, sizeof(id) };
		c.psk = (const uint8_t *)"secret";
		c.psk_len = 6;
		n = ike2_auth_make(&what, &c, body);
		assert_int_equal(body[0], IKE2_METHOD_PSK);
		assert_hex(body + 4, (size_t)n - 4, derived[i].psk);
		c.psk = NULL;
		n = ike2_auth_make(&what, &c, body);
		assert_int_equal(body[0], IKE2_METHOD_NULL);
		assert_hex(body + 4, (size_t)n - 4, derived[i].null);
	}
}

/* --- limits --- */

static void
prf_plus_is_bounded(void **state)
{
	static uint8_t		    out[255 * 32 + 1];
	const struct ike2_prf_info *prf =
	    ike2_prf_info(IKE2_PRF_HMAC_SHA2_256);
	struct ike_chunk	    c = { "seed", 4 };

	(void)state;
	/* The octet that counts its steps has no 256th. */
	assert_int_equal(ike2_prf_plus(prf, secret, 32, &c, 1, out, 255 * 32),
	    0);
	assert_int_equal(ike2_prf_plus(prf, secret, 32, &c, 1, out,
	    255 * 32 + 1), -1);
}

static void
nonces(void **state)
{
	struct ike2_nonce a, b;
	uint8_t		  body[300] = { 1 };

	(void)state;
	assert_int_equal(ike2_nonce_read(&a, body, 15), -1);
	assert_int_equal(ike2_nonce_read(&a, body, 16), 0);
	assert_int_equal(ike2_nonce_read(&a, body, 256), 0);
	assert_int_equal(ike2_nonce_read(&a, body, 257), -1);
	ike2_nonce_draw(&a);
	ike2_nonce_draw(&b);
	assert_int_equal(a.len, 32);
	assert_true(ike2_nonce_compare(&a, &b) != 0);
	assert_true((ike2_nonce_compare(&a, &b) < 0) ==
	    (ike2_nonce_compare(&b, &a) > 0));
	assert_int_equal(ike2_nonce_compare(&a, &a), 0);
	/* §2.8.1: octet by octet; the shorter of two that
	 * begin alike is lower. */
	b = a;
	b.p[32] = 0;
	b.len = 33;
	assert_true(ike2_nonce_compare(&a, &b) < 0);
	assert_true(ike2_nonce_compare(&b, &a) > 0);
	a.p[0] = 0;
	b.p[0] = 0xff;
	assert_true(ike2_nonce_compare(&a, &b) < 0);
}

/* test_ike2_keys [FILE]: NIST's whole file instead of the excerpt. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_is_rfc4231s),
		cmocka_unit_test(x25519_is_rfc8031s),
		cmocka_unit_test(kdf_is_nists),
		cmocka_unit_test(keys_are_the_scripts),
		cmocka_unit_test(rekey_with_another_prf),
		cmocka_unit_test(child_keys),
		cmocka_unit_test(macs_are_the_scripts),
		cmocka_unit_test(prf_plus_is_bounded),
		cmocka_unit_test(nonces),
	};

	if (argc > 1)
		cavs_path = argv[1];
	return cmocka_run_group_tests(tests, make_inputs, NULL);
}
