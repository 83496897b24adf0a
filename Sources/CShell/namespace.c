#define _GNU_SOURCE
#include "cshell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "retry.h"

int cshell_unshare(int what) {
  int flags = 0;
  if (what & cshell_new_user) flags |= CLONE_NEWUSER;
  if (what & cshell_new_mount) flags |= CLONE_NEWNS;
  if (what & cshell_new_net) flags |= CLONE_NEWNET;
  if (what & cshell_new_uts) flags |= CLONE_NEWUTS;
  return RETRY(unshare(flags));
}

int cshell_set_hostname(const char *name) { return RETRY(sethostname(name, strlen(name))); }

int cshell_write_file(const char *path, const char *text) {
  int fd = RETRY(open(path, O_WRONLY | O_CLOEXEC));
  if (fd < 0) return fd;
  ssize_t written = RETRY(write(fd, text, strlen(text)));
  close(fd);
  return written < 0 ? (int)written : 0;
}

intptr_t cshell_read_file(const char *path, void *data, size_t capacity) {
  int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return fd;
  size_t have = 0;
  while (have < capacity) {
    ssize_t count = RETRY(read(fd, (char *)data + have, capacity - have));
    if (count < 0) {
      close(fd);
      return count;
    }
    if (count == 0) break;
    have += (size_t)count;
  }
  close(fd);
  return (intptr_t)have;
}

int cshell_is_chrooted(void) {
  // In an ordinary mount namespace a mount begins at the root: its ".." is itself, and a mount at "/" is listed.
  char table[65536];
  intptr_t count = cshell_read_file("/proc/self/mountinfo", table, sizeof table - 1);
  if (count <= 0) return 0;
  table[count] = 0;
  // Field 5 of each line is the mount point as seen from this process's root, see proc_pid_mountinfo(5).
  for (char *line = table; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    char *field = line;
    for (int skipped = 0; skipped < 4 && field; skipped++) field = strchr(field, ' ') ? strchr(field, ' ') + 1 : NULL;
    if (field && field[0] == '/' && field[1] == ' ') return 0;
  }
  return 1;
}

int cshell_link_up(const char *name) {
  int fd = RETRY(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd < 0) return fd;
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  int result = RETRY(ioctl(fd, SIOCSIFFLAGS, &request));
  close(fd);
  return result;
}

int cshell_netlink(int protocol) { return RETRY(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)); }

// ---- Mounts.
int cshell_mounts_are_our_own(void) { return RETRY(mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL)); }

int cshell_bind(const char *source, const char *target, int recursive) {
  return RETRY(mount(source, target, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL));
}

// Flags from linux/mount.h, which conflicts with sys/mount.h of this glibc.
enum { open_tree_clone = 1, at_recursive = 0x8000, move_mount_from_empty = 4 };

int cshell_clone_tree(const char *path) {
  return (int)RETRY(syscall(SYS_open_tree, AT_FDCWD, path, open_tree_clone | O_CLOEXEC | at_recursive));
}

int cshell_attach_tree(int tree, const char *target) {
  return (int)RETRY(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, move_mount_from_empty));
}

int cshell_mount_tmpfs(const char *target) {
  return RETRY(mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
}

int cshell_pivot(const char *root) {
  if (chdir(root) < 0) return -errno;
  if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
  // The old root now lies over the new one, see pivot_root(2), "pivot_root(".", ".")".
  if (umount2(".", MNT_DETACH) < 0) return -errno;
  return chdir("/") < 0 ? -errno : 0;
}

int cshell_kind(const char *path, int follow, uint64_t *device, uint64_t *inode) {
  struct stat found;
  int result = RETRY(fstatat(AT_FDCWD, path, &found, follow ? 0 : AT_SYMLINK_NOFOLLOW));
  if (result < 0) return result;
  if (device) *device = found.st_dev;
  if (inode) *inode = found.st_ino;
  return S_ISDIR(found.st_mode) ? 'd' : S_ISLNK(found.st_mode) ? 'l' : 'f';
}

int cshell_open_path(const char *path) { return RETRY(open(path, O_PATH | O_CLOEXEC)); }
int cshell_open(const char *path) { return RETRY(open(path, O_RDONLY | O_CLOEXEC)); }
