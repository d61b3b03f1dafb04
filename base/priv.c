/* priv.c - giving up what a daemon does not need once it runs */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/priv.h"
#include "base/util.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>

/* The leak checker cannot trace a process that has given up its rights. */
static bool dropped;

int
__lsan_is_turned_off(void)
{
	return dropped;
}
#endif

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

/* The user to change to; NULL after one log line.  quiet:
 * another process of the daemon warns. */
static const struct passwd *
priv_user(const char *name, bool quiet)
{
	const char	    *wanted = *RSIP_USER != '\0' ? RSIP_USER : name;
	const struct passwd *pw;

	if ((pw = getpwnam(wanted)) != NULL)
		return pw;
	if (wanted == name && (pw = getpwnam(PRIV_FALLBACK)) != NULL) {
		if (geteuid() == 0 && !quiet)
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

/* With the capabilities that were chosen; pw NULL: as whom we are. */
static int
priv_become(const struct passwd *pw)
{
#ifdef __SANITIZE_ADDRESS__
	dropped = true;
#endif
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
	if ((pw = priv_user(name, false)) == NULL && geteuid() == 0)
		return -1;
	return priv_become(pw);
}

/*
 * Nobody else's, and not a link to what is.  It stays root's and is for the
 * user's group: root without CAP_DAC_OVERRIDE could not enter another user's.
 */
static bool
priv_folder(const struct passwd *pw, const char *folder)
{
	struct stat st;
	int	    fd;
	bool	    ours = true, group = pw != NULL && priv_can_change(pw);

	make_parent_folder(folder);
	if (mkdir(folder, 0700) == -1 && errno != EEXIST)
		return false;
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return false;
	if (group) {
		/* Who has a group may give it what is its own. */
		setfsgid(pw->pw_gid);
		ours = fchown(fd, geteuid(), pw->pw_gid) == 0 &&
		    fchmod(fd, 0770) == 0;
		setfsgid(getegid());
	}
	ours = ours && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & (group ? 07007 : 07077)) == 0 && fchdir(fd) == 0;
	close(fd);
	return ours;
}

int
priv_confine(const char *name, const char *folder, bool *confined)
{
	const struct passwd *pw = priv_user(name, true);

	*confined = folder != NULL && priv_folder(pw, folder) &&
	    chroot(".") == 0;
	if (folder != NULL && !*confined)
		log_warn("%s: %s: nothing is kept there", folder,
		    strerror(errno));
	capng_clear(CAPNG_SELECT_BOTH);
	return priv_become(pw);
}
