/* algorithm.c - the transforms that IKEv2 has here: numbers, names, lengths */
#include "config.h"

#include <string.h>

#include "oe/ike2/algorithm.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct ike2_encr_info encrs[] = {
	{ IKE2_ENCR_AES_GCM_16, 256, "AES-256-GCM", 36, 4, 8, 1, 16 },
	{ IKE2_ENCR_AES_GCM_16, 128, "AES-128-GCM", 20, 4, 8, 1, 16 },
	{ IKE2_ENCR_CHACHA20_POLY1305, 0, "ChaCha20-Poly1305", 36, 4, 8, 1,
	    16 },
	{ IKE2_ENCR_AES_CBC, 256, "AES-256-CBC", 32, 0, 16, 16, 0 },
	{ IKE2_ENCR_AES_CBC, 128, "AES-128-CBC", 16, 0, 16, 16, 0 },
};

static const struct ike2_integ_info integs[] = {
	{ IKE2_INTEG_HMAC_SHA2_256_128, IKE_SHA2_256, "HMAC-SHA2-256-128", 32,
	    16 },
	{ IKE2_INTEG_HMAC_SHA2_384_192, IKE_SHA2_384, "HMAC-SHA2-384-192", 48,
	    24 },
	{ IKE2_INTEG_HMAC_SHA2_512_256, IKE_SHA2_512, "HMAC-SHA2-512-256", 64,
	    32 },
};

static const struct ike2_prf_info prfs[] = {
	{ IKE2_PRF_HMAC_SHA2_256, IKE_SHA2_256, "PRF-HMAC-SHA2-256", 32 },
	{ IKE2_PRF_HMAC_SHA2_384, IKE_SHA2_384, "PRF-HMAC-SHA2-384", 48 },
	{ IKE2_PRF_HMAC_SHA2_512, IKE_SHA2_512, "PRF-HMAC-SHA2-512", 64 },
};

const struct ike2_encr_info *
ike2_encr_info(unsigned id, unsigned bits)
{
	size_t i;

	for (i = 0; i < COUNT(encrs); i++) {
		if (encrs[i].id == id && encrs[i].bits == bits)
			return &encrs[i];
	}
	return NULL;
}

const EVP_CIPHER *
ike2_encr_evp(const struct ike2_encr_info *a)
{
	static struct { const char *name; EVP_CIPHER *evp; } fetched[8];
	size_t i;

	for (i = 0; i < COUNT(fetched) && fetched[i].evp != NULL; i++) {
		if (strcmp(fetched[i].name, a->name) == 0)
			return fetched[i].evp;
	}
	if (i == COUNT(fetched))
		return NULL;
	fetched[i].name = a->name;
	fetched[i].evp = EVP_CIPHER_fetch(NULL, a->name, NULL);
	return fetched[i].evp;
}

const struct ike2_integ_info *
ike2_integ_info(unsigned id)
{
	size_t i;

	for (i = 0; i < COUNT(integs); i++) {
		if (integs[i].id == id)
			return &integs[i];
	}
	return NULL;
}

const struct ike2_prf_info *
ike2_prf_info(unsigned id)
{
	size_t i;

	for (i = 0; i < COUNT(prfs); i++) {
		if (prfs[i].id == id)
			return &prfs[i];
	}
	return NULL;
}
