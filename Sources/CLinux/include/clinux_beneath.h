// One entry of a directory, opened by its name alone: the daemon's, the agent leaves this file out.
// A failure is returned as -errno, EINTR is retried.
#ifndef CLINUX_BENEATH_H
#define CLINUX_BENEATH_H

#include <stdint.h>

/// openat(2) of one name in a directory. A link is never followed, the last one neither, and nothing outside of the
/// directory is opened: the kernel refuses it (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); where it knows no
/// openat2, or a filter forbids that (ENOSYS, EPERM), `clinux_open_beneath_walking` does the same.
/// @return a close-on-exec descriptor, which the caller owns, or -errno: -EXDEV for a name with a slash or for `..`,
/// -ELOOP or -ENOTDIR for a link.
int32_t clinux_open_beneath(int32_t directory, const char *name, int32_t flags, uint32_t mode);

/// The same by openat(2) with O_NOFOLLOW.
int32_t clinux_open_beneath_walking(int32_t directory, const char *name, int32_t flags, uint32_t mode);

#endif
