#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const int32_t clinux_ENOENT = ENOENT;
const int32_t clinux_ENOTDIR = ENOTDIR;

// Not lstat, fstat and opendir: musl's would take 2 KB of the agent's 128. Both libraries' stat is the kernel's.
static int clinux_describe_(int fd, const char *path, clinux_file *file) {
  struct stat status;
  if (syscall(SYS_newfstatat, fd, path, &status, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0) return -errno;
  int mode = status.st_mode;
  file->kind = S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : 0;
  file->mode = mode & 07777;
  file->size = (uint64_t)status.st_size;
  file->modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
  return 0;
}
int32_t clinux_file_at(const char *path, clinux_file *file) {
  if (!*path) return -ENOENT;
  return clinux_describe_(AT_FDCWD, path, file);
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
  int problem = clinux_describe_(fd, "", file);
  if (!problem && file->kind != 'f') problem = -EINVAL;
  if (!problem) return fd;
  close(fd);
  return problem;
}
intptr_t clinux_file_link(const char *path, void *target, size_t capacity) {
  ssize_t count = readlink(path, target, capacity);
  return count < 0 ? -errno : count;
}

struct clinux_directory {
  int fd;
  long start, end;
  _Alignas(8) char entries[2048];
};
// getdents(2)
struct clinux_entry_ {
  uint64_t inode, offset;
  uint16_t size;
  uint8_t kind;
  char name[];
};
int32_t clinux_directory_open(const char *path, clinux_directory **directory) {
  int fd = clinux_open_(path, O_DIRECTORY);
  if (fd < 0) return fd;
  clinux_directory *opened = malloc(sizeof *opened);
  if (!opened) {
    close(fd);
    return -ENOMEM;
  }
  opened->fd = fd;
  opened->start = opened->end = 0;
  *directory = opened;
  return 0;
}
intptr_t clinux_directory_next(clinux_directory *directory, void *name, size_t capacity) {
  for (;;) {
    if (directory->start == directory->end) {
      directory->start = directory->end = 0;
      long count = syscall(SYS_getdents64, directory->fd, directory->entries, sizeof directory->entries);
      if (count <= 0) return count < 0 ? -errno : 0;
      directory->end = count;
    }
    const struct clinux_entry_ *entry = (const void *)(directory->entries + directory->start);
    directory->start += entry->size;
    if (!strcmp(entry->name, ".") || !strcmp(entry->name, "..")) continue;
    size_t count = strlen(entry->name);
    if (count > capacity) return -ENAMETOOLONG;
    memcpy(name, entry->name, count);
    return (intptr_t)count;
  }
}
void clinux_directory_close(clinux_directory *directory) {
  close(directory->fd);
  free(directory);
}
