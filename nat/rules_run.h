/* rules_run.h - a program run to its end, with what it reads and writes */
#ifndef NAT_RULES_RUN_H
#define NAT_RULES_RUN_H

#include <stdbool.h>

/*
 * Runs a program with input (may be NULL) on stdin.  *output (may be NULL) gets
 * a new string of its stdout.  Unless quiet, a failure is logged with the
 * first line of its stderr.  0 if it exited with 0, else -1.
 */
int	rules_run(const char *const argv[], const char *input, char **output,
	    bool quiet);

#endif
