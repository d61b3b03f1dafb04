/* top.h - the daemons' numbers live in a terminal */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "ctl/ask.h"

/*
 * Shows verdicts, traffic and tables every two seconds until "q" or a signal:
 * on the whole screen where there is one (and curses was built in), else as
 * text, screen after screen.  The program's exit status.
 */
int	top_run(const struct ask_request *r);

#endif
