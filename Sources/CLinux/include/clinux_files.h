// Files and directories as they are, links not followed, with clinux.h's convention: a failure is returned as -errno.
// For the agent (musl) and the daemon (glibc); includes no system header of either.
#pragma once
#include <stddef.h>
#include <stdint.h>

extern const int32_t clinux_ENOENT;
extern const int32_t clinux_ENOTDIR;

typedef struct {
  // 'f' a regular file, 'd' a directory, 'l' a symbolic link, 0 anything else.
  uint8_t kind;
  // Permission bits, 07777.
  uint16_t mode;
  uint64_t size;
  // Nanoseconds since 1970.
  int64_t modified;
} clinux_file;

// Describes the entry at a path (lstat(2)).
int32_t clinux_file_at(const char *path, clinux_file *file);
// Opens a regular file for reading and describes it. Neither follows a link nor waits for a FIFO's
// writer; anything else is -EINVAL.
int32_t clinux_file_open(const char *path, clinux_file *file);
// Reads the bytes of a link's target, not terminated (readlink(2)).
intptr_t clinux_file_link(const char *path, void *target, size_t capacity);

typedef struct clinux_directory clinux_directory;
// Opens a directory, not a link to one (opendir(3)). The caller closes it.
int32_t clinux_directory_open(const char *path, clinux_directory **directory);
// Reads the next name's bytes, not terminated, without "." and ".."; 0 at the end. 255 bytes hold
// every name (NAME_MAX).
intptr_t clinux_directory_next(clinux_directory *directory, void *name, size_t capacity);
void clinux_directory_close(clinux_directory *directory);
