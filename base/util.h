/* util.h - random numbers, wiping, memory and text helpers of every room */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* Unpredictable bytes from the kernel; ends the program if there are none. */
void	 random_bytes(void *buf, size_t len);
/* Makes the folder that path lies in, if it is not there, for all to read; a
 * failure shows when path is opened. */
void	 make_parent_folder(const char *path);
/* Unpredictable and unbiased in 0..bound-1; bound 0 gives 0. */
uint32_t random_uniform(uint32_t bound);

/* Unpredictable bytes in small portions, for whom a call of the kernel for each
 * costs too much: what was given is wiped here.  {0} has none yet; a child must
 * not go on with its parent's. */
struct random_store {
	uint8_t	 bytes[256];
	unsigned left;
};
void	 random_store_bytes(struct random_store *s, void *buf, size_t len);
uint32_t random_store_uniform(struct random_store *s, uint32_t bound);

/* Overwrites secrets in a way the compiler keeps. */
void	 wipe(void *buf, size_t len);
/* Wipes, then frees; NULL is allowed. */
void	 wipe_free(void *buf, size_t len);

/* Compares secrets in constant time: 0 when equal. */
int	 compare_secret(const void *a, const void *b, size_t len);

/* As the functions of the same name, but end the program when memory is out.
 * For what is sized by configuration, never for what a stranger asks. */
void	*xcalloc(size_t n, size_t size);
void	*xrealloc(void *p, size_t n, size_t size);
char	*xstrdup(const char *s);

/* From now on what is large goes back to the kernel when it is freed: for who
 * has tables that are replaced as they grow. */
void	 memory_goes_back(void);

/* "%zu lease%s": "s" of any number but 1. */
const char *plural(size_t n);

/* Ones' complement sum of RFC 1071 over bytes, not folded; start with 0. */
uint32_t checksum_add(uint32_t sum, const void *buf, size_t len);
/* Folds and complements: the value to store_u16() into a header. */
uint16_t checksum_fold(uint32_t sum);

/* Base64 (RFC 4648). Decoding skips white space, wants correct padding or
 * none. Both return the length, or -1 if it does not fit or is malformed;
 * encode terminates. */
int	 base64_encode(char *out, size_t cap, const void *in, size_t len);
int	 base64_decode(void *out, size_t cap, const char *in, size_t len);

#endif
