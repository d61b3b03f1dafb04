/* control.h - the UNIX socket through which rsipctl asks a daemon: one JSON object a line */
#ifndef BASE_CONTROL_H
#define BASE_CONTROL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct control;

/*
 * Answers one command.  req is borrowed; it has the text "command", and all
 * else in it are texts too (json_member_text()).
 * Returns a new object (the caller's to put), or NULL for "unknown command".
 * An error is an answer with the one key "error" (a sentence).
 * privileged: the asker is root, of the group RSIP_GROUP (configure
 * --with-group), or who started the daemon (SO_PEERCRED, SO_PEERGROUPS); when
 * false, only what an unprivileged program may know is told.
 */
typedef json_object *(*control_fn)(void *arg, json_object *req,
	    bool privileged);

/* Sets a text of an answer. */
void	control_put(json_object *o, const char *key, const char *text);
/* An answer of one text; key: "line", or "error" for a refusal (a sentence). */
json_object *control_answer(const char *key, const char *text);

/* How many rows of a table are wanted ("limit"); SIZE_MAX: all. */
size_t	control_limit(json_object *req);

/* A request from its line: an object of texts with "command"; else NULL. */
json_object *control_parse(const char *line, size_t len);

/*
 * Opens the socket (mode 0666; each command checks "privileged") and serves on
 * base.  The parent folder is made if absent.  A dead daemon's leftover socket
 * is replaced, a live one's is not.  At most 64 askers at once, of these 48
 * without privilege, 8 a user; each with lines up to 64 KiB, one answer at a
 * time, and 10 seconds for a request and for reading its answer, unless it
 * watches.  Returns NULL after logging one line.
 */
struct control *control_open(struct event_base *base, const char *path,
	    control_fn fn, void *arg);

/* Sends one event object to every asker of "watch"; the object is borrowed. */
void	control_publish(struct control *c, json_object *event);

/* Does anyone watch?  Events that nobody reads need not be made. */
bool	control_watched(const struct control *c);

/* Closes, unlinks the socket and frees.  NULL is allowed. */
void	control_close(struct control *c);

/*
 * The asker's side: sends one request (borrowed) and waits at most timeout_ms
 * for one answer, a new object.  NULL with errno set if no daemon answers.
 */
json_object *control_ask(const char *path, json_object *req, int timeout_ms);
/*
 * Asks "watch" and calls fn for each event until it returns false or the
 * daemon goes away.  Returns 0, or -1 with errno.
 */
int	control_watch(const char *path, bool (*fn)(void *, json_object *),
	    void *arg);

#endif
