/* wake.h - tells that the machine slept, or the process was stopped: time has passed in which nothing was heard */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <stdbool.h>

struct event_base;
struct wake;

/* stopped: the process was, however long (SIGCONT); else the wall clock was
 * set, or the machine slept (clock_slept() tells). */
typedef void (*wake_fn)(void *arg, bool stopped);

/* NULL after one log line: then nothing is told. */
struct wake *wake_new(struct event_base *base, wake_fn fn, void *arg);
void	wake_free(struct wake *w);	/* NULL is allowed */

#endif
