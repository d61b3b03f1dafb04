/* replay.c - runs a fuzz target over files, so that make check replays a corpus with any compiler */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX	(1 << 20)

static unsigned long nfiles, nruns;

/* The file as it is, cut at every length, and with each byte changed. */
static void
replay_bytes(const uint8_t *buf, size_t len)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	uint8_t		    *copy;
	size_t		     i, f;

	LLVMFuzzerTestOneInput(buf, len);
	nruns++;
	for (i = 0; i < len && len <= 4096; i++) {
		/* Of exact size: a read past the end is seen by ASan. */
		if ((copy = malloc(i == 0 ? 1 : i)) == NULL)
			err(1, "malloc");
		memcpy(copy, buf, i);
		LLVMFuzzerTestOneInput(copy, i);
		free(copy);
		if ((copy = malloc(len)) == NULL)
			err(1, "malloc");
		for (f = 0; f < sizeof(flips); f++) {
			memcpy(copy, buf, len);
			copy[i] ^= flips[f];
			LLVMFuzzerTestOneInput(copy, len);
		}
		free(copy);
		nruns += 1 + sizeof(flips);
	}
}

static void
replay_file(const char *path)
{
	uint8_t *buf;
	FILE	*f;
	size_t	 n;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	if ((buf = malloc(INPUT_MAX)) == NULL)
		err(1, "malloc");
	n = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	replay_bytes(buf, n);
	free(buf);
	nfiles++;
}

static void
replay(const char *path)
{
	struct dirent *e;
	struct stat    st;
	char	       sub[4096];
	DIR	      *d;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	if ((d = opendir(path)) == NULL)
		err(1, "%s", path);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		replay(sub);
	}
	closedir(d);
}

/* Arguments are files and folders; else the corpus that is named for the
 * program: $srcdir/tests/fuzz/corpus/NAME of fuzz_NAME. */
int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name;
	char	    path[4096];
	int	    i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc < 2) {
		name = strrchr(argv[0], '/');
		name = name == NULL ? argv[0] : name + 1;
		if (strncmp(name, "fuzz_", 5) == 0)
			name += 5;
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
		    srcdir == NULL ? "." : srcdir, name);
		replay(path);
	}
	printf("%lu files, %lu runs\n", nfiles, nruns);
	return nfiles == 0;
}
