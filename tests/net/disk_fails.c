/* disk_fails.c - preloaded into rsipd: while a test says so, nothing that was written is known to be on the disk */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first byte of the file that DISK_FAILS names: '1' while it fails. */
static const volatile char *disk_fails;
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void
disk_fails_start(void)
{
	const char *path = getenv("DISK_FAILS");
	void	   *map;
	int	    fd;

	real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	map = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		disk_fails = map;
}

int
fdatasync(int fildes)
{
	if (disk_fails != NULL && *disk_fails == '1') {
		errno = EIO;
		return -1;
	}
	return real_fdatasync(fildes);
}
