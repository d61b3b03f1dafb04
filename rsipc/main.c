/* main.c - rsipc: starts the RSIP client daemon and takes its privileges away */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/priv.h"
#include "rsipc/client.h"
#include "rsipc/direct.h"
#include "rsipc/keeper.h"

/* Files that SIGHUP may read again when nothing else can be opened; the first
 * is the configuration. */
static int
start_opener(const struct settings *s)
{
	const char *paths[SETTINGS_PATHS_MAX], *state;
	size_t	    i;

	for (i = 0; i < s->npaths; i++)
		paths[i] = s->paths[i];
	if ((state = oe_config_state(s->oe, NULL)) != NULL)
		opener_allow_state(state);
	if ((state = oe_config_state(s->oe, DIRECT_STATE)) != NULL)
		opener_allow_state(state);
	if (*s->state != '\0')
		opener_allow_state(s->state);
	return opener_start(paths, s->npaths);
}

/* Beside the control socket, whose folder is as short-lived as the settings. */
static const char *
keeper_note_path(const struct settings *s)
{
	static char path[PATH_MAX];
	size_t	    len = strlen(s->control);

	if (len > 5 && strcmp(s->control + len - 5, ".sock") == 0)
		len -= 5;
	snprintf(path, sizeof(path), "%.*s.settings", (int)len, s->control);
	return path;
}

int
main(int argc, char **argv)
{
	static struct client  client;
	char		     *path;
	struct daemon_options o;
	struct settings	     *settings;
	int		      status = 1;

	daemon_options(&o, "rsipc", argc, argv);
	/* A daemon's folder is /, whatever the name was relative to. */
	if ((path = realpath(o.config, NULL)) != NULL)
		o.config = path;
	if (!o.check && !priv_have_net()) {
		log_error("needs the right to make network devices: run it as "
		    "root");
		goto unstarted;
	}
	if ((settings = settings_read(o.config, !o.config_given)) == NULL) {
		status = DAEMON_EXIT_CONFIG;
		goto unstarted;
	}
	if (o.check) {
		daemon_checked(&o);
		settings_free(settings);
		status = 0;
		goto unstarted;
	}
	if (daemon_start(&o) == -1 || start_opener(settings) == -1 ||
	    keeper_start(keeper_note_path(settings)) == -1) {
		settings_free(settings);
		goto out;
	}
	priv_keep_low_ports();
	if (client_open(&client, &o, settings) == -1 ||
	    daemon_ready(&o) == -1 || priv_drop("rsipc") == -1 || priv_lock("rsipc") == -1)
		goto close;
	keeper_take_over();
	status = client_run(&client) ? 0 : 1;
	log_info("leaving");
close:
	client_close(&client);
out:
	keeper_stop();
	opener_stop();
	daemon_stop(&o);
unstarted:
	free(path);
	return status;
}
