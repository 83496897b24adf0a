// Opens one entry of a directory by its name alone. For the daemon; the agent leaves this file out. A failure is
// returned as -errno, EINTR is retried.
#ifndef CLINUX_BENEATH_H
#define CLINUX_BENEATH_H

#include <stdint.h>

/// Opens one name in a directory (openat(2)). No link is followed, not even the last one, and nothing outside the
/// directory is opened: the kernel refuses it (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS). If it has no
/// openat2, or a filter forbids that (ENOSYS, EPERM), `clinux_open_beneath_walking` does the same.
/// @return a close-on-exec descriptor, which the caller owns, or -errno: -EXDEV for a name with a slash or for `..`,
/// -ELOOP or -ENOTDIR for a link.
int32_t clinux_open_beneath(int32_t directory, const char *name, int32_t flags, uint32_t mode);

/// Does the same by openat(2) with O_NOFOLLOW.
int32_t clinux_open_beneath_walking(int32_t directory, const char *name, int32_t flags, uint32_t mode);

#endif
