/* test_lock.c - each daemon's filter: a forbidden call of each kind is tried, and what it needs still works */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/priv.h"
#include "base/sanitized.h"

static const char *const daemons[] = { "rsipd", "rsipc", "oed" };

/* --- forbidden calls: each returns what the call did ---------------------- */

static long
try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long
try_create(void)
{
	return open("/tmp/test_lock.made", O_CREAT | O_WRONLY, 0600);
}

static long
try_rename(void)
{
	return rename("/tmp/test_lock.none", "/tmp/test_lock.other");
}

static long
try_unlink(void)
{
	return unlink("/tmp/test_lock.none");
}

static long
try_mkdir(void)
{
	return mkdir("/tmp/test_lock.dir", 0700);
}

static long
try_chmod(void)
{
	return chmod("/tmp", 01777);
}

static long
try_stat(void)
{
	struct stat st;

	return stat("/etc/passwd", &st);
}

static long
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
try_kill(void)
{
	return kill(getppid(), 0);
}

static long
try_setuid(void)
{
	return setresuid(0, 0, 0);
}

static long
try_setrlimit(void)
{
	return syscall(SYS_prlimit64, 0, 7, (uint64_t[2]){ 64, 64 }, NULL);
}

static long
try_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long
try_inet6_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0);
}

static long
try_alg_socket(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long
try_audit_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 9);
}

static long
try_tun(void)
{
	return syscall(SYS_ioctl, 0, 0x400454caL, NULL);	/* TUNSETIFF */
}

static long
try_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    /* cppcheck-suppress invalidFunctionArg ; no file is behind it */
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static long
try_memfd(void)
{
	return syscall(SYS_memfd_create, "x", 0);
}

static long
try_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
try_execve(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static long
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
try_read_others(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long
try_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static long
try_chroot(void)
{
	return chroot("/tmp");
}

static long
try_unshare(void)
{
	return unshare(CLONE_NEWNET);
}

static long
try_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}

static long
try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

static long
try_keyctl(void)
{
	return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static long
try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long
try_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long
try_bpf_program(void)
{
	return syscall(SYS_bpf, 5, NULL, 0);
}

static long
try_bpf_map(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long
try_handle(void)
{
	return syscall(SYS_open_by_handle_at, -1, NULL, 0);
}

static const struct attempt {
	const char *name;
	long	  (*fn)(void);
	bool	    fatal;
	bool	    sanitizer;	/* which needs it */
} attempts[] = {
	{ "open", try_open, false, true },
	{ "create", try_create, false, true },
	{ "rename", try_rename, false, false },
	{ "unlink", try_unlink, false, false },
	{ "mkdir", try_mkdir, false, false },
	{ "chmod", try_chmod, false, false },
	{ "stat", try_stat, false, true },
	{ "fork", try_fork, false, true },
	{ "kill", try_kill, false, true },
	{ "setresuid", try_setuid, false, false },
	{ "setrlimit", try_setrlimit, false, true },
	{ "AF_PACKET", try_packet_socket, false, false },
	{ "AF_ALG", try_alg_socket, false, false },
	{ "NETLINK_AUDIT", try_audit_socket, false, false },
	{ "TUNSETIFF", try_tun, false, false },
	{ "mmap PROT_EXEC", try_executable_memory, false, true },
	{ "memfd_create", try_memfd, false, false },
	{ "PR_SET_DUMPABLE", try_dumpable, false, true },
	{ "execve", try_execve, true, false },
	{ "ptrace", try_ptrace, true, true },
	{ "process_vm_readv", try_read_others, true, false },
	{ "mount", try_mount, true, false },
	{ "chroot", try_chroot, true, false },
	{ "unshare", try_unshare, true, false },
	{ "init_module", try_module, true, false },
	{ "kexec_load", try_kexec, true, false },
	{ "keyctl", try_keyctl, true, false },
	{ "perf_event_open", try_perf, true, false },
	{ "io_uring_setup", try_uring, true, false },
	{ "bpf program", try_bpf_program, true, false },
	{ "bpf map", try_bpf_map, true, false },
	{ "open_by_handle_at", try_handle, true, false },
};

#define ENDED_KILLED	1000
#define ENDED_WITHOUT	2000	/* no seccomp here */

static void
lock_or_leave(const char *daemon)
{
	int null = open("/dev/null", O_WRONLY);

	/* What is tried is not to be seen in the test's output. */
	dup2(null, STDERR_FILENO);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    priv_lock(daemon) == -1)
		_exit(99);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		_exit(98);
}

/* errno of the attempt under the daemon's filter, 0, or how
 * the process ended. */
static int
attempt_under(const char *daemon, const struct attempt *a)
{
	pid_t pid = fork();
	int   status;

	if (pid == 0) {
		lock_or_leave(daemon);
		errno = 0;
		_exit(a->fn() == -1 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? ENDED_KILLED : -1;
	assert_int_not_equal(WEXITSTATUS(status), 99);
	return WEXITSTATUS(status) == 98 ? ENDED_WITHOUT : WEXITSTATUS(status);
}

static void
forbidden_calls_fail_or_end_it(void **state)
{
	size_t d, i;
	int    got, want;

	(void)state;
	for (d = 0; d < sizeof(daemons) / sizeof(daemons[0]); d++) {
		for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
			if (SANITIZED && attempts[i].sanitizer)
				continue;
			want = !attempts[i].fatal ? EPERM :
			    SANITIZED ? EACCES : ENDED_KILLED;
			got = attempt_under(daemons[d], &attempts[i]);
			if (got == ENDED_WITHOUT)
				skip();
			if (got != want)
				fail_msg("%s: %s: %d instead of %d", daemons[d],
				    attempts[i].name, got, want);
		}
	}
}

/* For DNS, and the store that gateways share. */
static void
ipv6_is_for_all(void **state)
{
	static const struct attempt six = { "AF_INET6", try_inet6_socket, false,
		false };
	size_t d;
	int    got;

	(void)state;
	for (d = 0; d < sizeof(daemons) / sizeof(daemons[0]); d++) {
		got = attempt_under(daemons[d], &six);
		if (got == ENDED_WITHOUT)
			skip();
		if (got != 0 && got != EAFNOSUPPORT)
			fail_msg("%s: %d", daemons[d], got);
	}
}

/* --- the control: what a daemon does all day ------------------------------ */

static void *
thread_main(void *arg)
{
	prctl(PR_SET_NAME, "thread", 0, 0, 0);
	*(int *)arg = 1;
	return NULL;
}

/* 0, or which step failed. */
static int
work(const char *daemon, int netlink)
{
	struct timespec ts;
	struct pollfd	p = { .events = POLLIN };
	pthread_t	thread;
	char	       *big;
	int		fd[2], done = 0, s, step = 1;
	uint64_t	one = 1;

#define WORKS(cond) do { if (!(cond)) return step; step++; } while (0)
	WORKS((s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) != -1);
	close(s);
	WORKS((s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) != -1);
	close(s);
	WORKS((s = socket(AF_NETLINK, SOCK_RAW, netlink)) != -1 ||
	    errno == EPROTONOSUPPORT);
	WORKS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	WORKS(send(fd[0], "x", 1, MSG_NOSIGNAL) == 1);
	p.fd = fd[1];
	WORKS(poll(&p, 1, 1000) == 1);
	WORKS(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
	WORKS((s = eventfd(0, EFD_CLOEXEC)) != -1);
	WORKS(write(s, &one, sizeof(one)) == sizeof(one));
	WORKS(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	WORKS((big = malloc(8 << 20)) != NULL);
	memset(big, 1, 8 << 20);
	free(big);
	log_init("test", false, LOG_LEVEL_INFO);
	log_info("under the filter of %s", daemon);
	if (strcmp(daemon, "rsipd") == 0) {
		WORKS(pthread_create(&thread, NULL, thread_main, &done) == 0);
		WORKS(pthread_join(thread, NULL) == 0 && done == 1);
	}
	/* An open map may be used: that this is none is not EPERM. */
	WORKS(syscall(SYS_bpf, 1, NULL, 0) == -1 && errno != EPERM);
	return 0;
}

static void
a_days_work_goes_on(void **state)
{
	static const int netlink[] = { 12, 0, 6 }; /* netfilter, route, XFRM */
	size_t		 d;
	int		 status;
	pid_t		 pid;

	(void)state;
	for (d = 0; d < sizeof(daemons) / sizeof(daemons[0]); d++) {
		if ((pid = fork()) == 0) {
			lock_or_leave(daemons[d]);
			_exit(work(daemons[d], netlink[d]));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 98)
			skip();
		if (status != 0)
			fail_msg("%s: status %#x", daemons[d],
			    (unsigned)status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_fail_or_end_it),
		cmocka_unit_test(ipv6_is_for_all),
		cmocka_unit_test(a_days_work_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
