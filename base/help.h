/* help.h - sentences about options and numbers, which a small build leaves to the manual pages */
#ifndef BASE_HELP_H
#define BASE_HELP_H

/*
 * The member help of a row in a table, and what else the row has:
 *
 *	{ "udp", OPTION_BOOL, AT(udp), HELP("Answer over UDP.") },
 *
 * NULL in programs that were built without (--disable-help), which have
 * not the text either.
 */
#ifdef HAVE_HELP
#define HELP(...)	.help = __VA_ARGS__
#else
#define HELP(...)	.help = 1 ? NULL : __VA_ARGS__
#endif

#endif
