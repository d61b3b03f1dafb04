/* priv.c - giving up what a daemon does not need once it runs */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/priv.h"

#define PRIV_FALLBACK	"nobody"

bool
priv_have_net(void)
{
	if (capng_get_caps_process() == -1)
		return false;
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
}

/* True if id is mapped in our user namespace, so that setuid() can succeed. */
static bool
priv_can_change(const struct passwd *pw)
{
	return geteuid() == 0 && pw->pw_uid != 0 &&
	    setegid(pw->pw_gid) == 0 && setegid(0) == 0 &&
	    seteuid(pw->pw_uid) == 0 && seteuid(0) == 0;
}

/* The user to change to; NULL after one log line. */
static const struct passwd *
priv_user(const char *name)
{
	const char	    *wanted = *RSIP_USER != '\0' ? RSIP_USER : name;
	const struct passwd *pw;

	if ((pw = getpwnam(wanted)) != NULL)
		return pw;
	if (wanted == name && (pw = getpwnam(PRIV_FALLBACK)) != NULL) {
		if (geteuid() == 0)
			log_warn("no user \"%s\": running as \"%s\", as other "
			    "programs may; systemd-sysusers or useradd -r %s "
			    "makes it", name, PRIV_FALLBACK, name);
		return pw;
	}
	log_error("no user \"%s\": create it, or configure --with-user",
	    wanted);
	return NULL;
}

static bool keep_low_ports;

void
priv_keep_low_ports(void)
{
	keep_low_ports = true;
}

int
priv_drop(const char *name)
{
	const struct passwd *pw;

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
	    CAP_NET_ADMIN, CAP_NET_RAW, -1) == -1) {
		log_error("cannot choose capabilities");
		return -1;
	}
	if (keep_low_ports)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
		    CAP_NET_BIND_SERVICE);
	if ((pw = priv_user(name)) == NULL && geteuid() == 0)
		return -1;
	if (pw != NULL && priv_can_change(pw)) {
		if (capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
		    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0) {
			log_error("cannot change to user %s: %s", pw->pw_name,
			    strerror(errno));
			return -1;
		}
	} else if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
		log_error("cannot drop capabilities: %s", strerror(errno));
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		log_error("no_new_privs: %s", strerror(errno));
		return -1;
	}
	return 0;
}

int
priv_lock(void)
{
	static const int denied[] = {
		SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2),
		SCMP_SYS(creat), SCMP_SYS(open_by_handle_at),
		SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
		SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink),
		SCMP_SYS(symlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
		SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod),
		SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
		SCMP_SYS(fchown), SCMP_SYS(lchown), SCMP_SYS(fchownat),
		SCMP_SYS(truncate), SCMP_SYS(mount), SCMP_SYS(umount2),
		SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(execve),
		SCMP_SYS(execveat), SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
		SCMP_SYS(init_module), SCMP_SYS(finit_module),
		SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
		SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
		SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(userfaultfd),
		SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
	};
	static const struct scmp_arg_cmp make = { 0, SCMP_CMP_EQ, 0, 0 };
	static const struct scmp_arg_cmp others = { 0, SCMP_CMP_GT, 3, 0 };
	scmp_filter_ctx ctx;
	size_t		i;
	int		rc = 0;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL) {
		log_error("seccomp: out of memory");
		return -1;
	}
	/* All threads, those that parse packets first of all. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
		/* A system call this architecture lacks needs no rule. */
		if (rc != 0 && rc != -EDOM && rc != -EINVAL) {
			log_error("seccomp: %s", strerror(-rc));
			seccomp_release(ctx);
			return -1;
		}
	}
	/* bpf(): an open map may be read and written (commands 1 to 3), nothing
	 * made or loaded. */
	if ((rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM),
	    SCMP_SYS(bpf), 1, &make)) != 0 ||
	    (rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM),
	    SCMP_SYS(bpf), 1, &others)) != 0) {
		log_error("seccomp: %s", strerror(-rc));
		seccomp_release(ctx);
		return -1;
	}
	rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP) {
		log_warn("this kernel has no seccomp filter: running without");
		return 0;
	}
	if (rc != 0) {
		log_error("seccomp: %s", strerror(-rc));
		return -1;
	}
	return 0;
}
