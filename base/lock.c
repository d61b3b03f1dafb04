/* lock.c - the system calls that a daemon is left with: what it was seen to need, and no more */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/priv.h"
#include "base/sanitized.h"

#define BPF_COMMAND_FIRST	1	/* of those that read and
					 * write an open map */
#define BPF_COMMAND_LAST	3

enum {				/* what not all daemons need */
	LOCK_THREADS = 1,	/* made when the rules stand */
	LOCK_MAPS = 2,		/* of what the kernel forwards, open already */
	LOCK_NETFILTER = 4,
	LOCK_XFRM = 8,
	LOCK_STORE = 16,	/* a file that is open is brought to the disk */
	LOCK_FOLDER = 32,	/* a folder of its own is the root */
};

static const struct {
	const char *name;
	unsigned    needs;
} lock_daemons[] = {
	{ "rsipd", LOCK_THREADS | LOCK_MAPS | LOCK_NETFILTER | LOCK_STORE },
	{ "rsipc", LOCK_MAPS },
	{ "oed", LOCK_XFRM | LOCK_THREADS | LOCK_MAPS },
	{ "validator", LOCK_THREADS | LOCK_FOLDER },
	{ "validator without files", LOCK_THREADS },
};

/* By name, since no architecture, C library or libseccomp has all of them. */
static const char *const lock_allowed[] = {
	/* memory */
	"brk", "madvise", "mremap", "munmap",
	/* open descriptors */
	"_llseek", "close", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock",
	"fstat", "fstat64", "ftruncate", "ftruncate64", "lseek", "pread64",
	"preadv", "pwrite64", "pwritev", "read", "readv", "write", "writev",
	/* waiting */
	"_newselect", "epoll_create", "epoll_create1", "epoll_ctl",
	"epoll_ctl_old", "epoll_pwait", "epoll_wait", "eventfd", "eventfd2",
	"pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6",
	"pselect6_time64", "select", "timerfd_create", "timerfd_gettime",
	"timerfd_gettime64", "timerfd_settime", "timerfd_settime64",
	/* sockets; socket() itself by its arguments */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	"getsockopt", "listen", "recv", "recvfrom", "recvmmsg",
	"recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
	"setsockopt", "shutdown", "socketpair",
	/* time and chance */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"getrandom", "gettimeofday", "nanosleep", "time",
	/* itself, its threads and its children's ends */
	"exit", "exit_group", "futex", "futex_time64", "get_robust_list",
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getpid", "getppid", "getrlimit", "gettid", "getuid", "getuid32",
	"membarrier", "restart_syscall", "rseq", "rt_sigaction",
	"rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sched_getaffinity", "sched_yield",
	"set_robust_list", "set_tid_address", "sigaltstack", "sigprocmask",
	"sigreturn", "tgkill", "ugetrlimit", "uname", "wait4", "waitid",
	"waitpid",
};

/* In a folder: one file is read, written beside, and renamed. */
static const char *const lock_folder[] = {
	"access", "faccessat", "open", "openat", "rename", "renameat",
	"renameat2", "stat", "stat64", "unlink", "unlinkat",
};

/* Calls that no working daemon makes: whoever does is not the daemon. */
static const char *const lock_fatal[] = {
	"_sysctl", "acct", "add_key", "chroot", "create_module",
	"delete_module", "execve", "execveat", "finit_module", "fsconfig",
	"fsmount", "fsopen", "fspick", "init_module", "io_uring_enter",
	"io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
	"kexec_file_load", "kexec_load", "keyctl", "mount", "mount_setattr",
	"move_mount", "open_by_handle_at", "open_tree", "perf_event_open",
	"pidfd_getfd", "pivot_root", "process_vm_readv", "process_vm_writev",
	"ptrace", "quotactl", "reboot", "request_key", "setns", "swapoff",
	"swapon", "umount", "umount2", "unshare", "userfaultfd",
};

/* What a C library tries first, to go on with something older. */
static const char *const lock_absent[] = {
	"clone3", "close_range", "epoll_pwait2", "faccessat2", "futex_wait",
	"futex_waitv", "openat2",
};

/* A sanitizer makes a thread of its own, which looks at us from outside. */
static const char *const lock_sanitizer[] = {
	"clone", "clone3", "fork", "getdents64", "kill", "mmap", "mmap2",
	"mprotect", "open", "openat", "prctl", "prlimit64", "ptrace",
	"readlink",
	"readlinkat", "stat", "newfstatat",
};

static const unsigned long lock_ioctls[] = {
	FIONBIO, FIONREAD, SIOCGARP, SIOCGIFADDR, SIOCGIFFLAGS, SIOCGIFINDEX,
	SIOCGIFMTU, SIOCGIFNAME, TCGETS, TIOCGWINSZ,
};

struct lock {
	scmp_filter_ctx ctx;
	int		error;		/* the first one, as
					 * libseccomp has it */
};

static void
lock_rule(struct lock *l, uint32_t action, const char *call, unsigned n,
    const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(call), rc;

	if (nr == __NR_SCMP_ERROR || l->error != 0)
		return;
	rc = seccomp_rule_add_array(l->ctx, action, nr, n, args);
	/* A system call that this architecture lacks needs no rule; nor does
	 * one that is to fail as all others do. */
	if (rc != 0 && rc != -EDOM && rc != -EINVAL && rc != -EACCES)
		l->error = rc;
}

static void
lock_list(struct lock *l, uint32_t action, const char *const *calls, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		lock_rule(l, action, calls[i], 0, NULL);
}

#define LOCK_LIST(l, action, list) \
	lock_list(l, action, list, sizeof(list) / sizeof((list)[0]))

/* One argument's value, or some bits of it. */
static void
lock_arg(struct lock *l, const char *call, unsigned arg, uint64_t mask,
    uint64_t value)
{
	const struct scmp_arg_cmp cmp = { arg, SCMP_CMP_MASKED_EQ, mask,
		value };

	lock_rule(l, SCMP_ACT_ALLOW, call, 1, &cmp);
}

static void
lock_memory(struct lock *l)
{
	static const char *const calls[] = { "mmap", "mmap2", "mprotect" };
	size_t			 i;

	/* Nothing that was written is ever run. */
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		lock_arg(l, calls[i], 2, PROT_EXEC, 0);
#if defined(__s390__) || defined(__i386__) || defined(__arm__)
	/* The old call has one argument there, which points to all others. */
	lock_rule(l, SCMP_ACT_ALLOW, "mmap", 0, NULL);
#endif
}

static void
lock_sockets(struct lock *l, unsigned needs)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	const struct {
		unsigned need;
		int	 protocol;
	} netlink[] = {
		{ 0, NETLINK_ROUTE },
		{ LOCK_NETFILTER, NETLINK_NETFILTER },
		{ LOCK_XFRM, NETLINK_XFRM },
	};
	struct scmp_arg_cmp cmp[] = {
		{ 0, SCMP_CMP_EQ, AF_NETLINK, 0 },
		{ 2, SCMP_CMP_EQ, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		lock_arg(l, "socket", 0, UINT32_MAX, (uint64_t)families[i]);
	for (i = 0; i < sizeof(netlink) / sizeof(netlink[0]); i++) {
		if ((needs & netlink[i].need) != netlink[i].need)
			continue;
		cmp[1].datum_a = (uint64_t)netlink[i].protocol;
		lock_rule(l, SCMP_ACT_ALLOW, "socket", 2, cmp);
	}
#ifdef __i386__
	/* Arguments of the old call are behind a pointer: 1 is socket(). */
	lock_arg(l, "socketcall", 0, UINT32_MAX, 1);
#endif
}

static void
lock_rest(struct lock *l, unsigned needs, uint32_t fatal)
{
	const struct scmp_arg_cmp make = { 0, SCMP_CMP_LT, BPF_COMMAND_FIRST,
		0 };
	const struct scmp_arg_cmp other = { 0, SCMP_CMP_GT, BPF_COMMAND_LAST,
		0 };
	unsigned long		  i;

	for (i = 0; i < sizeof(lock_ioctls) / sizeof(lock_ioctls[0]); i++)
		lock_arg(l, "ioctl", 1, UINT32_MAX, lock_ioctls[i]);
	lock_arg(l, "prctl", 0, UINT32_MAX, PR_SET_NAME);
	/* Limits may be read. */
	lock_arg(l, "prlimit64", 2, UINT64_MAX, 0);
	/* Of a descriptor, not of a path. */
	lock_arg(l, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
	lock_arg(l, "fstatat64", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
	lock_arg(l, "statx", 2, AT_EMPTY_PATH, AT_EMPTY_PATH);
	if (needs & LOCK_THREADS)
#ifdef __s390__
		lock_arg(l, "clone", 1, CLONE_THREAD, CLONE_THREAD);
#else
		lock_arg(l, "clone", 0, CLONE_THREAD, CLONE_THREAD);
#endif
	if (needs & LOCK_STORE) {
		lock_rule(l, SCMP_ACT_ALLOW, "fdatasync", 0, NULL);
		lock_rule(l, SCMP_ACT_ALLOW, "fsync", 0, NULL);
	}
	if (needs & LOCK_MAPS) {
		for (i = BPF_COMMAND_FIRST; i <= BPF_COMMAND_LAST; i++)
			lock_arg(l, "bpf", 0, UINT32_MAX, i);
		lock_rule(l, fatal, "bpf", 1, &make);
		lock_rule(l, fatal, "bpf", 1, &other);
	} else {
		lock_rule(l, fatal, "bpf", 0, NULL);
	}
}

static void
lock_fill(struct lock *l, unsigned needs)
{
	uint32_t fatal = SCMP_ACT_KILL_PROCESS;

	if (seccomp_api_get() < 3)	/* before Linux 4.14 */
		fatal = SCMP_ACT_KILL_THREAD;
	if (SANITIZED) {
		/* The thread must live to tell; the daemon gets EPERM. */
		LOCK_LIST(l, SCMP_ACT_ALLOW, lock_sanitizer);
		fatal = SCMP_ACT_ERRNO(EACCES);
	}
	LOCK_LIST(l, SCMP_ACT_ALLOW, lock_allowed);
	if (needs & LOCK_FOLDER)
		LOCK_LIST(l, SCMP_ACT_ALLOW, lock_folder);
	LOCK_LIST(l, SCMP_ACT_ERRNO(ENOSYS), lock_absent);
	LOCK_LIST(l, fatal, lock_fatal);
	lock_memory(l);
	lock_sockets(l, needs);
	lock_rest(l, needs, fatal);
}

int
priv_lock(const char *name)
{
	struct lock l = { 0 };
	unsigned    needs = 0;
	size_t	    i;

	for (i = 0; i < sizeof(lock_daemons) / sizeof(lock_daemons[0]); i++) {
		if (strcmp(lock_daemons[i].name, name) == 0)
			needs = lock_daemons[i].needs;
	}
	/* Else syslog() looks at the file of the time zone with each line. */
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
	if ((l.ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL) {
		log_error("seccomp: out of memory");
		return -1;
	}
	/* All threads, those that parse packets first of all. */
	seccomp_attr_set(l.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(l.ctx, SCMP_FLTATR_CTL_LOG, 1);
	lock_fill(&l, needs);
	if (l.error == 0)
		l.error = seccomp_load(l.ctx);
	seccomp_release(l.ctx);
	if (l.error == -EINVAL || l.error == -ENOSYS ||
	    l.error == -EOPNOTSUPP) {
		log_warn("this kernel has no seccomp filter: running without");
		return 0;
	}
	if (l.error != 0) {
		log_error("seccomp: %s", strerror(-l.error));
		return -1;
	}
	return 0;
}
