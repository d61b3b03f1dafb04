/* test_esp.c - ESP: known answers for each transform, damage, limits of length, ECN, MTU */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* IVs and counters of known answers are out of reach from outside. */
#include "oe/esp/esp.c"
#include "oe/esp/algorithm.h"
#include "tests/unit/esp_packets.h"

/* --- known answers -------------------------------------------------------- */

/* Packets that another implementation made (tests/peer/esp_vectors.py). */
static void
every_transform_opens_known_packets(void **state)
{
	struct esp_params   p;
	struct esp_counters count;
	struct esp_sa	   *sa;
	uint32_t	    spi;
	size_t		    i;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		p = params_of(&vectors[i]);
		assert_non_null(sa = esp_sa_new(&p, false));
		assert_true(spi_of_bytes(vectors[i].packet, vectors[i].len,
		    &spi));
		assert_int_equal(spi, VECTOR_SPI);
		assert_int_equal(open_bytes(sa, vectors[i].packet,
		    vectors[i].len, back, sizeof(back)), sizeof(vector_inner));
		assert_memory_equal(back, vector_inner, sizeof(vector_inner));
		esp_sa_counters(sa, &count);
		assert_int_equal(count.seq, VECTOR_SEQ);
		assert_int_equal(count.packets, 1);
		assert_int_equal(count.bytes, sizeof(vector_inner));
		esp_sa_free(sa);
	}
	/* Each cipher and key length with each authentication, ESN and not. */
	assert_int_equal(NVECTORS, (4 * 5 + 4) * 2);
}

/* The same packets are made, but for the IV, which is ours to choose. */
static void
every_transform_seals_known_packets(void **state)
{
	struct esp_params p;
	struct esp_sa	 *sa;
	const uint8_t	 *iv;
	size_t		  i, iv_len;
	int		  n;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		p = params_of(&vectors[i]);
		assert_non_null(sa = esp_sa_new(&p, true));
		iv = vectors[i].packet + IP_HEADER_LEN + ESP_HEADER_LEN;
		iv_len = esp_transform_iv_len(sa->transform);
		/* GCM's IV is the sequence number: the known one cannot be
		 * forced except by that.  CBC's is taken as it comes. */
		sa->count.seq = VECTOR_SEQ - 1;
		n = seal_bytes(sa, vector_inner, sizeof(vector_inner), outer,
		    sizeof(outer));
		assert_int_equal(n, vectors[i].len);
		/* Outer header but for the identification and
		 * checksum, SPI, number. */
		assert_memory_equal(outer, vectors[i].packet, 4);
		assert_memory_equal(outer + 6, vectors[i].packet + 6, 4);
		assert_memory_equal(outer + 12, vectors[i].packet + 12, 16);
		assert_memory_not_equal(outer + IP_HEADER_LEN + ESP_HEADER_LEN,
		    iv, iv_len);
		esp_sa_free(sa);

		assert_non_null(sa = esp_sa_new(&p, false));
		assert_int_equal(open_bytes(sa, outer, (size_t)n, back,
		    sizeof(back)), sizeof(vector_inner));
		assert_memory_equal(back, vector_inner, sizeof(vector_inner));
		esp_sa_free(sa);
	}
}

/* RFC 3602 §4, cases 7 and 8: tunnel mode.  They have no ICV; one is put to
 * them, since we do not take packets without. */
static void
rfc3602_tunnel_packets(void **state)
{
	static const struct {
		const char *esp, *inner;
	} cases[] = {
		{ "00008765 00000002 f4e76524 4f6407ad f13dc138 0f673f37"
		  "773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301"
		  "3c1b0ea1 a0cf70f8 e4ecaec7 8ac53aad 7a0f022b 859243c6"
		  "47752e94 a859352b 8a4d4d2d ecd136e5 c177f132 ad3fbfb2"
		  "201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d",
		  "45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76"
		  "a90a0100 b49c083d 02a20400 08090a0b 0c0d0e0f 10111213"
		  "14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b"
		  "2c2d2e2f 30313233 34353637" },
		{ "00008765 00000005 85d47224 b5f3dd5d 2101d4ea 8dffab22"
		  "15b92683 819596a8 047232cc 00f7048f e45318e1 1f8a0f62"
		  "ede3c3fc 61203bb5 0f980a08 c9843fd3 a1b06d5c 07ff9639"
		  "b7eb7dfb 3512e5de 435e7207 ed971ef3 d2726d9b 5ef6affc"
		  "6d17a0de cbb13892",
		  "45000044 090c0000 4001f990 c0a87b03 c0a87bc8 0800d63c"
		  "aa0a0200 c69c083d a3de0300 ffffffff ffffffff ffffffff"
		  "ffffffff ffffffff ffffffff ffffffff ffffffff" },
	};
	struct esp_params p = { .spi = 0x8765, .cipher = ESP_AES_CBC,
		.cipher_len = 16, .auth = ESP_AUTH_HMAC_SHA1, .auth_len = 20 };
	uint8_t		  icv[EVP_MAX_MD_SIZE];
	struct esp_sa	 *sa;
	size_t		  i, len, want;

	(void)state;
	unhex(p.cipher_key, "0123456789abcdef0123456789abcdef");
	memset(p.auth_key, 0x0b, 20);
	assert_non_null(sa = esp_sa_new(&p, false));
	for (i = 0; i < 2; i++) {
		len = unhex(outer + IP_HEADER_LEN, cases[i].esp);
		want = unhex(inner, cases[i].inner);
		HMAC(EVP_sha1(), p.auth_key, 20, outer + IP_HEADER_LEN, len,
		    icv, NULL);
		memcpy(outer + IP_HEADER_LEN + len, icv, 12);
		len = outer_finish(len + 12);
		assert_int_equal(open_bytes(sa, outer, len, back, sizeof(back)),
		    want);
		assert_memory_equal(back, inner, want);
	}
	esp_sa_free(sa);
}

/*
 * draft-mcgrew-gcm-test-01 §4: AES-GCM in ESP.  Its plain texts name protocol 1
 * or none as next header, which tunnel mode for IPv4 refuses, but only after
 * decryption and the ICV.
 */
static void
gcm_published_packets(void **state)
{
	static const struct {
		const char *key, *head, *iv, *plain, *cipher;
	} cases[] = {
		{ "feffe9928665731c6d6a8f9467308308 cafebabe",
		  "0000a5f80000000a", "facedbaddecaf888",
		  "4500003e698f000080114dccc0a80102c0a801010a980035002a2343"
		  "b2d001000001000000000000037369700963796265726369747902646b"
		  "00000100010001",
		  "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d"
		  "114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec"
		  "3b9ba95d918bd1 83b70d3aa8bc6ee4c309e9d85a41ad4a" },
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c cafebabe",
		  "0000a5f80000000a", "facedbaddecaf888",
		  "45000028a4ad4000400678800a01038f0a010612802306b8cb712602"
		  "dd6bb03e501016d075680001",
		  "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b"
		  "5bfbdbd0315b27452144cc77 95457b9652037f5318027b5b4cd7a636" },
		{ "abbccddef00112233445566778899aababbccddef00112233445566778"
		  "899aab 11223344",
		  "4a2cbfe300000002", "0102030405060708",
		  "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0"
		  "000000007002400020bf0000020405b40101040201020201",
		  "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d"
		  "65a5d763748a637985771d347f0545659f14e99def842d8e"
		  "b335f4eecfdbf831824b4c4915956c96" },
	};
	struct esp_params   p;
	struct esp_counters count;
	struct esp_sa	   *sa;
	uint8_t		   *esp = outer + IP_HEADER_LEN;
	size_t		    i, n, plain;

	(void)state;
	for (i = 0; i < 3; i++) {
		memset(&p, 0, sizeof(p));
		p.cipher = ESP_AES_GCM_16;
		p.cipher_len = unhex(p.cipher_key, cases[i].key);
		n = unhex(esp, cases[i].head);
		p.spi = load_u32(esp);
		n += unhex(esp + n, cases[i].iv);
		n += unhex(esp + n, cases[i].cipher);
		plain = unhex(inner, cases[i].plain);
		assert_non_null(sa = esp_sa_new(&p, false));
		n = outer_finish(n);
		memset(back, 0, sizeof(back));
		assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
		    ESP_E_INNER);
		assert_memory_equal(back, inner, plain);
		esp_sa_counters(sa, &count);
		assert_int_equal(count.auth_failures, 0);
		assert_int_equal(count.seq, load_u32(esp + 4));
		esp[n - IP_HEADER_LEN - 1] ^= 1;
		store_u32(esp + 4, load_u32(esp + 4) + 1);
		assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
		    ESP_E_AUTH);
		esp_sa_free(sa);
	}
}

/* RFC 7634 Appendix A, octet for octet, from the outer header on. */
static void
rfc7634_appendix_a(void **state)
{
	static const char source[] =
	    "45000054a6f200004001e778c6336405 c000020508005b7a3a080000553bec10"
	    "0007362708090a0b0c0d0e0f10111213 1415161718191a1b1c1d1e1f20212223"
	    "2425262728292a2b2c2d2e2f30313233 34353637";
	static const char packet[] =
	    "4500008c234500004032de5bcb007199 cb007105010203040000000510111213"
	    "1415161724039428b97f417e3c13753a 4f05087b67c352e6a7fab1b982d466ef"
	    "407ae5c614ee8099d52844eb61aa95df ab4c02f72aa71e7c4c4f64c9befe2fac"
	    "c638e8f3cbec163fac469b502773f6fb 94e664da9165b82829f641e076aaa826"
	    "6b7fb0f7b11b36990 7e1ad43";
	struct esp_params p = { .spi = 0x01020304,
		.cipher = ESP_CHACHA20_POLY1305, .cipher_len = 36 };
	struct esp_sa	 *sa;
	size_t		  i, len, want;

	(void)state;
	for (i = 0; i < 36; i++)
		p.cipher_key[i] = (uint8_t)(0x80 + i);
	want = unhex(inner, source);
	len = unhex(outer, packet);
	assert_int_equal(len, 0x8c);
	assert_non_null(sa = esp_sa_new(&p, false));
	assert_int_equal(open_bytes(sa, outer, len, back, sizeof(back)), want);
	assert_memory_equal(back, inner, want);
	esp_sa_free(sa);
}

/* --- both ways ------------------------------------------------------------ */

static void
every_length_survives(void **state)
{
	struct esp_params p;
	struct esp_sa	 *in, *out;
	size_t		  i, len;
	int		  n;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		p = params_of(&vectors[i]);
		if (i % 2 == 1) {
			p.encap_sport = 4500;
			p.encap_dport = 20001;
		}
		assert_non_null(out = esp_sa_new(&p, true));
		assert_non_null(in = esp_sa_new(&p, false));
		for (len = IP_HEADER_LEN; len <= 1500;
		    len += len < 128 ? 1 : 61) {
			make_inner(len, 0, false);
			n = seal_bytes(out, inner, len, outer, sizeof(outer));
			assert_in_range(n, len, len + ESP_OVERHEAD);
			assert_int_equal(checksum_fold(checksum_add(0, outer,
			    IP_HEADER_LEN)), 0);
			/* Alignment of RFC 4303 §2.4. */
			assert_int_equal(n % 4, 0);
			assert_int_equal(open_bytes(in, outer, (size_t)n, back,
			    sizeof(back)), len);
			assert_memory_equal(back, inner, len);
		}
		esp_sa_free(in);
		esp_sa_free(out);
	}
}

/* The largest packets, and buffers that are too small by one byte. */
static void
limits_of_length_hold(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *out = esp_sa_new(&p, true);
	struct esp_sa	 *in = esp_sa_new(&p, false);
	size_t		  largest = esp_inner_mtu(out, IP_PACKET_MAX);
	int		  n;

	(void)state;
	make_inner(largest, 0, false);
	n = seal_bytes(out, inner, largest, outer, sizeof(outer));
	assert_in_range(n, largest, IP_PACKET_MAX);
	/* What is decrypted includes the padding: that must fit, too. */
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, largest + 1),
	    ESP_E_LENGTH);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, largest + 2),
	    largest);
	make_inner(largest + 1, 0, false);
	assert_int_equal(seal_bytes(out, inner, largest + 1, outer,
	    sizeof(outer)), ESP_E_LENGTH);
	make_inner(100, 0, false);
	n = seal_bytes(out, inner, 100, outer, sizeof(outer));
	assert_int_equal(seal_bytes(out, inner, 100, outer, (size_t)n - 1),
	    ESP_E_LENGTH);
	assert_int_equal(seal_bytes(out, inner, 100, outer, (size_t)n), n);
	/* Bytes after the inner packet are not sent. */
	assert_int_equal(seal_bytes(out, inner, 140, outer, sizeof(outer)), n);
	assert_int_equal(seal_bytes(out, inner, 99, outer, sizeof(outer)),
	    ESP_E_INNER);
	inner[0] = 0x60;
	assert_int_equal(seal_bytes(out, inner, 100, outer, sizeof(outer)),
	    ESP_E_INNER);
	esp_sa_free(in);
	esp_sa_free(out);
}

/* esp_inner_mtu() is exact: one byte more would not fit. */
static void
mtu_is_exact(void **state)
{
	struct esp_params p;
	struct esp_sa	 *sa;
	size_t		  i, mtu, largest;
	unsigned	  encap;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		for (encap = 0; encap < 2; encap++) {
			p = params_of(&vectors[i]);
			p.encap_dport = encap ? 4500 : 0;
			assert_non_null(sa = esp_sa_new(&p, true));
			for (mtu = 200; mtu < 260; mtu++) {
				largest = esp_inner_mtu(sa, mtu);
				make_inner(largest, 0, false);
				assert_in_range(seal_bytes(sa, inner, largest,
				    outer, sizeof(outer)), 1, mtu);
				make_inner(largest + 1, 0, false);
				assert_in_range(seal_bytes(sa, inner,
				    largest + 1, outer, sizeof(outer)), mtu + 1,
				    65535);
			}
			assert_int_equal(esp_inner_mtu(sa, 0), 0);
			assert_int_equal(esp_inner_mtu(sa, 40), 0);
			esp_sa_free(sa);
		}
	}
}

/* --- damage --------------------------------------------------------------- */

/* No changed byte and no truncation opens, moves the window or spoils
 * what comes after. */
static void
damage_never_opens(void **state)
{
	struct esp_params   p;
	struct esp_counters count;
	struct esp_sa	   *sa;
	uint8_t		    bad[512];
	size_t		    i, at, len;
	unsigned	    bit;
	int		    rc;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		len = vectors[i].len;
		p = params_of(&vectors[i]);
		assert_non_null(sa = esp_sa_new(&p, false));
		for (at = 0; at < len; at++) {
			memcpy(bad, vectors[i].packet, len);
			assert_true(open_bytes(sa, bad, at, back,
			    sizeof(back)) < 0);
			for (bit = 0; bit < 8; bit++) {
				memcpy(bad, vectors[i].packet, len);
				bad[at] ^= (uint8_t)(1u << bit);
				rc = open_bytes(sa, bad, len, back,
				    sizeof(back));
				/* The SPI was looked up before, and the outer
				 * header is not covered (RFC 4303 §1). */
				if (at >= IP_HEADER_LEN)
					assert_in_range(-rc, -ESP_E_REPLAY,
					    -ESP_E_AUTH);
				else if (rc > 0)
					break;
				esp_sa_counters(sa, &count);
				assert_int_equal(count.seq, 0);
			}
			if (at >= IP_HEADER_LEN)
				continue;
			/* A change that was taken used the number up. */
			esp_sa_free(sa);
			assert_non_null(sa = esp_sa_new(&p, false));
		}
		assert_int_equal(open_bytes(sa, vectors[i].packet, len, back,
		    sizeof(back)), sizeof(vector_inner));
		esp_sa_counters(sa, &count);
		assert_true(count.auth_failures > 8 * 60);
		assert_int_equal(count.seq, VECTOR_SEQ);
		esp_sa_free(sa);
	}
}

static void
padding_is_checked(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *sa = esp_sa_new(&p, false);
	uint8_t		  text[256];
	size_t		  n, i;
	uint32_t	  seq = 0;

	(void)state;
	/* 40 bytes, 6 of padding, trailer: 48. */
	make_inner(40, 0, false);
	memcpy(text, inner, 40);
	for (i = 0; i < 6; i++)
		text[40 + i] = (uint8_t)(i + 1);
	text[46] = 6;
	text[47] = 4;
	n = reference_seal(&p, ++seq, text, 48);
	assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)), 40);
	for (i = 0; i < 6; i++) {
		text[40 + i] ^= 0x10;
		n = reference_seal(&p, ++seq, text, 48);
		assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
		    ESP_E_AUTH);
		text[40 + i] ^= 0x10;
	}
	/* Less padding than there is leaves bytes behind the inner packet. */
	text[46] = 0;
	n = reference_seal(&p, ++seq, text, 48);
	assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)), 40);
	for (i = 47; i < 256; i++) {
		text[46] = (uint8_t)i;
		n = reference_seal(&p, ++seq, text, 48);
		assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
		    ESP_E_AUTH);
	}
	/* 255 bytes of padding are allowed (RFC 4303 §2.4). */
	memset(text, 0, sizeof(text));
	make_inner(31, 0, false);
	memcpy(back, inner, 31);
	for (i = 0; i < 255; i++)
		back[31 + i] = (uint8_t)(i + 1);
	back[286] = 255;
	back[287] = 4;
	n = reference_seal(&p, ++seq, back, 288);
	assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)), 31);
	esp_sa_free(sa);
}

static void
other_payloads_are_refused(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *sa = esp_sa_new(&p, false);
	uint8_t		  text[48];
	size_t		  n;
	unsigned	  next;
	uint32_t	  seq = 0;

	(void)state;
	make_inner(46, 0, false);
	memcpy(text, inner, 46);
	text[46] = 0;
	for (next = 0; next < 256; next++) {
		text[47] = (uint8_t)next;
		n = reference_seal(&p, ++seq, text, 48);
		assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
		    next == 4 ? 46 : next == 59 ? ESP_E_DUMMY : ESP_E_INNER);
	}
	/* The inner packet claims more than there is, or is none. */
	text[47] = 4;
	text[3] = 47;
	n = reference_seal(&p, ++seq, text, 48);
	assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
	    ESP_E_INNER);
	text[3] = 46;
	text[0] = 0x44;
	n = reference_seal(&p, ++seq, text, 48);
	assert_int_equal(open_bytes(sa, outer, n, back, sizeof(back)),
	    ESP_E_INNER);
	/* Not a multiple of the block: before any key is used. */
	n = reference_seal(&p, ++seq, text, 48);
	outer_finish(n - IP_HEADER_LEN - 1);
	assert_int_equal(open_bytes(sa, outer, n - 1, back, sizeof(back)),
	    ESP_E_LENGTH);
	esp_sa_free(sa);
}

/* --- headers -------------------------------------------------------------- */

static void
outer_header_follows_the_rfcs(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *out = esp_sa_new(&p, true);
	struct packet_view ip;
	unsigned	  tos;
	uint16_t	  id = 0;
	int		  n;

	(void)state;
	for (tos = 0; tos < 256; tos++) {
		make_inner(64, (uint8_t)tos, tos & 4);
		n = seal_bytes(out, inner, 64, outer, sizeof(outer));
		assert_true(packet_parse_ipv4(&ip, outer, (size_t)n));
		assert_int_equal(ip.tos, tos);
		assert_int_equal(ip.df, (tos & 4) != 0);
		assert_int_equal(ip.protocol, IPPROTO_ESP);
		assert_true(addr_equal(&ip.src, &p.src));
		assert_true(addr_equal(&ip.dst, &p.dst));
		assert_int_equal(ip.ttl, 64);
		if (tos > 0)
			assert_int_equal(ip.id, (uint16_t)(id + 1));
		id = (uint16_t)ip.id;
	}
	esp_sa_free(out);
}

/* RFC 6040 §4.2, figure 4. */
static void
ecn_is_combined(void **state)
{
	enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = 4 };
	static const int want[4][4] = {		/* [inner][outer] */
		[NOT] = { NOT, NOT, NOT, DROP },
		[ECT1] = { ECT1, ECT1, ECT1, CE },
		[ECT0] = { ECT0, ECT1, ECT0, CE },
		[CE] = { CE, CE, CE, CE },
	};
	struct esp_params p = params_default();
	struct esp_sa	 *out = esp_sa_new(&p, true);
	struct esp_sa	 *in = esp_sa_new(&p, false);
	struct packet_view ip;
	unsigned	  i, o;
	int		  n, rc;

	(void)state;
	for (i = 0; i < 4; i++)
	for (o = 0; o < 4; o++) {
		make_inner(64, (uint8_t)(0xb8 | i), false);
		n = seal_bytes(out, inner, 64, outer, sizeof(outer));
		/* Whatever DSCP the network writes into the outer header. */
		ip_set_tos(outer, (uint8_t)(0x20 | o));
		rc = open_bytes(in, outer, (size_t)n, back, sizeof(back));
		if (want[i][o] == DROP) {
			assert_int_equal(rc, ESP_E_INNER);
			continue;
		}
		assert_int_equal(rc, 64);
		assert_true(packet_parse_ipv4(&ip, back, 64));
		assert_int_equal(ip.tos, 0xb8 | want[i][o]);
		assert_int_equal(ip.ttl, 63);
		assert_int_equal(checksum_fold(checksum_add(0, back,
		    IP_HEADER_LEN)), 0);
	}
	esp_sa_free(in);
	esp_sa_free(out);
}

static void
udp_encapsulation(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *out, *in;
	struct packet_view ip;
	uint16_t	  sport, dport;
	uint32_t	  spi;
	int		  n;

	(void)state;
	p.encap_sport = 20001;
	p.encap_dport = 4500;
	out = esp_sa_new(&p, true);
	in = esp_sa_new(&p, false);
	make_inner(64, 0, false);
	n = seal_bytes(out, inner, 64, outer, sizeof(outer));
	assert_true(packet_parse_ipv4(&ip, outer, (size_t)n));
	assert_int_equal(ip.protocol, IPPROTO_UDP);
	assert_true(packet_ports(&ip, &sport, &dport));
	assert_int_equal(sport, 20001);
	assert_int_equal(dport, 4500);
	assert_int_equal(load_u16(outer + 24), n - IP_HEADER_LEN);
	assert_int_equal(load_u16(outer + 26), 0);
	assert_true(spi_of_bytes(outer, (size_t)n, &spi));
	assert_int_equal(spi, VECTOR_SPI);
	/* Ports may be changed on the way: that is what it is for. */
	store_u16(outer + 20, 1);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    64);
	/* IKE's marker and a keep-alive are no ESP (RFC 3948 §2.2, §2.3). */
	memset(outer + 28, 0, 4);
	assert_false(spi_of_bytes(outer, (size_t)n, &spi));
	store_u16(outer + 2, 29);
	outer[28] = 0xff;
	assert_false(spi_of_bytes(outer, 29, &spi));
	assert_int_equal(open_bytes(in, outer, 29, back, sizeof(back)),
	    ESP_E_LENGTH);
	esp_sa_free(in);
	esp_sa_free(out);
}

static void
fragments_and_others_are_not_esp(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *out = esp_sa_new(&p, true);
	struct esp_sa	 *in = esp_sa_new(&p, false);
	uint32_t	  spi;
	int		  n;

	(void)state;
	make_inner(64, 0, false);
	n = seal_bytes(out, inner, 64, outer, sizeof(outer));
	outer[6] |= 0x20;
	assert_false(spi_of_bytes(outer, (size_t)n, &spi));
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    ESP_E_LENGTH);
	outer[6] = 0;
	outer[7] = 1;
	assert_false(spi_of_bytes(outer, (size_t)n, &spi));
	outer[7] = 0;
	outer[9] = IPPROTO_TCP;
	assert_false(spi_of_bytes(outer, (size_t)n, &spi));
	outer[9] = IPPROTO_ESP;
	assert_true(spi_of_bytes(outer, (size_t)n, &spi));
	esp_sa_free(in);
	esp_sa_free(out);
}

/* --- parameters ----------------------------------------------------------- */

static void
ivs_do_not_repeat(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *a, *b;
	uint8_t		  first[16], iv[16];
	unsigned	  i;

	(void)state;
	make_inner(64, 0, false);
	/* Two SAs under one key: CBC's IVs are not a function of the number. */
	a = esp_sa_new(&p, true);
	b = esp_sa_new(&p, true);
	seal_bytes(a, inner, 64, outer, sizeof(outer));
	memcpy(first, outer + IP_HEADER_LEN + ESP_HEADER_LEN, 16);
	seal_bytes(b, inner, 64, outer, sizeof(outer));
	assert_memory_not_equal(first, outer + IP_HEADER_LEN + ESP_HEADER_LEN,
	    16);
	esp_sa_free(a);
	esp_sa_free(b);
	/* GCM's are the number itself, which never repeats under a key. */
	p.cipher = ESP_AES_GCM_16;
	p.cipher_len = 36;
	p.auth = ESP_AUTH_NONE;
	p.auth_len = 0;
	a = esp_sa_new(&p, true);
	for (i = 1; i < 1000; i++) {
		seal_bytes(a, inner, 64, outer, sizeof(outer));
		store_u64(iv, i);
		assert_memory_equal(iv, outer + IP_HEADER_LEN + ESP_HEADER_LEN,
		    8);
	}
	esp_sa_free(a);
}

static void
unsafe_parameters_are_refused(void **state)
{
	static const struct {
		int    cipher;
		size_t cipher_len;
		int    auth;
		size_t auth_len;
	} bad[] = {
		{ 2, 8, ESP_AUTH_HMAC_SHA1, 20 },		/* DES */
		{ 11, 0, ESP_AUTH_HMAC_SHA1, 20 },		/* null */
		{ 0, 0, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_AES_CBC, 32, ESP_AUTH_NONE, 0 },	/* no integrity */
		{ ESP_3DES_CBC, 24, ESP_AUTH_NONE, 0 },
		{ ESP_AES_CBC, 15, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_AES_CBC, 36, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_AES_CBC, 0, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_3DES_CBC, 16, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_AES_CBC, 32, ESP_AUTH_HMAC_SHA1, 16 },
		{ ESP_AES_CBC, 32, ESP_AUTH_HMAC_SHA2_256, 64 },
		{ ESP_AES_CBC, 32, 3, 8 },			/* DES-MAC */
		{ ESP_AES_CBC, 32, 99, 20 },
		{ ESP_AES_GCM_16, 32, ESP_AUTH_NONE, 0 },	/* no salt */
		{ ESP_AES_GCM_16, 36, ESP_AUTH_HMAC_SHA1, 20 },
		{ ESP_AES_GCM_16, 36, 99, 0 },
		{ ESP_CHACHA20_POLY1305, 32, ESP_AUTH_NONE, 0 },
		{ ESP_CHACHA20_POLY1305, 36, ESP_AUTH_HMAC_SHA2_256, 32 },
		{ ESP_AES_CBC, 32, ESP_AUTH_HMAC_SHA2_384, 64 },
	};
	struct esp_params p;
	size_t		  i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = params_default();
		p.cipher = (enum esp_cipher)bad[i].cipher;
		p.cipher_len = bad[i].cipher_len;
		p.auth = (enum esp_auth)bad[i].auth;
		p.auth_len = bad[i].auth_len;
		assert_null(esp_sa_new(&p, true));
		assert_null(esp_sa_new(&p, false));
	}
	esp_sa_free(NULL);
}

static void
names_and_lengths(void **state)
{
	(void)state;
	assert_int_equal(esp_cipher_key_len(ESP_AES_CBC, 128), 16);
	assert_int_equal(esp_cipher_key_len(ESP_AES_CBC, 256), 32);
	assert_int_equal(esp_cipher_key_len(ESP_AES_CBC, 160), 0);
	assert_int_equal(esp_cipher_key_len(ESP_AES_GCM_16, 128), 20);
	assert_int_equal(esp_cipher_key_len(ESP_3DES_CBC, 0), 24);
	assert_int_equal(esp_cipher_key_len((enum esp_cipher)2, 64), 0);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_HMAC_MD5), 16);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_HMAC_SHA1), 20);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_HMAC_SHA2_256), 32);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_HMAC_SHA2_512), 64);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_HMAC_SHA2_384), 48);
	assert_int_equal(esp_auth_key_len(ESP_AUTH_NONE), 0);
	assert_int_equal(esp_cipher_key_len(ESP_CHACHA20_POLY1305, 0), 36);
	assert_string_equal(esp_cipher_name(ESP_CHACHA20_POLY1305, 36),
	    "ChaCha20-Poly1305");
	assert_string_equal(esp_cipher_name(ESP_AES_CBC, 32), "AES-256-CBC");
	assert_string_equal(esp_cipher_name(ESP_AES_GCM_16, 20), "AES-128-GCM");
	assert_string_equal(esp_auth_name(ESP_AUTH_HMAC_SHA2_256),
	    "HMAC-SHA2-256-128");
	assert_string_equal(esp_auth_name(ESP_AUTH_NONE), "none");
}

/* What the SA keeps of its parameters has no keys in it. */
int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transform_opens_known_packets),
		cmocka_unit_test(every_transform_seals_known_packets),
		cmocka_unit_test(rfc3602_tunnel_packets),
		cmocka_unit_test(gcm_published_packets),
		cmocka_unit_test(rfc7634_appendix_a),
		cmocka_unit_test(every_length_survives),
		cmocka_unit_test(limits_of_length_hold),
		cmocka_unit_test(mtu_is_exact),
		cmocka_unit_test(damage_never_opens),
		cmocka_unit_test(padding_is_checked),
		cmocka_unit_test(other_payloads_are_refused),
		cmocka_unit_test(outer_header_follows_the_rfcs),
		cmocka_unit_test(ecn_is_combined),
		cmocka_unit_test(udp_encapsulation),
		cmocka_unit_test(fragments_and_others_are_not_esp),
		cmocka_unit_test(ivs_do_not_repeat),
		cmocka_unit_test(unsafe_parameters_are_refused),
		cmocka_unit_test(names_and_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
