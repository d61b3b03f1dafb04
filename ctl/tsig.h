/* tsig.h - the key that a name server knows us by, out of a file of tsig-keygen's (RFC 8945) */
#ifndef CTL_TSIG_H
#define CTL_TSIG_H

#define TSIG_NAME_MAX	256
#define TSIG_SECRET_MAX	256	/* base64 */

struct tsig {
	char name[TSIG_NAME_MAX];
	char algorithm[64];		/* "hmac-sha256." */
	char secret[TSIG_SECRET_MAX];
};

/* 0, or -1 after one log line. */
int	tsig_read(struct tsig *t, const char *path);

#endif
