/* option.h - what a configuration may say, as one table: values, bounds, reload, files and the reference come from it */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/conf.h"
#include "base/help.h"

enum option_type {
	OPTION_END,		/* of a table */
	OPTION_BOOL,		/* bool */
	OPTION_NUMBER,		/* an unsigned integer of any size */
	OPTION_WORD,		/* one of words; bool or an
				 * integer of any size */
	OPTION_TEXT,		/* char *, or for take() */
	OPTION_NAME,		/* char[lo to hi bytes long and a 0] */
	OPTION_INTERFACE,	/* char[IFNAMSIZ] */
	OPTION_ADDRESS,		/* for take(): net/addr_option.h has one */
	OPTION_FILE,		/* char *: read when the configuration is */
	OPTION_STATE,		/* char *: replaced while the
				 * daemon runs; "": none */
	OPTION_SECRET,		/* struct option_secret out of a file
				 * of lo to hi bytes */
	OPTION_LIST,		/* of at most hi texts, each for take() */
	OPTION_PREFIXES,	/* the same; a text that begins
				 * with '/' is a file */
	OPTION_SECTION,		/* stands once: members of the same
				 * struct, or for open() */
	OPTION_SECTIONS,	/* at most hi, each with a title, for open() */
	OPTION_TABLE,		/* all of another table stands
				 * here too; for open() */
};

/* Does SIGHUP take a new value over? */
enum option_when {
	OPTION_LIVE,
	OPTION_FIXED,		/* what runs stays, and is named */
};

#define OPTION_SECRET_MAX 256

struct option_secret {
	size_t	len;		/* 0: none */
	uint8_t bytes[OPTION_SECRET_MAX];
};

struct option_word {
	const char *word;
	int	    value;
};

/*
 * Where values come from: the file as it is, and as it was when what is FIXED
 * was made.  fixed NULL: that is now.
 */
struct option_source {
	cfg_t *cfg, *fixed;
};

struct option;
/* Takes one text into to: 0, or -1 after conf_error(cfg). */
typedef int (*option_take)(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);
/* Reads one section into to: 0, or -1 after one log line. */
typedef int (*option_open)(void *to, const struct option_source *s,
	    const struct option *o);

struct option {
	const char	   *name;
	uint8_t		    type, when;	/* enum option_type, option_when */
	const char	   *value;	/* default as in a file, a list's with
					 * commas; NULL: none */
	uint16_t	    offset, size;	/* of the member: OPTION_AT() */
	uint16_t	    count;	/* of a list: OPTION_LIST_AT() */
	bool		    ipv4;	/* of addresses: no others are taken */
	int64_t		    lo, hi;
	unsigned	    scale;	/* of a number: the member is so many
					 * times it; 0: once */
	const struct option_word *words; /* to one without a word */
	const struct option *table;	/* of a section */
	option_take	    take;
	option_open	    open;
	uint32_t	    bit;	/* tells option_read_set()
					 * that it stood there */
	const char	   *example;	/* where there is no default to show */
	const char	   *help;	/* sentences; NULL: none */
};

#define OPTION_AT(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
/* A list's texts into an array, whose length is a size_t of the same struct. */
#define OPTION_LIST_AT(type, array, length) \
	.offset = offsetof(type, array), .count = offsetof(type, length), \
	.size = sizeof(((type *)0)->array[0])

/* As conf_read(). */
cfg_t	*option_parse(const char *path, const struct option *table,
	    bool optional);
/* A file in which nothing stands. */
cfg_t	*option_parse_nothing(const struct option *table);

/*
 * Reads every option into the struct to, in the table's order; what does not
 * stand there has its default.  0, or -1 after one log line; then as after 0
 * option_clear() frees what was read.  option_read_set() leaves alone what does
 * not stand there, and adds the bits of what does.
 */
int	 option_read(const struct option *table, const struct option_source *s,
	    void *to);
int	 option_read_set(const struct option *table,
	    const struct option_source *s, void *to, uint32_t *set);
/* Frees texts, wipes secrets; not what take() and open() have made. */
void	 option_clear(const struct option *table, void *to);

/* For take(): the member, or a list's next place, which counts from now on. */
void	*option_member(const struct option *o, void *to);

/* Calls fn for each option that two files differ in; name is borrowed, such as
 * "limits.spis". */
typedef void (*option_differ_fn)(void *arg, const char *name,
	    const struct option *o);
void	 option_differ(const struct option *table, cfg_t *a, cfg_t *b,
	    option_differ_fn fn, void *arg);

/* Calls fn for each file that reading cfg again will open, and (state) that
 * will be replaced. */
typedef void (*option_file_fn)(void *arg, const char *path, bool state);
void	 option_files(const struct option *table, cfg_t *cfg,
	    option_file_fn fn, void *arg);

/* "1 to 65535", "true | false": what may stand there, into out. */
void	 option_describe(const struct option *o, char *out, size_t cap);
/* Every option as a commented configuration file. */
void	 option_print(FILE *f, const struct option *table);

#endif
