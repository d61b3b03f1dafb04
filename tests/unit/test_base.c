/* test_base.c - cursors, rate limits, base64, configuration text and the control socket */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/control.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/ratelimit.h"
#include "base/statefile.h"
#include "base/util.h"
#include "net/resolvconf.h"
#include "net/ip.h"
#include "tests/unit/packet_equal.h"

static void
cursor_reads_within_bounds(void **state)
{
	static const uint8_t buf[] = { 1, 0x02, 0x03, 4, 5, 6, 7 };
	struct cursor	     c, sub;

	(void)state;
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 0x0203);
	assert_int_equal(cursor_u32(&c), 0x04050607);
	assert_false(c.bad);
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);

	/* Once bad, a read that would fit fails too. */
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(cursor_u64(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);

	cursor_init(&c, buf, sizeof(buf));
	sub = cursor_sub(&c, 3);
	assert_int_equal(cursor_left(&sub), 3);
	assert_int_equal(cursor_left(&c), 4);
	sub = cursor_sub(&c, 5);
	assert_true(sub.bad);
	assert_true(c.bad);
	assert_int_equal(cursor_left(&sub), 0);
}

static void
writer_never_overflows(void **state)
{
	uint8_t	      buf[8];
	struct writer w;

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	writer_init(&w, buf, 7);
	writer_u32(&w, 0x01020304);
	writer_u16(&w, 0);
	writer_patch_u16(&w, 4, 0x0506);
	assert_false(w.bad);
	writer_u16(&w, 0x0708);
	assert_true(w.bad);
	assert_int_equal(w.len, 6);
	writer_u8(&w, 9);	/* would fit, but the whole is bad already */
	assert_int_equal(w.len, 6);
	assert_memory_equal(buf, "\1\2\3\4\5\6\xee\xee", 8);
	writer_init(&w, buf, 4);
	writer_u16(&w, 1);
	writer_patch_u16(&w, 1, 1);
	assert_true(w.bad);
}

static void
ratelimit_is_a_token_bucket(void **state)
{
	struct ratelimit r = RATELIMIT_INIT(2, 1000);

	(void)state;
	assert_true(ratelimit_pass(&r, 5000));
	assert_true(ratelimit_pass(&r, 5000));
	assert_false(ratelimit_pass(&r, 5999));
	assert_true(ratelimit_pass(&r, 6000));
	assert_false(ratelimit_pass(&r, 6500));
	assert_int_equal(ratelimit_take_missed(&r), 2);
	assert_int_equal(ratelimit_take_missed(&r), 0);
	assert_true(ratelimit_pass(&r, 60000));
	assert_true(ratelimit_pass(&r, 60000));
	assert_false(ratelimit_pass(&r, 60000));
}

static void
one_has_no_plural(void **state)
{
	(void)state;
	assert_string_equal(plural(0), "s");
	assert_string_equal(plural(1), "");
	assert_string_equal(plural(2), "s");
}

static void
base64_of_rfc_4648(void **state)
{
	static const struct {
		const char *plain, *text;
	} vector[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "Zm8==",
		"Zm9v=", "Zh==", "Zm9=", "Z*==", "Zg==Zg==", "=" };
	char	text[16];
	uint8_t plain[16];
	size_t	i, n;

	(void)state;
	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		n = strlen(vector[i].plain);
		assert_int_equal(base64_encode(text, sizeof(text),
		    vector[i].plain, n), (int)strlen(vector[i].text));
		assert_string_equal(text, vector[i].text);
		assert_int_equal(base64_decode(plain, sizeof(plain), text,
		    strlen(text)), (int)n);
		assert_memory_equal(plain, vector[i].plain, n);
	}
	assert_int_equal(base64_decode(plain, sizeof(plain), " Zm 9v\tYg\r\n",
	    10), 4);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(plain, sizeof(plain), bad[i],
		    strlen(bad[i])), -1);
	assert_int_equal(base64_encode(text, 4, "foo", 3), -1);
	assert_int_equal(base64_decode(plain, 2, "Zm9v", 4), -1);
	assert_int_equal(base64_decode(plain, 0, "Zg==", 4), -1);
}

static void
checksum_of_rfc_1071(void **state)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5,
		0xf6, 0xf7 };

	(void)state;
	/* RFC 1071 §3: the sum is ddf2. */
	assert_int_equal(checksum_fold(checksum_add(0, data, 8)),
	    (uint16_t)~0xddf2);
	assert_int_equal(checksum_fold(checksum_add(0, "\xff", 1)), 0x00ff);
}

static void
random_uniform_keeps_its_bound(void **state)
{
	unsigned seen = 0, i;
	uint32_t v;

	(void)state;
	for (i = 0; i < 1000; i++) {
		v = random_uniform(5);
		assert_true(v < 5);
		seen |= 1u << v;
	}
	assert_int_equal(seen, 31);
	assert_int_equal(random_uniform(0), 0);
	assert_int_equal(random_uniform(1), 0);
}

/* What was given is not there any more, and never given again. */
static void
random_stores_give_and_forget(void **state)
{
	struct random_store s = { 0 };
	uint8_t		    all[sizeof(s.bytes) + 1], one[3];
	unsigned	    seen = 0, i, k, same = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		seen |= 1u << random_store_uniform(&s, 5);
	assert_int_equal(seen, 31);
	assert_int_equal(random_store_uniform(&s, 1), 0);
	for (i = 0; i < 500; i++) {
		random_store_bytes(&s, one, sizeof(one));
		assert_true(s.left <= sizeof(s.bytes) - sizeof(one));
		for (k = s.left; k < s.left + sizeof(one); k++)
			assert_int_equal(s.bytes[k], 0);
	}
	memset(all, 0, sizeof(all));
	random_store_bytes(&s, all, sizeof(all));
	for (i = 0; i < sizeof(all); i++)
		same += all[i] == 0;
	assert_true(same < 32);
}

static void
configuration_values(void **state)
{
	static const char *const bad_range[] = { "", "0", "0-5", "5-4",
		"65536", "1-65536", "-1", "1-", "a", "1-2-3", " 1" };
	unsigned i;
	uint16_t lo, hi;

	(void)state;
	assert_int_equal(conf_port_range("4000-4999", &lo, &hi), 0);
	assert_int_equal(lo, 4000);
	assert_int_equal(hi, 4999);
	assert_int_equal(conf_port_range("65535", &lo, &hi), 0);
	assert_int_equal(lo, hi);
	for (i = 0; i < sizeof(bad_range) / sizeof(bad_range[0]); i++)
		assert_int_equal(conf_port_range(bad_range[i], &lo, &hi), -1);
}

static void
secrets_must_be_private(void **state)
{
	char path[] = "/tmp/test_base.XXXXXX";
	int  fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(conf_open_secret(path), -1);
	assert_int_equal(chmod(path, 0600), 0);
	fd = conf_open_secret(path);
	assert_int_not_equal(fd, -1);
	close(fd);
	unlink(path);
	assert_int_equal(conf_open_secret(path), -1);
	assert_int_equal(conf_open_secret("/tmp"), -1);
}

static void
configuration_errors_name_file_and_line(void **state)
{
	char	  path[] = "/tmp/test_base.XXXXXX", text[512], want[64];
	cfg_opt_t opts[] = { CFG_INT("port", 4555, CFGF_NONE), CFG_END() };
	cfg_t	 *cfg;
	int	  fd = mkstemp(path), out[2], saved;
	ssize_t	  n;

	(void)state;
	dprintf(fd, "# one \" line\n/* two\n */ port = 1 // '\n\nprot = 2\n");
	close(fd);
	assert_int_equal(pipe(out), 0);
	saved = dup(STDERR_FILENO);
	dup2(out[1], STDERR_FILENO);
	cfg = conf_read(path, opts, false);
	dup2(saved, STDERR_FILENO);
	close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	close(out[0]);
	close(saved);
	assert_null(cfg);
	assert_true(n > 0);
	text[n] = '\0';
	snprintf(want, sizeof(want), "%s:5: ", path);
	assert_non_null(strstr(text, want));
	/* One line, and no more. */
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	unlink(path);
	assert_null(conf_read(path, opts, false));
	cfg = conf_read(path, opts, true);
	assert_non_null(cfg);
	assert_int_equal(cfg_getint(cfg, "port"), 4555);
	cfg_free(cfg);
}

static json_object *
answer(void *arg, json_object *req, bool privileged)
{
	const struct timeval after_the_answer = { .tv_usec = 100000 };
	json_object	    *o, *cmd;

	json_object_object_get_ex(req, "command", &cmd);
	if (strcmp(json_object_get_string(cmd), "stop") == 0)
		event_base_loopexit(arg, &after_the_answer);
	if (strcmp(json_object_get_string(cmd), "nothing") == 0)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "privileged",
	    json_object_new_boolean(privileged));
	return o;
}

/* Serves in a child until told "stop"; the parent asks. */
static void
control_socket_answers(void **state)
{
	static const char *const hostile[] = { "\n", "x\n", "[]\n", "{}\n",
		"{\"command\":1}\n", "{\"command\":\"a\n",
		"[[[[[[[[[[[[[[[[[[[[[[\n" };
	char		   path[] = "/tmp/test_base.XXXXXX", file[64], buf[256];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct event_base *base;
	struct control	  *c;
	json_object	  *req, *o, *v;
	size_t		   i;
	ssize_t		   n;
	pid_t		   pid;
	int		   fd, status;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/sock", path);
	base = event_base_new();
	c = control_open(base, file, answer, base);
	assert_non_null(c);
	/* A second daemon on the same path must not take it over. */
	assert_null(control_open(base, file, answer, base));
	if ((pid = fork()) == 0) {
		event_reinit(base);
		event_base_dispatch(base);
		control_close(c);
		event_base_free(base);
		_exit(0);
	}
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", file);
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&sa,
		    sizeof(sa)), 0);
		assert_true(write(fd, hostile[i], strlen(hostile[i])) > 0);
		shutdown(fd, SHUT_WR);
		n = read(fd, buf, sizeof(buf) - 1);
		assert_true(n >= 0);
		buf[n] = '\0';
		assert_non_null(strstr(buf, "error"));
		close(fd);
	}
	req = json_object_new_object();
	json_object_object_add(req, "command",
	    json_object_new_string("nothing"));
	o = control_ask(file, req, 5000);
	assert_true(json_object_object_get_ex(o, "error", &v));
	json_object_put(o);
	json_object_object_add(req, "command", json_object_new_string("stop"));
	o = control_ask(file, req, 5000);
	assert_true(json_object_object_get_ex(o, "privileged", &v));
	assert_true(json_object_get_boolean(v));
	json_object_put(o);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_null(control_ask(file, req, 1000));
	json_object_put(req);
	control_close(c);
	event_base_free(base);
	rmdir(path);
}

static void
log_lines_cannot_be_forged(void **state)
{
	char	text[256];
	int	out[2], saved;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(out), 0);
	saved = dup(STDERR_FILENO);
	dup2(out[1], STDERR_FILENO);
	log_error("name \"%s\"", "a\nrsipd: all is well\x1b[2J");
	dup2(saved, STDERR_FILENO);
	close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	close(out[0]);
	close(saved);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text,
	    "rsip: name \"a\\x0arsipd: all is well\\x1b[2J\"\n");
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
opener_opens_what_it_was_told(void **state)
{
	char	    folder[] = "/tmp/test_base.XXXXXX", conf[64], other[64];
	char	    text[512];
	const char *paths[2];
	int	    fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(conf, sizeof(conf), "%s/a.conf", folder);
	snprintf(other, sizeof(other), "%s/../outside", folder);
	paths[0] = conf;
	paths[1] = "/dev/null";
	assert_int_equal(opener_start(paths, 2), 0);
	assert_int_equal(opener_open(conf), -1);
	assert_int_equal(errno, ENOENT);
	fd = open(conf, O_CREAT | O_WRONLY, 0600);
	close(fd);
	fd = opener_open(conf);
	assert_int_not_equal(fd, -1);
	close(fd);
	fd = opener_open("/dev/null");
	assert_int_not_equal(fd, -1);
	close(fd);
	/* What may be read may not be written. */
	assert_int_equal(opener_replace(conf), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(opener_replace(other), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(opener_open("/etc/passwd"), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(opener_open(other), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(opener_open(folder), -1);
	assert_int_equal(errno, EPERM);
	/* A neighbour of the configuration is not the daemon's; what its owner
	 * names there is, but not in a comment, nor as a part of another. */
	snprintf(other, sizeof(other), "%s/private.pem", folder);
	write_file(other, "a key");
	assert_int_equal(opener_open(other), -1);
	assert_int_equal(errno, EPERM);
	snprintf(text, sizeof(text), "a = 1\n# key = \"%s\"\nkey = \"%s2\"\n"
	    "/* \"%s\" */\nb = \"/x%s\"\n", other, other, other, other);
	write_file(conf, text);
	assert_int_equal(opener_open(other), -1);
	assert_int_equal(errno, EPERM);
	snprintf(text, sizeof(text), "key = \"%s\"\n", other);
	write_file(conf, text);
	fd = opener_open(other);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x", 1), -1);
	close(fd);
	/* Reading is all, but for files of state. */
	assert_int_equal(opener_replace(other), -1);
	assert_int_equal(errno, EPERM);
	opener_stop();
	unlink(other);
	unlink(conf);
	rmdir(folder);
}

/* What path holds now, waited for: the opener takes its time. */
static void
assert_holds(const char *path, const char *want)
{
	char	text[64] = "";
	ssize_t n;
	int	fd, tries;

	for (tries = 0; tries < 500; tries++) {
		fd = open(path, O_RDONLY);
		n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd != -1)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		if (strcmp(text, want) == 0)
			return;
		usleep(10000);
	}
	assert_string_equal(text, want);
}

static void
state_is_replaced_whole_or_not(void **state)
{
	char		  folder[] = "/tmp/test_base.XXXXXX", path[64],
	    beside[80];
	struct statefile *f, *again;
	const char	 *paths[] = { "/dev/null" };
	char		 *text, *big;
	struct stat	  st;
	size_t		  len;
	unsigned	  with, tries;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sub/peers", folder);
	snprintf(beside, sizeof(beside), "%s.new", path);
	for (with = 0; with < 2; with++) {
		f = statefile_open(path);
		assert_non_null(f);
		if (with) {
			opener_allow_state(path);
			assert_int_equal(opener_start(paths, 1), 0);
		}
		assert_int_equal(statefile_write(f, "one", 3), 0);
		assert_holds(path, "one");
		/* The lock goes along with the new file. */
		again = statefile_open(path);
		assert_null(again);
		assert_int_equal(errno, EWOULDBLOCK);
		/* No room: a file in memory of which no more can be had. */
		big = calloc(1, 1 << 20);
		setrlimit(RLIMIT_FSIZE,
		    &(struct rlimit){ 4096, RLIM_INFINITY });
		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(statefile_write(f, big, 1 << 20), -1);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY,
		    RLIM_INFINITY });
		free(big);
		assert_holds(path, "one");
		/* A rename that fails is known later. */
		unlink(path);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(statefile_write(f, "lost", 4), 0);
		for (tries = 0; tries < 500 && !statefile_failed(f); tries++)
			usleep(10000);
		assert_true(tries < 500);
		rmdir(path);
		assert_int_equal(statefile_write(f, "two", 3), 0);
		assert_holds(path, "two");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_false(statefile_failed(f));
		statefile_close(f, false);
		f = statefile_open(path);
		assert_non_null(f);
		text = statefile_read(f, &len);
		assert_int_equal(len, 3);
		assert_string_equal(text, "two");
		free(text);
		assert_int_equal(access(beside, F_OK), -1);
		statefile_close(f, true);
		assert_holds(path, "");
		opener_stop();
	}
	unlink(path);
	snprintf(path, sizeof(path), "%s/sub", folder);
	rmdir(path);
	rmdir(folder);
}

/* --- fragments (RFC 791 §3.2) --- */

struct pieces {
	uint8_t	 whole[2048];
	size_t	 end, count, largest;
	bool	 last;
};

static void
piece(void *arg, const struct packet_view *v)
{
	struct pieces	  *p = arg;
	struct packet_view read;

	assert_true(packet_parse_ipv4(&read, v->data, v->len));
	assert_true(packet_equal(&read, v));
	assert_true(ip_checksum_ok(v));
	assert_false(p->last);
	assert_int_equal(v->frag, p->end);
	memcpy(p->whole + v->frag, v->data + v->header, v->len - v->header);
	p->end += v->len - v->header;
	p->last = !v->more;
	p->count++;
	if (v->len > p->largest)
		p->largest = v->len;
}

static void
fragments_are_whole_again(void **state)
{
	struct packet_view v = { .src = addr_from_v4(1),
		.dst = addr_from_v4(2), .ttl = 9, .protocol = 17, .id = 77,
		.len = IP_HEADER_LEN + 1500 };
	struct pieces	 p;
	uint8_t		 pkt[IP_HEADER_LEN + 1500];
	size_t		 i, mtu;
	int		 n;

	(void)state;
	ip_write(pkt, &v);
	for (i = IP_HEADER_LEN; i < sizeof(pkt); i++)
		pkt[i] = (uint8_t)(i * 7);
	for (mtu = 28; mtu < 1600; mtu += 13) {
		memset(&p, 0, sizeof(p));
		n = ip_fragment(&v, mtu, piece, &p);
		assert_int_equal(n, p.count);
		assert_true(p.count > 0 && p.last && p.largest <= mtu);
		assert_int_equal(p.end, 1500);
		assert_memory_equal(p.whole, pkt + IP_HEADER_LEN, 1500);
	}
	assert_int_equal(ip_fragment(&v, 27, piece, &p), -1);
	v.df = true;
	ip_write(pkt, &v);
	assert_int_equal(ip_fragment(&v, 600, piece, &p), -1);
}

/* The secret is zero: what CPython's hash() of bytes gives with
 * PYTHONHASHSEED=0. */
static void
hash_is_siphash_1_3(void **state)
{
	static const struct {
		size_t	 len;
		uint64_t hash;
	} known[] = {
		{ 1, 0x68a914128e01e473u }, { 7, 0x2f098ab0c751325au },
		{ 8, 0xead411e67ebe2eeau }, { 9, 0x75927f9d95124362u },
		{ 15, 0xf30eb725bb91c9eau }, { 16, 0x8972188433a5c5b7u },
		{ 31, 0x169739443111d49bu },
	};
	uint8_t secret[16] = { 0 }, key[31];
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(hash_sip13(secret, key, known[i].len) ==
		    known[i].hash);
}

/* What a table's buckets are chosen by, in a process that has just begun. */
static uint64_t
hash_in_child(void)
{
	uint64_t h = 0;
	unsigned out;
	int	 fd[2];

	assert_int_equal(pipe(fd), 0);
	if (fork() == 0) {
		HASH_FUNCTION("198.51.100.1", 12, out);
		h = out;
		_exit(write(fd[1], &h, sizeof(h)) == (ssize_t)sizeof(h) ?
		    0 : 1);
	}
	assert_int_equal(read(fd[0], &h, sizeof(h)), sizeof(h));
	close(fd[0]);
	close(fd[1]);
	assert_true(wait(NULL) > 0);
	return h;
}

/* Strangers who choose keys cannot foresee which meet in one bucket. */
static void
hash_differs_from_process_to_process(void **state)
{
	(void)state;
	assert_true(hash_in_child() != hash_in_child());
	assert_true(hash_bytes("a", 1) == hash_bytes("a", 1));
}

/* In a child with the user's id: has the name, says so, and lives on. */
static pid_t
keep_name(const char *name, uid_t uid, int fd)
{
	pid_t pid = fork();
	char  c = '1';

	if (pid != 0)
		return pid;
	if (uid != geteuid() && setuid(uid) == -1)
		_exit(1);
	(void)helper_alone(name);
	if (write(fd, &c, 1) == 1)
		pause();
	_exit(0);
}

static bool
said_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      c;

	return poll(&p, 1, ms) == 1 && read(fd, &c, 1) == 1;
}

static void
ends(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A keeper waits for that of a daemon that was killed, for no stranger. */
static void
helper_waits_for_its_like(void **state)
{
	char  name[32];
	int   fd[2];
	pid_t old, new;

	(void)state;
	snprintf(name, sizeof(name), "test-%ld", (long)getpid());
	assert_int_equal(pipe(fd), 0);
	old = keep_name(name, geteuid(), fd[1]);
	assert_true(said_within(fd[0], 10000));
	new = keep_name(name, geteuid(), fd[1]);
	assert_false(said_within(fd[0], 300));
	ends(old);
	assert_true(said_within(fd[0], 10000));
	ends(new);
	if (geteuid() == 0) {
		old = keep_name(name, 65534, fd[1]);
		assert_true(said_within(fd[0], 10000));
		new = keep_name(name, 0, fd[1]);
		assert_true(said_within(fd[0], 10000));
		ends(new);
		ends(old);
	}
	close(fd[0]);
	close(fd[1]);
}

static void
count_lines(void *arg, const char *text)
{
	unsigned *n = arg;

	assert_true(strchr(text, '\n') != NULL);
	*n += strncmp(text, "search", 6) == 0;
}

/* More servers than are wanted hide no line that comes after them. */
static void
resolvers_and_the_rest_in_one_reading(void **state)
{
	char	    path[] = "/tmp/test_base.XXXXXX";
	struct addr server[2] = { 0 };
	unsigned    searches = 0;
	int	    fd = mkstemp(path);

	(void)state;
	assert_true(fd != -1);
	assert_true(dprintf(fd, "# nameserver 192.0.2.9\nsearch a.example\n"
	    "nameserver fe80::1\n nameserver\t192.0.2.1\nnameserver x\n"
	    "nameserver fe80::2%%eth0\nnameserver 2001:db8::53\n"
	    "nameserver 192.0.2.3\n"
	    "search b.example\n") > 0);
	close(fd);
	assert_int_equal(resolvconf_read(path, server, 2, count_lines,
	    &searches), 2);
	assert_string_equal(ADDR_TEXT(&server[0]), "192.0.2.1");
	assert_string_equal(ADDR_TEXT(&server[1]), "2001:db8::53");
	assert_int_equal(searches, 2);
	assert_int_equal(resolvconf_read(path, server, 1, NULL, NULL), 1);
	unlink(path);
	assert_int_equal(resolvconf_read(path, server, 2, NULL, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_are_whole_again),
		cmocka_unit_test(hash_differs_from_process_to_process),
		cmocka_unit_test(helper_waits_for_its_like),
		cmocka_unit_test(hash_is_siphash_1_3),
		cmocka_unit_test(cursor_reads_within_bounds),
		cmocka_unit_test(writer_never_overflows),
		cmocka_unit_test(ratelimit_is_a_token_bucket),
		cmocka_unit_test(base64_of_rfc_4648),
		cmocka_unit_test(one_has_no_plural),
		cmocka_unit_test(checksum_of_rfc_1071),
		cmocka_unit_test(random_uniform_keeps_its_bound),
		cmocka_unit_test(random_stores_give_and_forget),
		cmocka_unit_test(configuration_values),
		cmocka_unit_test(secrets_must_be_private),
		cmocka_unit_test(configuration_errors_name_file_and_line),
		cmocka_unit_test(control_socket_answers),
		cmocka_unit_test(log_lines_cannot_be_forged),
		cmocka_unit_test(opener_opens_what_it_was_told),
		cmocka_unit_test(resolvers_and_the_rest_in_one_reading),
		cmocka_unit_test(state_is_replaced_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
