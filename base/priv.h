/* priv.h - giving up what a daemon does not need once it runs */
#ifndef BASE_PRIV_H
#define BASE_PRIV_H

#include <stdbool.h>

/* True if the process has CAP_NET_ADMIN and CAP_NET_RAW. */
bool	priv_have_net(void);

/* priv_drop() is to leave CAP_NET_BIND_SERVICE: the right to
 * ports below 1024. */
void	priv_keep_low_ports(void);

/*
 * Changes to the daemon's own user of that name (or to the one that configure
 * --with-user gives to all), and to that user's group; keeps only CAP_NET_ADMIN
 * and CAP_NET_RAW, and sets no_new_privs.  Where name was never made a user,
 * nobody does, after a warning.  Without root (a user
 * namespace where only id 0 is mapped) the id stays and only capabilities go.
 * Returns 0, or -1 after logging one line.
 */
int	priv_drop(const char *name);

/*
 * The same for a process that needs nothing: no capability is left, and where
 * folder is not NULL it is all that the process sees of the files, as its root.
 * It is made if absent, for that user's group and nobody else; *confined tells
 * whether that was possible.  0, or -1 after logging one line.
 */
int	priv_confine(const char *name, const char *folder, bool *confined);

/*
 * Seccomp: from here on all threads may make only the system calls that the
 * daemon of that name was seen to need.  What only an intruder would try
 * (programs, tracing, mounts, modules, key rings, other namespaces, BPF
 * programs) ends the process; all else, opening, making and renaming of files
 * first of all, fails with EPERM.  The kernel logs both where it logs at all.
 * "validator" is a process that priv_confine() gave a folder, "validator
 * without files" one that it gave none.  Returns 0, or -1 after logging one
 * line; a kernel without seccomp is a warning and 0.
 */
int	priv_lock(const char *name);

#endif
