#pragma once
#include <libssh2.h>
// Macros and casts of libssh2 that Swift cannot use.

typedef ssize_t (*cssh2_receive_callback)(int socket, void *buffer, size_t length, int flags, void **abstract);
typedef ssize_t (*cssh2_send_callback)(int socket, const void *buffer, size_t length, int flags, void **abstract);

/// Makes a session whose bytes go through the two callbacks, which return -errno for a failure;
/// `context` is behind their `abstract`.
static inline LIBSSH2_SESSION *cssh2_session(void *context, cssh2_receive_callback receive, cssh2_send_callback send) {
  LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL, context);
  if (!session) return NULL;
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send);
  libssh2_session_set_blocking(session, 0);
  return session;
}

/// Makes a session for calls that need one and no connection.
static inline LIBSSH2_SESSION *cssh2_offline_session(void) { return libssh2_session_init_ex(NULL, NULL, NULL, NULL); }

static inline const char *cssh2_last_error(LIBSSH2_SESSION *session) {
  char *message = NULL;
  libssh2_session_last_error(session, &message, NULL, 0);
  return message ? message : "";
}
