#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
// Macros, variadic calls and flexible arrays that Swift cannot use. The library is not thread-safe: one owner calls it.

/// Events of a watched directory: entries created, written and closed, renamed or deleted in it, changed modes, and its
/// own end. No IN_MODIFY: a file is news when its writer has closed it.
static inline int cinotify_directory_events(void) {
  return IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
         IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
}

/// The name in an event, NUL-terminated; empty for the watched directory itself. In the library's static storage.
static inline const char *cinotify_name(const struct inotify_event *event) { return event->len ? event->name : ""; }

/// Makes a descriptor close-on-exec, which the library does not do for its own.
static inline int cinotify_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }

/// Waits until a descriptor is readable or `nanoseconds` have passed (-1: no limit). A signal ends it early.
static inline void cinotify_wait(int first, int second, int64_t nanoseconds) {
  struct pollfd both[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
  struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  ppoll(both, 2, nanoseconds < 0 ? NULL : &timeout, NULL);
}
