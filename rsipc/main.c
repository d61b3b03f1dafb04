/* main.c - rsipc: what the RSIP client daemon is to the skeleton of daemons */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/opener.h"
#include "net/resolvconf.h"
#include "net/rtnl.h"
#include "net/validator.h"
#include "rsipc/client.h"
#include "rsipc/direct.h"
#include "rsipc/keeper.h"

/* The second engine's, beside that of the first. */
static void
main_allow(const void *settings)
{
	const struct settings *s = settings;
	const char	      *state = oe_config_state(s->oe, DIRECT_STATE);

	if (state != NULL)
		opener_allow_state(state);
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

static int
main_start(void *arg, struct service *service, void *settings)
{
	const struct settings *s = settings;

	if (rtnl_open() == -1 || oe_config_validator(s->oe, "rsipc") == -1 ||
	    keeper_start(keeper_note_path(settings)) == -1) {
		settings_free(settings);
		return -1;
	}
	return client_open(arg, service, settings);
}

static void
main_ready(void *arg)
{
	keeper_take_over();
	client_run(arg);
}

static void
main_stop(void *arg)
{
	client_close(arg);
	validator_stop();
	keeper_stop();
	rtnl_close();
}

int
main(int argc, char **argv)
{
	static const struct service_plan plan = {
		.name = "rsipc",
		SERVICE_SETTINGS(struct settings, settings_options,
		    settings_read, settings_free),
		.resolv_conf = RESOLVCONF_PATH, .low_ports = true,
		.allow = main_allow,
		.start = main_start, .ready = main_ready,
		.reload = client_reload, .end = client_end, .stop = main_stop,
		.report = status_report, .commands = status_commands,
	};
	static struct client client;

	return service_main(&plan, &client, argc, argv);
}
