/* rules_judge.c - has the router rules of its own about what it forwards? */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "nat/rules_judge.h"
#include "nat/rules_run.h"

#define OUR_TABLE	"table ip rsip {"
#define OUR_CHAINS	"RSIP-"		/* of iptables, also as nft shows it */

/* The next line without what it is indented by; false at the end. */
static bool
next_line(const char **text, const char **line, size_t *len)
{
	const char *p = *text + strspn(*text, " \t");

	if (*p == '\0')
		return false;
	*line = p;
	*len = strcspn(p, "\n");
	*text = p + *len + (p[*len] == '\n');
	return true;
}

static bool
begins(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && strncmp(line, word, strlen(word)) == 0;
}

static bool
has(const char *line, size_t len, const char *word)
{
	return memmem(line, len, word, strlen(word)) != NULL;
}

bool
rules_judge_nft(const char *text)
{
	const char *line;
	size_t	    len;
	bool	    other = false, forward = false;

	while (next_line(&text, &line, &len)) {
		if (begins(line, len, "table ")) {
			other = begins(line, len, OUR_TABLE) ||
			    (!begins(line, len, "table ip ") &&
			    !begins(line, len, "table inet "));
			forward = false;
		} else if (begins(line, len, "chain ") ||
		    begins(line, len, "}")) {
			forward = false;
		} else if (!other && begins(line, len, "type filter hook ")) {
			forward = has(line, len, "hook forward ");
			if (forward && has(line, len, "policy drop"))
				return true;
		} else if (forward && len != 0 && line[0] != '#' &&
		    !begins(line, len, "comment ") &&
		    !has(line, len, "jump " OUR_CHAINS)) {
			return true;
		}
	}
	return false;
}

bool
rules_judge_iptables(const char *text)
{
	const char *line;
	size_t	    len;

	while (next_line(&text, &line, &len)) {
		if (begins(line, len, "-A FORWARD ") &&
		    !has(line, len, "-j " OUR_CHAINS))
			return true;
	}
	return false;
}

bool
rules_judge(void)
{
	static const char *const nft[] = { "nft", "list", "ruleset", NULL };
	static const char *const save[] = { "iptables-save", NULL };
	char			*text;
	bool			 asked = false, judges = false;

	if (rules_run(nft, NULL, &text, true) == 0) {
		asked = true;
		judges = rules_judge_nft(text);
		free(text);
	}
	if (!judges && rules_run(save, NULL, &text, true) == 0) {
		asked = true;
		judges = rules_judge_iptables(text);
		free(text);
	}
	return judges || !asked;
}
