/* test_ike_crypto.c - IKEv1 key derivation and CBC, groups and bare signatures against known answers */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "oe/ike/dh.h"
#include "oe/ike/sign.h"
#include "oe/ike1/keys.h"
#include "tests/unit/dh_private.h"

/* Returns the length; the text is ours. */
static size_t
unhex(const char *s, uint8_t *out, size_t cap)
{
	size_t	 n = strlen(s) / 2, i;
	unsigned v;

	assert_true(n <= cap);
	for (i = 0; i < n; i++) {
		assert_int_equal(sscanf(s + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

static void
assert_hex(const uint8_t *p, size_t len, const char *hex)
{
	uint8_t want[512];

	assert_int_equal(unhex(hex, want, sizeof(want)), len);
	assert_memory_equal(p, want, len);
}

/*
 * NIST's CAVS vectors for the IKEv1 KDF of SP 800-135, ikev1_dsa.rsp and
 * ikev1_psk.rsp, SHA-1, g^xy 256 bits, COUNT 0, as libreswan publishes them
 * in programs/cavp/test.acvp.ikev1_{dsa,psk}.run.
 */
static const struct {
	const char *cookies, *ni, *nr, *gxy, *psk, *skeyid, *d, *a, *e;
} nist[] = {
	{ "8c3bcd3a69831d7fd2d9a7ff4fbe95a7", "69a62284195f1680",
	    "80c94ba25c8abda5",
	    "8ba4cbc73c0187301dc19a975823854dbd641c597f637f8d053a83b9514673eb",
	    NULL, "707197817fb2d90cf54d1842606bdea59b9f4823",
	    "384be709a8a5e63c3ed160cfe3921c4b37d5b32d",
	    "48b327575abe3adba0f279849e289022a13e2b47",
	    "a4a415c8e0c38c0da847c356cc61c24df8025560" },
	{ "83d374c30b3b50825afc0da06c728029", "b9a2d0e922dc66dd",
	    "2130166863b5ddef",
	    "739003ba2c11c982946c65e26acf661fbf8ebb78011a9fead79efa12fe3e71cc",
	    "75", "62b04d112877e442fc3282fc37c076997718a0b9",
	    "369e5aad1bdb5faf6a3d929d500cdc236710a9ab",
	    "588e957d8d790d093b3a39f121473473af78e9bb",
	    "cd74b0c048219db81384d3fda8f6cda51e398a2b" },
};

static void
skeyid_is_nists(void **state)
{
	uint8_t		 cookies[16], ni[64], nr[64], gxy[512], psk[64];
	struct ike_chunk cni = { ni, 0 }, cnr = { nr, 0 }, cg = { gxy, 0 };
	struct ike1_keys	 k;
	size_t		 i, n = 0;

	(void)state;
	for (i = 0; i < sizeof(nist) / sizeof(nist[0]); i++) {
		unhex(nist[i].cookies, cookies, sizeof(cookies));
		cni.len = unhex(nist[i].ni, ni, sizeof(ni));
		cnr.len = unhex(nist[i].nr, nr, sizeof(nr));
		cg.len = unhex(nist[i].gxy, gxy, sizeof(gxy));
		if (nist[i].psk != NULL)
			n = unhex(nist[i].psk, psk, sizeof(psk));
		assert_int_equal(ike1_keys_derive(&k, IKE_SHA1,
		    IKE1_3DES_CBC, 0, nist[i].psk == NULL ? NULL : psk, n, &cni,
		    &cnr, &cg, cookies), 0);
		assert_hex(k.skeyid, k.len, nist[i].skeyid);
		assert_hex(k.d, k.len, nist[i].d);
		assert_hex(k.a, k.len, nist[i].a);
		assert_hex(k.e, k.len, nist[i].e);
	}
}

/*
 * From tests/peer/ike_vectors.py, which follows RFC 2409 §5, §5.5 and App. B
 * with Python's hmac: the cipher's key where SKEYID_e is long enough and where
 * it is fed back, and 72 bytes of KEYMAT without and with PFS.
 */
static const struct {
	unsigned    hash;
	bool	    psk;
	const char *des3, *aes128, *aes256, *keymat, *keymat_pfs;
} derived[] = {
	{ IKE_MD5, false,
	    "3b9ace1cc12ed404ef63ccedb3d449800cee7195e2d096ca",
	    "80e9286e61011a360bdde922a39529ae",
	    "3b9ace1cc12ed404ef63ccedb3d449800cee7195e2d096ca8dc80686497dfcec",
	    "bb10f36e76e915d4426fccfea0b8e05a24d07b0909cda4d56630e841955c1e59"
	    "6faabe80823071881d3a0c939cfb2861a87fecc7c9daa87e442b0ca887a53b4a"
	    "812ec2174f029fff",
	    "fe1db134ccd50792fef0e81614710302011086433bedf285d31afda2da933a0d"
	    "58f253ad0441e567b5cdaca943db5cf9fd10b38325833477424e60d3ef199754"
	    "7675ca5cb16ffa15" },
	{ IKE_MD5, true,
	    "2cc41cd0c8ab07dbe9ba94870dc2cab1b4e865875a9f270c",
	    "ad281e3b80da79c5a0e547b4d0f226b1",
	    "2cc41cd0c8ab07dbe9ba94870dc2cab1b4e865875a9f270c20eaccab9217255d",
	    "2a1e63c4be5d9e77d3148de5914435f9b4d468ce98e26284d6a557e31e35ce43"
	    "af4e543aee1b15a79cab80899144974208c443ffc4c82eed95f494e68467e3e4"
	    "dbdf89b5a5ed7fac",
	    "2364b6e960ac4b0a5b9ea0be94a9cdb01bd5c0c07cb6205f953bd325022ef844"
	    "b17d6e6229e44c22c0506742a4e815b373444059126343a637e6f00584839d0d"
	    "d72e8555c36b8c9c" },
	{ IKE_SHA1, false,
	    "2ad326bc51dc809453dc935a2248b22f1a6f7103a782905f",
	    "1596a5e48bbf14eb6cb9c268245cc21a",
	    "2ad326bc51dc809453dc935a2248b22f1a6f7103a782905fab94953d52af46fb",
	    "4b08531d89626dcec66af908802fb2433b0a6e12595e0b06a7209c5189ab5845"
	    "f8b8a7f42cbe509b0d29ed38a941e3f0176ca1de3b23d22b56f439c3c4f2bc08"
	    "dd1e8c3931d3c356",
	    "d5f7dec83a4fc4ce5ec8153aeacd1f7517fcd8818e5db36d38bb116bff27f031"
	    "08da42922584e801537d427f9870731514d641fcf0cdad4968b9bef51fbd639a"
	    "100132efcd25ecbe" },
	{ IKE_SHA1, true,
	    "56ea2fe1d8abc34abf0766d5d17abe18bea5ea4a88bb95e3",
	    "5b0b4db3d251558f0abe585684f936a9",
	    "56ea2fe1d8abc34abf0766d5d17abe18bea5ea4a88bb95e3fd82e6cf1ffb2ac4",
	    "1f1892a6b557fd1a9ad6224e94aefeda9ba533fbabf65119b0d62bd227fa82f4"
	    "e2b1af7405e3226e8205005f3ca45086136ce7bd97cdf0bfa34513d4bb9e82e9"
	    "f55d7493d2db0c67",
	    "11b14f30636eae6b0b9a481638aea14a5b4f4317ba6433a2815e367b2f6dec13"
	    "0baa97fe47fb83ca559ad0a087268bc2a783f7e363c08904fe603a9d8ba00421"
	    "621907d40736bfd1" },
	{ IKE_SHA2_256, false,
	    "62b55ac8cf82a8ad9268a8e662f9a83e862971ea7a229e88",
	    "62b55ac8cf82a8ad9268a8e662f9a83e",
	    "62b55ac8cf82a8ad9268a8e662f9a83e862971ea7a229e880864821e984db3cb",
	    "ca1d352bf062de706b1c20f55302a72d5988f9a27f1048ebd6ad64d3e8b85e54"
	    "fb32bf9dd86ff75da8f49d3a2d32943fd4170ce439f76632a2511b35c64c2496"
	    "32edd7bf5a1dc9f6",
	    "fbfa5796eeb0ebdc552d2191b67fc01db067cde160e3ecb9ed1e6a73cbde8058"
	    "ea16aa31939aea225231946a24f163a09beec398f60aac2be12f183d83f0491d"
	    "b45049ffd1ac5917" },
	{ IKE_SHA2_256, true,
	    "d965f121f4ea66bb4d7ba6c1849b4240cd8bfd2da64857bc",
	    "d965f121f4ea66bb4d7ba6c1849b4240",
	    "d965f121f4ea66bb4d7ba6c1849b4240cd8bfd2da64857bc3c15daaa2204f27a",
	    "7501ac66ddb0e1b054e426dbe2300bbd9b094da79acf776e6f44f8b1ecb21411"
	    "fbea277685cf34abb923c9136d0ccc7aa30ba2c85878327d976d9be99b2c72ef"
	    "c20383d2d785fb0a",
	    "891fd4cc2df32bb3649217e302b9fe032373a0c4fed113eaf7d46776ab820945"
	    "e871b6cfeaa3446d564db0340a543608672dca0fc2b654aee2b527b80e292192"
	    "5d476ca5cdc56334" },
	{ IKE_SHA2_512, false,
	    "31eea82dbf4f247b1fb78f17b82dfb2128e7672a9bc7a605",
	    "31eea82dbf4f247b1fb78f17b82dfb21",
	    "31eea82dbf4f247b1fb78f17b82dfb2128e7672a9bc7a605500a4cededcde1da",
	    "3c9a07b4b0c4a6028c619dd7b530815ec73c80ea23d6610daff86c86d08bd9dd"
	    "32a05f74d21d6991fc984023e373e057058b1fdd448fd2f031893a72f69e320b"
	    "9e53d4f5fe3fd4fc",
	    "7d88bdf3d54a6ce318472481563f9a54dfba5b7ae2e487f9c3e7358f18b2059d"
	    "a7dffb7b77d80ace3e00479e196407e8f6e56fa22fe5ea798718b1d6c9cb60be"
	    "cb4e445ae5b7412c" },
	{ IKE_SHA2_512, true,
	    "0c8dc703c9e249f7d71ff5c48cfa9dbc6a2dc449a66e8a27",
	    "0c8dc703c9e249f7d71ff5c48cfa9dbc",
	    "0c8dc703c9e249f7d71ff5c48cfa9dbc6a2dc449a66e8a27a83bf93b831a8f38",
	    "d7c2858563915f35eee5e18f41a2124c04a7090ee71bbc4164d14b7f46a20561"
	    "f8afdbcc166bd704e74dd3286bf4c415cb2c684964ef8a15ebdacf60fab6c603"
	    "408ea6b9e233868f",
	    "62ac8088c479025e238ff38a2ddab8279b7679b31b4ecd3ece68bece61bf3ebd"
	    "2257026dfda2f35c1835736cfd681095393b4de642049ea5ead60613fa1f3d9e"
	    "8075bfa25b1b1e7b" },
};
static const struct {
	unsigned    hash;
	const char *iv;
} phase1_ivs[] = {
	{ IKE_MD5, "f3cc98901429e95f78a6e6346585bbe9" },
	{ IKE_SHA1, "c1ac36741d9360997bb16701cfb0017f" },
	{ IKE_SHA2_256, "71e04fb56bec3dcc3775886c13b1b640" },
	{ IKE_SHA2_512, "374cabb73131fdc99b5ab7c145f19400" },
};

/* The inputs of the script. */
static uint8_t in_ni[16], in_nr[20], in_gxy[256], in_cookies[16], in_qm[192];
static const char in_psk[] = "correct horse";

static int
make_inputs(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(in_ni); i++)
		in_ni[i] = (uint8_t)(0x10 + i);
	for (i = 0; i < sizeof(in_nr); i++)
		in_nr[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < sizeof(in_gxy); i++)
		in_gxy[i] = (uint8_t)(7 * i);
	for (i = 0; i < sizeof(in_cookies); i++)
		in_cookies[i] = (uint8_t)(0xa0 + i);
	for (i = 0; i < sizeof(in_qm); i++)
		in_qm[i] = (uint8_t)(11 * i + 3);
	return 0;
}

static void
keys_are_the_scripts(void **state)
{
	struct ike_chunk ni = { in_ni, sizeof(in_ni) }, nr = { in_nr,
	    sizeof(in_nr) }, gxy = { in_gxy, sizeof(in_gxy) }, qm = { in_qm,
	    sizeof(in_qm) };
	struct ike1_keys	 k;
	uint8_t		 out[72];
	const uint8_t	*psk;
	size_t		 i, j;

	(void)state;
	for (i = 0; i < sizeof(derived) / sizeof(derived[0]); i++) {
		const struct {
			unsigned enc, bits;
			const char *key;
		} ciphers[] = {
			{ IKE1_3DES_CBC, 0, derived[i].des3 },
			{ IKE1_AES_CBC, 128, derived[i].aes128 },
			{ IKE1_AES_CBC, 256, derived[i].aes256 },
		};

		psk = derived[i].psk ? (const uint8_t *)in_psk : NULL;
		for (j = 0; j < 3; j++) {
			assert_int_equal(ike1_keys_derive(&k, derived[i].hash,
			    ciphers[j].enc, ciphers[j].bits, psk,
			    psk == NULL ? 0 : sizeof(in_psk) - 1, &ni, &nr,
			    &gxy, in_cookies), 0);
			assert_hex(k.enc, k.enc_len, ciphers[j].key);
		}
		assert_int_equal(ike1_keymat(&k, derived[i].hash, NULL, 3,
		    0xc0ffee01, &ni, &nr, out, sizeof(out)), 0);
		assert_hex(out, sizeof(out), derived[i].keymat);
		assert_int_equal(ike1_keymat(&k, derived[i].hash, &qm, 3,
		    0xc0ffee01, &ni, &nr, out, sizeof(out)), 0);
		assert_hex(out, sizeof(out), derived[i].keymat_pfs);
	}
	/* Unknown algorithms and DES are refused. */
	assert_int_equal(ike1_keys_derive(&k, 3, IKE1_AES_CBC, 128, NULL,
	    0, &ni, &nr, &gxy, in_cookies), -1);
	assert_int_equal(ike1_keys_derive(&k, IKE_SHA1, 1, 0, NULL, 0, &ni, &nr,
	    &gxy, in_cookies), -1);
	assert_int_equal(ike1_keys_derive(&k, IKE_SHA1, IKE1_AES_CBC, 0,
	    NULL, 0, &ni, &nr, &gxy, in_cookies), -1);
	assert_int_equal(ike1_keys_derive(&k, IKE_SHA1, IKE1_3DES_CBC, 192,
	    NULL, 0, &ni, &nr, &gxy, in_cookies), -1);
}

static void
phase1_iv_is_hash_of_public_values(void **state)
{
	struct ike_chunk c[2] = { { in_gxy, sizeof(in_gxy) }, { in_qm,
	    sizeof(in_qm) } };
	uint8_t		 out[IKE_HASH_MAX];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(phase1_ivs) / sizeof(phase1_ivs[0]); i++) {
		assert_int_equal(ike_hash(phase1_ivs[i].hash, c, 2, out), 0);
		assert_hex(out, 16, phase1_ivs[i].iv);
	}
}

/* NIST SP 800-38A F.2.1 and F.2.5, in two halves: the IV must chain. */
static void
cbc_chains_its_iv(void **state)
{
	static const char pt[] =
	    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
	static const struct { const char *key, *ct; } v[] = {
		{ "2b7e151628aed2a6abf7158809cf4f3c",
		    "7649abac8119b246cee98e9b12e9197d"
		    "5086cb9b507219ee95db113a917678b2"
		    "73bed6b8e3c1743b7116e69e22229516"
		    "3ff1caa1681fac09120eca307586e1a7" },
		{ "603deb1015ca71be2b73aef0857d7781"
		    "1f352c073b6108d72d9810a30914dff4",
		    "f58c4c04d6e5f1ba779eabfb5f7bfbd6"
		    "9cfc4e967edb808d679f777bc6702c7d"
		    "39f23369a9d9bacfa530e26304231461"
		    "b2eb05e2c39be9fcda6c19078c6a9d1b" },
	};
	uint8_t key[32], iv[16], buf[64], plain[64];
	size_t	klen, i;

	(void)state;
	unhex(pt, plain, sizeof(plain));
	for (i = 0; i < 2; i++) {
		klen = unhex(v[i].key, key, sizeof(key));
		unhex("000102030405060708090a0b0c0d0e0f", iv, sizeof(iv));
		memcpy(buf, plain, 64);
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, true, key, klen,
		    iv, buf, 32), 0);
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, true, key, klen, iv,
		    buf + 32, 32), 0);
		assert_hex(buf, 64, v[i].ct);
		assert_memory_equal(iv, buf + 48, 16);
		unhex("000102030405060708090a0b0c0d0e0f", iv, sizeof(iv));
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, false, key, klen,
		    iv, buf, 16), 0);
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, false, key, klen, iv,
		    buf + 16, 48), 0);
		assert_memory_equal(buf, plain, 64);
		/* Neither empty nor broken blocks. */
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, false, key, klen,
		    iv, buf, 0), -1);
		assert_int_equal(ike1_cbc(IKE1_AES_CBC, false, key, klen,
		    iv, buf, 17), -1);
	}
}

/*
 * tests/peer/ike_vectors.py again: primes from the formulas with pi of RFC 2409
 * §6.2 and RFC 3526, a = 01 02 .. 28, b = 65 66 .. 8c; SHA-256 of g^a and g^ab,
 * each of the group's length.
 */
static const struct {
	unsigned    group;
	const char *ga, *gab;
} modp[] = {
	{ 2,
	    "1d096a46d790f69f661d2ebaf30c731c60ed773742bddcdd18a0c395e2c1339c",
	    "119b3f7358b32c73bb90cb1f6f1e24d1"
	    "c79fad28e783c1959e4ae585fbd75b3b" },
	{ 5,
	    "6beeffb6e556afd99a4b20650d14e9c973d1713bd0db32ff2d3825f029a551d6",
	    "ec9ef25fd03aae32b8ec1c46d7d7c37e"
	    "49cff1bce5b22481f0d3d6cd8f336c14" },
	{ 14,
	    "3ae26e14ac54744ba175a8b2c76205eebfc4fdb8314c4c40ae2ea47b3c0e28a3",
	    "fa3c03485316a6af1790afc87fcae4d9"
	    "ed0ebcfdd4b2e528ed2bc3c53fdc0b7c" },
	{ 15,
	    "71cd9b27251732586c6a41ac0f0a75656b6a8230b1ec2452d3bca7a4da036034",
	    "d31b56e3a3fbbd5b27c09c9a055cca24"
	    "5538846093e94b0f33a8be002af19142" },
	{ 16,
	    "fc916cbbbf2d65c638734f4328faf64611b7f43fc26016c21cb8024c5eeac22d",
	    "1d3eeb28061c19a8b64d26698d01007a"
	    "6b95fe4515935963b30c2eb83d8763cd" },
};

static void
modp_groups_are_the_rfcs(void **state)
{
	uint8_t		 a[40], b[40], bad[IKE_KE_MAX], out[IKE_KE_MAX],
	    hash[IKE_HASH_MAX];
	struct ike_dh	*da, *db;
	struct ike_chunk c;
	size_t		 i;
	int		 n;

	(void)state;
	for (i = 0; i < sizeof(a); i++) {
		a[i] = (uint8_t)(1 + i);
		b[i] = (uint8_t)(101 + i);
	}
	for (i = 0; i < sizeof(modp) / sizeof(modp[0]); i++) {
		da = dh_from_private(modp[i].group, a, sizeof(a));
		db = dh_from_private(modp[i].group, b, sizeof(b));
		assert_non_null(da);
		assert_non_null(db);
		c.p = ike_dh_public(da);
		c.len = ike_group_len(modp[i].group);
		assert_int_equal(ike_hash(IKE_SHA2_256, &c, 1, hash), 0);
		assert_hex(hash, 32, modp[i].ga);
		n = ike_dh_derive(da, ike_dh_public(db), c.len, out);
		assert_int_equal(n, (int)c.len);
		c.p = out;
		assert_int_equal(ike_hash(IKE_SHA2_256, &c, 1, hash), 0);
		assert_hex(hash, 32, modp[i].gab);
		n = ike_dh_derive(db, ike_dh_public(da), c.len, out);
		assert_int_equal(ike_hash(IKE_SHA2_256, &c, 1, hash), 0);
		assert_hex(hash, 32, modp[i].gab);
		/* 0, 1 and what is beyond p would fix the secret. */
		memset(bad, 0, sizeof(bad));
		assert_int_equal(ike_dh_derive(da, bad, c.len, out), -1);
		bad[c.len - 1] = 1;
		assert_int_equal(ike_dh_derive(da, bad, c.len, out), -1);
		memset(bad, 0xff, sizeof(bad));
		assert_int_equal(ike_dh_derive(da, bad, c.len, out), -1);
		/* RFC 2409 §5: exactly the group's length. */
		assert_int_equal(ike_dh_derive(da, ike_dh_public(db), c.len - 1,
		    out), -1);
		ike_dh_free(da);
		ike_dh_free(db);
	}
}

/* RFC 5903 §8.1 and §8.2. */
static const struct {
	unsigned    group;
	const char *i, *gi, *r, *gr, *secret;
} ecp[] = {
	{ 19,
	    "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
	    "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
	    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
	    "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
	    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
	    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
	    "d6840f6b42f6edafd13116e0e1256520"
	    "2fef8e9ece7dce03812464d04b9442de" },
	{ 20,
	    "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
	    "e35b538041e649ee3faef896783ab194",
	    "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
	    "de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f"
	    "65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
	    "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
	    "e0308312916b8ed2960e4bd55a7448fc",
	    "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
	    "0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f"
	    "66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
	    "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
	    "d603135569b9e9d09cf5d4a270f59746" },
};

static void
ecp_groups_are_rfc5903s(void **state)
{
	uint8_t	       priv[64], gi[96], gr[96], out[IKE_KE_MAX];
	struct ike_dh *di, *dr;
	size_t	       n, k, len;

	(void)state;
	for (k = 0; k < sizeof(ecp) / sizeof(ecp[0]); k++) {
		n = unhex(ecp[k].i, priv, sizeof(priv));
		assert_non_null(di = dh_from_private(ecp[k].group,
		    priv, n));
		n = unhex(ecp[k].r, priv, sizeof(priv));
		assert_non_null(dr = dh_from_private(ecp[k].group,
		    priv, n));
		len = unhex(ecp[k].gi, gi, sizeof(gi));
		unhex(ecp[k].gr, gr, sizeof(gr));
		assert_int_equal(ike_group_len(ecp[k].group), len);
		assert_memory_equal(ike_dh_public(di), gi, len);
		assert_memory_equal(ike_dh_public(dr), gr, len);
		assert_int_equal(ike_dh_derive(di, gr, len, out), (int)len / 2);
		assert_hex(out, len / 2, ecp[k].secret);
		assert_int_equal(ike_dh_derive(dr, gi, len, out), (int)len / 2);
		assert_hex(out, len / 2, ecp[k].secret);
		/* A point off the curve would leak the private value. */
		gi[len - 1] ^= 1;
		assert_int_equal(ike_dh_derive(dr, gi, len, out), -1);
		memset(gi, 0, sizeof(gi));
		assert_int_equal(ike_dh_derive(dr, gi, len, out), -1);
		ike_dh_free(di);
		ike_dh_free(dr);
	}
	assert_null(ike_dh_new(1));
	assert_null(ike_dh_new(3));
	assert_int_equal(ike_group_len(1), 0);
}

/* RFC 7748 §6.1. */
static void
x25519_is_rfc7748s(void **state)
{
	static const char *const secret =
	    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
	/* Points of order 1, 2 and 4: anybody knows what comes out. */
	static const char *const small[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
	};
	uint8_t	       priv[32], out[IKE_KE_MAX];
	struct ike_dh *a, *b;
	size_t	       i;

	(void)state;
	unhex("77076d0a7318a57d3c16c17251b26645"
	    "df4c2f87ebc0992ab177fba51db92c2a",
	    priv, sizeof(priv));
	assert_non_null(a = dh_from_private(31, priv, sizeof(priv)));
	unhex("5dab087e624a8a4b79e17f8b83800ee6"
	    "6f3bb1292618b6fd1c2f8b27ff88e0eb",
	    priv, sizeof(priv));
	assert_non_null(b = dh_from_private(31, priv, sizeof(priv)));
	assert_int_equal(ike_group_len(31), 32);
	assert_hex(ike_dh_public(a), 32,
	    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	assert_hex(ike_dh_public(b), 32,
	    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_int_equal(ike_dh_derive(a, ike_dh_public(b), 32, out), 32);
	assert_hex(out, 32, secret);
	assert_int_equal(ike_dh_derive(b, ike_dh_public(a), 32, out), 32);
	assert_hex(out, 32, secret);
	assert_int_equal(ike_dh_derive(a, ike_dh_public(b), 31, out), -1);
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		unhex(small[i], priv, sizeof(priv));
		assert_int_equal(ike_dh_derive(a, priv, 32, out), -1);
	}
	ike_dh_free(a);
	ike_dh_free(b);
}

static void
fresh_pairs_agree(void **state)
{
	static const unsigned all[] = { 2, 5, 14, 15, 16, 19, 20, 31 };
	uint8_t		      x[IKE_KE_MAX], y[IKE_KE_MAX];
	struct ike_dh	     *a, *b;
	size_t		      i, len;
	int		      n;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		len = ike_group_len(all[i]);
		assert_non_null(a = ike_dh_new(all[i]));
		assert_non_null(b = ike_dh_new(all[i]));
		assert_memory_not_equal(ike_dh_public(a), ike_dh_public(b),
		    len);
		n = ike_dh_derive(a, ike_dh_public(b), len, x);
		assert_true(n > 0);
		assert_int_equal(ike_dh_derive(b, ike_dh_public(a), len, y), n);
		assert_memory_equal(x, y, (size_t)n);
		ike_dh_free(a);
		ike_dh_free(b);
	}
}

/* RFC 2409 §5.1: 00 01 FF .. FF 00 HASH, without the OID of a hash. */
static void
signature_is_a_bare_private_encryption(void **state)
{
	uint8_t	       hash[32], sig[IKE_SIG_MAX], raw[256];
	EVP_PKEY      *key = EVP_RSA_gen(2048);
	EVP_PKEY_CTX  *ctx;
	struct pubkey  pub;
	size_t	       n = sizeof(raw), i;

	(void)state;
	memset(hash, 0x5a, sizeof(hash));
	assert_non_null(key);
	assert_int_equal(pubkey_from_evp(&pub, key), 0);
	assert_int_equal(ike_sign(key, hash, sizeof(hash), sig), 256);
	assert_non_null(ctx = EVP_PKEY_CTX_new(key, NULL));
	assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_verify_recover(ctx, raw, &n, sig, 256), 1);
	EVP_PKEY_CTX_free(ctx);
	assert_int_equal(n, 256);
	assert_int_equal(raw[0], 0);
	assert_int_equal(raw[1], 1);
	for (i = 2; i < 256 - 33; i++)
		assert_int_equal(raw[i], 0xff);
	assert_int_equal(raw[256 - 33], 0);
	assert_memory_equal(raw + 256 - 32, hash, 32);

	assert_true(ike_verify(&pub, hash, 32, sig, 256));
	assert_false(ike_verify(&pub, hash, 31, sig, 256));
	assert_false(ike_verify(&pub, hash, 32, sig, 255));
	assert_false(ike_verify(&pub, hash, 32, sig, 0));
	for (i = 0; i < 256; i += 17) {
		sig[i] ^= 4;
		assert_false(ike_verify(&pub, hash, 32, sig, 256));
		sig[i] ^= 4;
	}
	hash[0] ^= 1;
	assert_false(ike_verify(&pub, hash, 32, sig, 256));
	EVP_PKEY_free(key);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(skeyid_is_nists),
		cmocka_unit_test(keys_are_the_scripts),
		cmocka_unit_test(phase1_iv_is_hash_of_public_values),
		cmocka_unit_test(cbc_chains_its_iv),
		cmocka_unit_test(modp_groups_are_the_rfcs),
		cmocka_unit_test(ecp_groups_are_rfc5903s),
		cmocka_unit_test(x25519_is_rfc7748s),
		cmocka_unit_test(fresh_pairs_agree),
		cmocka_unit_test(signature_is_a_bare_private_encryption),
	};

	return cmocka_run_group_tests_name("ike_crypto", tests, make_inputs,
	    NULL);
}
