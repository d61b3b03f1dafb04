/* dh_private.h - for known answers: one side of a Diffie-Hellman exchange from its private value */
#ifndef TESTS_UNIT_DH_PRIVATE_H
#define TESTS_UNIT_DH_PRIVATE_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "oe/ike/dh.h"
#include "oe/pubkey.h"

static EVP_PKEY *
dh_private_modp(unsigned group, const BIGNUM *x, BN_CTX *bn)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY       *key = NULL;
	BIGNUM	       *p, *two = BN_new(), *y = BN_new();

	p = group == 2 ? BN_get_rfc2409_prime_1024(NULL) :
	    group == 5 ? BN_get_rfc3526_prime_1536(NULL) :
	    group == 14 ? BN_get_rfc3526_prime_2048(NULL) :
	    group == 15 ? BN_get_rfc3526_prime_3072(NULL) :
	    BN_get_rfc3526_prime_4096(NULL);
	if (BN_set_word(two, 2) == 1 && BN_mod_exp(y, two, x, p, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, two) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PUB_KEY, y) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, x) == 1)
		key = pubkey_from_builder("DH", EVP_PKEY_KEYPAIR, bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(p);
	BN_free(two);
	BN_free(y);
	return key;
}

static EVP_PKEY *
dh_private_ecp(bool p256, const BIGNUM *x, BN_CTX *bn)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EC_GROUP       *ec = EC_GROUP_new_by_curve_name(p256 ?
		  NID_X9_62_prime256v1 : NID_secp384r1);
	EC_POINT       *pt = EC_POINT_new(ec);
	EVP_PKEY       *key = NULL;
	uint8_t		point[IKE_KE_MAX + 1];
	size_t		len;

	if (EC_POINT_mul(ec, pt, x, NULL, NULL, bn) == 1 &&
	    (len = EC_POINT_point2oct(ec, pt, POINT_CONVERSION_UNCOMPRESSED,
	    point, sizeof(point), bn)) != 0 &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    p256 ? "P-256" : "P-384", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point, len) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, x) == 1)
		key = pubkey_from_builder("EC", EVP_PKEY_KEYPAIR, bld);
	OSSL_PARAM_BLD_free(bld);
	EC_POINT_free(pt);
	EC_GROUP_free(ec);
	return key;
}

static struct ike_dh *
dh_from_private(unsigned group, const uint8_t *priv, size_t len)
{
	BN_CTX	 *bn = BN_CTX_new();
	BIGNUM	 *x = BN_bin2bn(priv, (int)len, NULL);
	EVP_PKEY *key;

	if (group == 31)
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv,
		    len);
	else if (group == 19 || group == 20)
		key = dh_private_ecp(group == 19, x, bn);
	else
		key = dh_private_modp(group, x, bn);
	BN_clear_free(x);
	BN_CTX_free(bn);
	return ike_dh_of(group, key);
}

#endif
