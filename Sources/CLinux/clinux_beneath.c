#define _GNU_SOURCE
#include "clinux_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// openat2(2) accepts slashes; both functions must take one name only.
static int32_t clinux_check_name_(const char *name) {
  if (!*name) return -ENOENT;
  return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EXDEV : 0;
}
int32_t clinux_open_beneath_walking(int32_t directory, const char *name, int32_t flags, uint32_t mode) {
  int32_t wrong = clinux_check_name_(name);
  if (wrong) return wrong;
  int fd;
  do fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}
int32_t clinux_open_beneath(int32_t directory, const char *name, int32_t flags, uint32_t mode) {
  int32_t wrong = clinux_check_name_(name);
  if (wrong) return wrong;
  struct open_how how = {
      .flags = (uint32_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
      .mode = flags & O_CREAT ? mode : 0,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
  };
  long fd;
  do fd = syscall(SYS_openat2, directory, name, &how, sizeof how);
  while (fd < 0 && errno == EINTR);
  if (fd >= 0) return (int32_t)fd;
  int error = errno;
  return error == ENOSYS || error == EPERM ? clinux_open_beneath_walking(directory, name, flags, mode) : -error;
}
