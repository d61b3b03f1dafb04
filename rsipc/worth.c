/* worth.c - does anything come back through the gateway, and when is it left alone? */
#include "config.h"

#include <string.h>

#include "rsipc/worth.h"

void
worth_forget(struct worth *w)
{
	memset(w, 0, sizeof(*w));
}

void
worth_begin(struct worth *w)
{
	w->silent_since = 0;
	w->proven = false;
}

void
worth_sent(struct worth *w, uint64_t now)
{
	if (w->silent_since != 0)
		return;
	w->silent_since = w->asked = now;
	w->times = w->away = 0;
}

void
worth_came(struct worth *w)
{
	w->silent_since = 0;
	w->proven = true;
	w->spared = false;
}

enum worth_verdict
worth_judge(struct worth *w, uint64_t now, uint64_t heard, bool connected)
{
	if (w->silent_since == 0 || now < w->asked + WORTH_SILENCE)
		return WORTH_FINE;
	w->asked = now;
	/* A gateway that worked and is gone may be starting again, and a link
	 * that is down comes back: connections wait for that. */
	if (!connected || (w->proven && now > heard + WORTH_HEARD))
		return w->away++ < WORTH_AWAY ? WORTH_ASK : WORTH_NOTHING;
	return w->times++ < WORTH_MUTE ? WORTH_ASK : WORTH_NOTHING;
}

uint32_t
worth_rest(struct worth *w)
{
	if (!w->proven && w->away > WORTH_AWAY && !w->spared) {
		w->spared = true;
		worth_begin(w);
		return 0;
	}
	if (w->proven)
		w->rest = 0;
	else if (w->rest == 0)
		w->rest = WORTH_REST_MIN;
	else if (w->rest < WORTH_REST_MAX / 2)
		w->rest *= 2;
	else
		w->rest = WORTH_REST_MAX;
	worth_begin(w);
	return w->rest;
}
