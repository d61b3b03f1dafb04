/* play.h - plays scenario files, a command a line, on whatever world a test makes */
#ifndef TESTS_UNIT_PLAY_H
#define TESTS_UNIT_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAY_WORDS_MAX	32
#define PLAY_EVENT_MAX	512
#define PLAY_EVENTS_MAX	4096

/*
 * '#' begins a comment; "..." is one word.  Every world knows, beside its own
 * commands:
 *
 *   expect EVENT WORD...  the next thing that happened is EVENT, and has each
 *                         of these words, in whatever order; !NAME: no NAME=...
 *   quiet                 nothing else happened
 *   skip-events           whatever happened
 *   logged "words"        since the last command that did something
 *   repeat N COMMAND...   so often, with what happens then skipped
 *
 * Every event must be expected before the next command that does something, and
 * before the end.
 */
struct play {
	const char *path;
	unsigned line;
	char	*words[PLAY_WORDS_MAX];	/* of the line */
	unsigned n;
	const char *rest;		/* the line behind its first word */
	void	*world;
	char	 events[PLAY_EVENTS_MAX][PLAY_EVENT_MAX];
	unsigned head, tail;
	char	 error[2 * PLAY_EVENT_MAX];	/* why it fails, else empty */
};

struct play_command {
	const char *name;		/* NULL ends the table */
	unsigned words;			/* at least, with the name */
	bool	 acts;
	void	 (*fn)(struct play *p);
};

/* What is played on.  begin() makes p->world, end() frees it
 * and may still fail. */
struct play_stage {
	const char *folder;		/* below tests/unit */
	const struct play_command *commands;
	const struct play_command *const *more;	/* NULL, or ended by NULL */
	void	(*begin)(struct play *p);
	void	(*end)(struct play *p);
	void	(*ready)(struct play *p);	/* before each
						 * command, or NULL */
	void	(*done)(struct play *p);	/* after each, or NULL */
	bool	 whole;	/* what is expected is how the event begins */
};

/* Arguments are scenario files; else all of the stage's folder.
 * main()'s result. */
int	play_main(const struct play_stage *stage, int argc, char **argv);

/* Something that a scenario must expect. */
void	play_event(struct play *p, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Notes why the scenario fails; the first reason stays. */
void	play_fail(struct play *p, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* "name=text" among the words of the line: its text, or NULL. */
const char *play_option(const struct play *p, const char *name);
unsigned long play_number(const struct play *p, const char *name,
	    unsigned long preset);
/* Is it one of the words after the first? */
bool	play_flag(const struct play *p, const char *word);
/* The word of that number as one; fails where it is none. */
unsigned long long play_word_number(struct play *p, unsigned at);
/* An IPv4 address in network order; fails where it is none. */
uint32_t play_address(struct play *p, const char *text);
/* Fails unless both are the same. */
void	play_same(struct play *p, const char *got, const char *want);
void	play_same_number(struct play *p, unsigned long long got,
	    unsigned long long want);

#endif
