/* replay.c - a fuzz target without libFuzzer: its corpus, every truncation and every changed byte of it */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX	65536
#define ALL_VALUES_MAX	512	/* longer inputs: only the eight bits
				 * of a byte change */

static unsigned long runs;

/* From memory of exactly this size, so that AddressSanitizer sees its end. */
static void
run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	if (copy == NULL)
		abort();
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	runs++;
}

static void
run_damaged(uint8_t *data, size_t len)
{
	size_t	 at;
	unsigned v, step;
	uint8_t	 was;

	for (at = 0; at <= len; at++)
		run(data, at);
	for (at = 0; at < len; at++) {
		was = data[at];
		for (v = 1; v < 256; v += step) {
			step = len <= ALL_VALUES_MAX ? 1 : v;
			data[at] = (uint8_t)(was ^ v);
			run(data, len);
		}
		data[at] = was;
	}
}

static int
replay_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE	      *f = fopen(path, "rb");
	size_t	       len;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* The path is what one needs to know when the target aborts. */
	fprintf(stderr, "%s\n", path);
	run_damaged(data, len);
	return 0;
}

static int
replay_directory(const char *path)
{
	DIR	      *d = opendir(path);
	struct dirent *e;
	char	       file[PATH_MAX];
	int	       rc = 0, n = 0;

	if (d == NULL) {
		perror(path);
		return -1;
	}
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", path,
		    e->d_name) >= sizeof(file))
			rc = -1;
		else
			rc = replay_file(file);
		n++;
	}
	closedir(d);
	printf("%s: %d inputs, %lu runs\n", path, n, runs);
	return n == 0 ? -1 : rc;
}

/* replay [FILE...]; without one: fuzz_NAME takes tests/fuzz/corpus/NAME. */
int
main(int argc, char **argv)
{
	const char *name, *srcdir = getenv("srcdir");
	char	    path[PATH_MAX];
	int	    i;

	for (i = 1; i < argc; i++) {
		if (replay_file(argv[i]) != 0)
			return 1;
	}
	if (argc > 1)
		return 0;
	name = strstr(argv[0], "fuzz_");
	if (name == NULL)
		return 1;
	if ((size_t)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
	    srcdir == NULL ? "." : srcdir, name + strlen("fuzz_")) >=
	    sizeof(path))
		return 1;
	return replay_directory(path) == 0 ? 0 : 1;
}
