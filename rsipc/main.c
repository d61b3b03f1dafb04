/* main.c - rsipc: starts the RSIP client daemon and takes its privileges away */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/priv.h"
#include "rsipc/client.h"
#include "rsipc/keeper.h"

/* Files that SIGHUP may read again when nothing else can be opened. */
static int
start_opener(const struct daemon_options *o, const struct settings *s)
{
	const char *paths[4] = { o->config, "/etc/resolv.conf" };
	size_t	    n = 2;

	if (s->key_path != NULL)
		paths[n++] = s->key_path;
	if (s->secret_path != NULL)
		paths[n++] = s->secret_path;
	return opener_start(paths, n);
}

int
main(int argc, char **argv)
{
	static struct client  client;
	struct daemon_options o;
	struct settings	     *settings;
	int		      status = 1;

	daemon_options(&o, "rsipc", argc, argv);
	if (!o.check && !priv_have_net()) {
		log_error("needs the right to make network devices: run it as "
		    "root");
		return 1;
	}
	if ((settings = settings_read(o.config, !o.config_given)) == NULL)
		return 1;
	if (o.check) {
		settings_free(settings);
		return 0;
	}
	if (daemon_start(&o) == -1 || start_opener(&o, settings) == -1 ||
	    keeper_start() == -1) {
		settings_free(settings);
		goto out;
	}
	if (client_open(&client, &o, settings) == -1 ||
	    daemon_ready(&o) == -1 || priv_drop() == -1 || priv_lock() == -1)
		goto close;
	client_run(&client);
	log_info("leaving");
	status = 0;
close:
	client_close(&client);
out:
	keeper_stop();
	opener_stop();
	daemon_stop(&o);
	return status;
}
