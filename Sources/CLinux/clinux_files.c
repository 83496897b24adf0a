#define _GNU_SOURCE
#include "clinux_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const int32_t clinux_ENOENT = ENOENT;
const int32_t clinux_ENOTDIR = ENOTDIR;

static void clinux_describe_(const struct stat *status, clinux_file *file) {
  file->kind = S_ISREG(status->st_mode) ? 'f' : S_ISDIR(status->st_mode) ? 'd' : S_ISLNK(status->st_mode) ? 'l' : 0;
  file->mode = status->st_mode & 07777;
  file->size = (uint64_t)status->st_size;
  file->modified = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}
int32_t clinux_file_at(const char *path, clinux_file *file) {
  struct stat status;
  if (lstat(path, &status) < 0) return -errno;
  clinux_describe_(&status, file);
  return 0;
}
static int clinux_open_(const char *path, int flags) {
  int fd;
  do fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}
int32_t clinux_file_open(const char *path, clinux_file *file) {
  int fd = clinux_open_(path, 0);
  if (fd < 0) return fd;
  struct stat status;
  int error = fstat(fd, &status) < 0 ? errno : S_ISREG(status.st_mode) ? 0 : EINVAL;
  if (error) {
    close(fd);
    return -error;
  }
  clinux_describe_(&status, file);
  return fd;
}
intptr_t clinux_file_link(const char *path, void *target, size_t capacity) {
  ssize_t count = readlink(path, target, capacity);
  return count < 0 ? -errno : count;
}
int32_t clinux_directory_open(const char *path, clinux_directory **directory) {
  int fd = clinux_open_(path, O_DIRECTORY);
  if (fd < 0) return fd;
  DIR *opened = fdopendir(fd);
  if (!opened) {
    int error = errno;
    close(fd);
    return -error;
  }
  *directory = (clinux_directory *)opened;
  return 0;
}
intptr_t clinux_directory_next(clinux_directory *directory, void *name, size_t capacity) {
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir((DIR *)directory);
    if (!entry) return -errno;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    size_t count = strlen(entry->d_name);
    if (count > capacity) return -ENAMETOOLONG;
    memcpy(name, entry->d_name, count);
    return (intptr_t)count;
  }
}
void clinux_directory_close(clinux_directory *directory) { closedir((DIR *)directory); }
