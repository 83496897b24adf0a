#pragma once
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
// Macros and casts of libssh2 that Swift cannot say.

typedef ssize_t (*cssh2_receive_callback)(int socket, void *buffer, size_t length, int flags, void **abstract);
typedef ssize_t (*cssh2_send_callback)(int socket, const void *buffer, size_t length, int flags, void **abstract);

/// A session whose bytes go through the two callbacks, which answer -errno for a failure; `context` is behind their `abstract`.
static inline LIBSSH2_SESSION *cssh2_session(void *context, cssh2_receive_callback receive, cssh2_send_callback send) {
  LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL, context);
  if (!session) return NULL;
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send);
  libssh2_session_set_blocking(session, 0);
  return session;
}

/// A session for calls that need one and no connection.
static inline LIBSSH2_SESSION *cssh2_offline_session(void) { return libssh2_session_init_ex(NULL, NULL, NULL, NULL); }

static inline const char *cssh2_last_error(LIBSSH2_SESSION *session) {
  char *message = NULL;
  libssh2_session_last_error(session, &message, NULL, 0);
  return message ? message : "";
}

/// Names the calling thread, as ps and gdb show it.
static inline void cssh2_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// The next connection of a Unix socket, non-blocking and close-on-exec: -EPERM where another process made it (SO_PEERCRED, unix(7)), else -errno.
static inline int cssh2_accept_own(int listener) {
  struct { pid_t pid; uid_t uid; gid_t gid; } peer = {0, 0, 0};
  socklen_t length = sizeof peer;
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return -errno;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid != getpid()) {
    close(fd);
    return -EPERM;
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}
