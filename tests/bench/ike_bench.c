/* ike_bench.c - whole handshakes a second, of either version, beside the public-key operations that they cannot do without */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "tests/unit/ike1_net.h"
#include "tests/unit/ike2_host.h"

#define ROUNDS	5	/* both sides in turn, so that a busy machine
			 * is busy for both */

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Both ends in this process.  IKEv1: Main Mode with RSA-2048 signatures, group
 * 14, and Quick Mode with PFS in group 14.  IKEv2: X25519 and the same keys,
 * the first child with the IKE SA.  What making the two engines takes is not in
 * it.
 */
static double
engine_seconds(unsigned version, unsigned n)
{
	static struct net net;
	struct net_host	 *x, *y;
	double		  start, all = 0;
	unsigned	  i;

	net_init(&net, version);
	for (i = 0; i < n; i++) {
		net.nhosts = 0;
		if (version == 1) {
			x = ike1_host_add(&net, "198.51.100.1", "@x1.lab",
			    net_key(0), NULL);
			y = ike1_host_add(&net, "198.51.100.10",
			    "198.51.100.10", net_key(1), NULL);
		} else {
			x = ike2_host_add(&net, "198.51.100.1", "@x1.lab",
			    net_key(0), NULL);
			y = ike2_host_add(&net, "198.51.100.10",
			    "198.51.100.10", net_key(1), NULL);
		}
		start = cpu_seconds();
		if (net_request(x, y, 0) == -1)
			abort();
		net_pass(&net, 1000);
		all += cpu_seconds() - start;
		if (!net_agree(x, y))
			abort();
		net_end(&net);
	}
	return all;
}

static EVP_PKEY *
dh_pair(void)
{
	static EVP_PKEY *group;
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;
	/* RFC 3526 §8: the exponent length that the engine uses too. */
	int		 bits = 320;
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char[]){ "modp_2048" }, 9),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, &bits),
		OSSL_PARAM_END };

	if (group == NULL) {
		ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
		if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
		    EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
		    EVP_PKEY_generate(ctx, &group) != 1)
			abort();
		EVP_PKEY_CTX_free(ctx);
	}
	ctx = EVP_PKEY_CTX_new(group, NULL);
	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_keygen(ctx, &key) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
x25519_pair(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

	if (key == NULL)
		abort();
	return key;
}

static void
dh_derive(EVP_PKEY *own, EVP_PKEY *peer)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	unsigned char out[512];
	size_t	      len = sizeof(out);

	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, out, &len) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
}

static void
sign_and_verify(EVP_PKEY *key, unsigned version)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char hash[64] = { 1 }, sig[512];
	size_t	      len = sizeof(sig), hash_len = version == 1 ? 32 : 64;
	int	      padding = version == 1 ? RSA_PKCS1_PADDING :
	    RSA_PKCS1_PSS_PADDING;

	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1 ||
	    (version == 2 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha512()) != 1) ||
	    EVP_PKEY_sign(ctx, sig, &len, hash, hash_len) != 1 ||
	    EVP_PKEY_verify_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1 ||
	    (version == 2 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha512()) != 1) ||
	    EVP_PKEY_verify(ctx, sig, len, hash, hash_len) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
}

/* What one handshake needs at least: two Diffie-Hellman exchanges, of IKEv2
 * one, and a signature made and verified on each side. */
static double
openssl_seconds(unsigned version, unsigned n)
{
	double	  start = cpu_seconds();
	EVP_PKEY *a, *b;
	unsigned  i, j;

	for (i = 0; i < n; i++) {
		for (j = version; j <= 2; j++) {
			a = version == 1 ? dh_pair() : x25519_pair();
			b = version == 1 ? dh_pair() : x25519_pair();
			dh_derive(a, b);
			dh_derive(b, a);
			EVP_PKEY_free(a);
			EVP_PKEY_free(b);
		}
		sign_and_verify(net_key(0), version);
		sign_and_verify(net_key(1), version);
	}
	return cpu_seconds() - start;
}

static void
compare(unsigned version, unsigned n)
{
	double	 engine = 0, openssl = 0;
	unsigned r;

	engine_seconds(version, 2);
	openssl_seconds(version, 2);
	for (r = 0; r < ROUNDS; r++) {
		engine += engine_seconds(version, n);
		openssl += openssl_seconds(version, n);
	}
	printf("IKEv%u handshakes (RSA-2048, %s), both ends, one CPU\n"
	    "  engine          %8.1f /s  %.3f ms each\n"
	    "  OpenSSL alone   %8.1f /s  %.3f ms each\n"
	    "  ratio           %8.2f\n", version, version == 1 ?
	    "MODP-2048, PFS" : "X25519",
	    n * ROUNDS / engine, engine * 1e3 / (n * ROUNDS),
	    n * ROUNDS / openssl, openssl * 1e3 / (n * ROUNDS),
	    engine / openssl);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
	unsigned version = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	log_init("ike_bench", true, LOG_LEVEL_ERROR);
	if (version != 2)
		compare(1, n);
	if (version != 1)
		compare(2, n);
	return 0;
}
