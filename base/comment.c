/* comment.c - comments of a configuration's text turned into blanks */
#include "config.h"

#include "base/comment.h"

void
comment_blank(char *s)
{
	char quote = '\0';

	while (*s != '\0') {
		if (quote != '\0') {
			if (*s == '\\' && s[1] != '\0')
				s++;
			else if (*s == quote)
				quote = '\0';
			s++;
		} else if (*s == '"' || *s == '\'') {
			quote = *s++;
		} else if (*s == '#' || (*s == '/' && s[1] == '/')) {
			while (*s != '\0' && *s != '\n')
				*s++ = ' ';
		} else if (*s == '/' && s[1] == '*') {
			for (; *s != '\0' && (*s != '*' || s[1] != '/'); s++)
				if (*s != '\n')
					*s = ' ';
			if (*s != '\0')
				*s = s[1] = ' ';
		} else {
			s++;
		}
	}
}
