/* comment.h - comments of a configuration's text turned into blanks */
#ifndef BASE_COMMENT_H
#define BASE_COMMENT_H

/* Blanks comments that begin with "#" or "//", and C's; not within
 * quotes.  Lines stay. */
void	comment_blank(char *s);

#endif
