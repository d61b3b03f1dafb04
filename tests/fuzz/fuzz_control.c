/* fuzz_control.c - what any local user may write to a control socket: read, and answered as one line */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/control.h"
#include "base/json.h"
#include "base/log.h"
#include "net/ip.h"
#include "oe/esp/user.h"
#include "oe/life.h"
#include "oe/report.h"
#include "oe/plane.h"
#include "tests/fuzz/fuzz.h"

#define NOW	10000000

static void
send_nothing(void *arg, const struct packet_view *v)
{
	(void)arg;
	(void)v;
}

/* A name server that takes its time: connections stay half way. */
static void
ask_nobody(void *arg, const char *name, uint16_t type, enum cause cause,
    dns_fn fn, void *fn_arg)
{
	(void)arg;
	(void)name;
	(void)type;
	(void)cause;
	(void)fn;
	(void)fn_arg;
}

static struct core *
core_with_traffic(void)
{
	static struct esp_plane	    *planes[2];
	static const struct oe_shell shell = { .send_clear = send_nothing,
		.to_host = send_nothing, .answer = send_nothing,
		.planes = planes };
	static const struct core_ops ops = { .dns_query = ask_nobody };
	static const char *const     hosts[] = { "203.0.113.1", "203.0.113.2" };
	uint8_t			     pkt[IP_HEADER_LEN + UDP_HEADER_LEN];
	struct packet_view	     v = { .protocol = 17, .ttl = 64,
		.len = sizeof(pkt) };
	struct oe_config	    *config = oe_config_read(NULL);
	struct core		    *c;
	size_t			     i;

	FUZZ_CHECK(config != NULL);
	if (planes[0] == NULL)
		planes[0] = esp_user_new(send_nothing, NULL);
	c = core_new(config, &shell, NULL, &ops, NULL, NULL, NULL);
	v.src = addr_from_v4(inet_addr("198.51.100.1"));
	core_set_local(c, NOW, AF_INET, &v.src, 0);
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		memset(pkt, 0, sizeof(pkt));
		v.dst = addr_from_v4(inet_addr(hosts[i]));
		ip_write(pkt, &v);
		plane_outbound(c, NOW, &v);
	}
	return c;
}

/* Is it an object, in one line? */
static void
check_answer(json_object *answer)
{
	const char *text;

	if (answer == NULL)
		return;
	text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);
	FUZZ_CHECK(json_object_is_type(answer, json_type_object));
	FUZZ_CHECK(text != NULL && strchr(text, '\n') == NULL);
	json_object_put(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct core *core;
	json_object	   *req, *answer;
	const char	   *command;

	if (core == NULL) {
		log_init("fuzz", true, LOG_LEVEL_ERROR);
		core = core_with_traffic();
	}
	if ((req = control_parse((const char *)data, size)) == NULL)
		return 0;
	command = json_member_text(req, "command");
	FUZZ_CHECK(command != NULL);
	check_answer(report_control(core, NOW, req, true));
	answer = report_control(core, NOW, req, false);
	if (strcmp(command, "sa") == 0 || strcmp(command, "spd") == 0)
		FUZZ_CHECK(json_member_text(answer, "error") != NULL);
	check_answer(answer);
	json_object_put(req);
	return 0;
}
