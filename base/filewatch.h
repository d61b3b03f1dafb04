/* filewatch.h - tells when a file has changed that others write */
#ifndef BASE_FILEWATCH_H
#define BASE_FILEWATCH_H

struct event_base;
struct filewatch;

typedef void (*filewatch_fn)(void *arg);

/*
 * Calls fn after path was written or replaced, also where it is a link to
 * another file, and perhaps when it was not.  The watch is made before
 * priv_lock(); of a folder that is made later nothing is heard.  NULL after one
 * log line: then nothing is ever told.
 */
struct filewatch *filewatch_new(struct event_base *base, const char *path,
	    filewatch_fn fn, void *arg);
void	filewatch_free(struct filewatch *w);	/* NULL is allowed */

#endif
