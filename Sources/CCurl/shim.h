#pragma once
#include <curl/curl.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// libcurl's option setters are variadic, which Swift cannot call: one shim for each type of argument.
static inline CURLcode ccurl_setopt_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_setopt_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_setopt_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_setopt_blob(CURL *handle, CURLoption option, const void *data, size_t length) {
  struct curl_blob blob = {.data = (void *)data, .len = length, .flags = CURL_BLOB_COPY};
  return curl_easy_setopt(handle, option, &blob);
}
typedef size_t (*ccurl_write_callback)(char *data, size_t size, size_t count, void *context);
static inline CURLcode ccurl_setopt_write(CURL *handle, CURLoption option, ccurl_write_callback callback) {
  return curl_easy_setopt(handle, option, callback);
}
static inline CURLcode ccurl_getinfo_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode ccurl_getinfo_offset(CURL *handle, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode ccurl_getinfo_socket(CURL *handle, curl_socket_t *value) {
  return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, value);
}
static inline CURLcode ccurl_getinfo_string(CURL *handle, CURLINFO info, char **value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLMcode ccurl_multi_setopt_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

static inline CURLcode ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
static inline CURLcode ccurl_setopt_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_setopt_list(CURL *handle, CURLoption option, struct curl_slist *list) {
  return curl_easy_setopt(handle, option, list);
}
static inline CURLcode ccurl_setopt_private(CURL *handle, void *value) {
  return curl_easy_setopt(handle, CURLOPT_PRIVATE, value);
}
static inline CURLcode ccurl_getinfo_private(CURL *handle, void **value) {
  return curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **)value);
}

/// A callback that runs about once a second during a transfer or a connect; any result but 0 ends it
/// with CURLE_ABORTED_BY_CALLBACK.
typedef int (*ccurl_progress_callback)(void *context, curl_off_t down_total, curl_off_t down_now, curl_off_t up_total,
                                       curl_off_t up_now);
static inline CURLcode ccurl_setopt_progress(CURL *handle, ccurl_progress_callback callback, void *context) {
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
  return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, callback);
}

/// A callback for each new socket before it connects; any result but CURL_SOCKOPT_OK ends the transfer.
typedef int (*ccurl_socket_callback)(void *context, curl_socket_t socket, curlsocktype purpose);
static inline CURLcode ccurl_setopt_socket(CURL *handle, ccurl_socket_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, callback);
}

/// A callback that makes each new socket; CURL_SOCKET_BAD ends the transfer.
typedef curl_socket_t (*ccurl_open_socket_callback)(void *context, curlsocktype purpose, struct curl_sockaddr *address);
static inline CURLcode ccurl_setopt_open_socket(CURL *handle, ccurl_open_socket_callback callback, void *context) {
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
  return curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, callback);
}

// For an open-socket callback: makes libcurl connect to a new listening socket of ours, whose one connection we route
// as we like. `peer` is the port that it comes from: other processes may find the listener too. Simpler sockets fail:
// libcurl 7.88 connects a connected socket in spite of CURL_SOCKOPT_ALREADY_CONNECTED, and never reuses a Unix socket
// without a path, whose address does not print.
static inline int ccurl_on_loopback(struct sockaddr_in *address) {
  socklen_t length = sizeof *address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 ||
      (bind(fd, (struct sockaddr *)address, length) == 0 && getsockname(fd, (struct sockaddr *)address, &length) == 0))
    return fd;
  close(fd);
  return -1;
}
static inline curl_socket_t ccurl_lead_to(struct curl_sockaddr *address, int *listener, uint16_t *peer) {
  struct sockaddr_in from, to;
  int fd = ccurl_on_loopback(&from);
  if (fd < 0) return CURL_SOCKET_BAD;
  *listener = ccurl_on_loopback(&to);
  if (*listener < 0 || listen(*listener, 8) < 0 || fcntl(*listener, F_SETFL, O_NONBLOCK) < 0) {
    if (*listener >= 0) close(*listener);
    close(fd);
    return CURL_SOCKET_BAD;
  }
  *peer = ntohs(from.sin_port);
  address->family = AF_INET;
  address->protocol = IPPROTO_TCP;
  address->addrlen = sizeof to;
  memcpy(&address->addr, &to, sizeof to);
  return fd;
}

static inline void ccurl_close(int fd) { close(fd); }

/// Accepts the connection from `peer`, non-blocking and close-on-exec, or returns -errno; closes others.
static inline int ccurl_take(int listener, uint16_t peer) {
  for (;;) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    int one = 1, fd = accept(listener, (struct sockaddr *)&from, &length);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) return -errno;
    if (from.sin_family == AF_INET && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && ntohs(from.sin_port) == peer) {
      fcntl(fd, F_SETFD, FD_CLOEXEC);
      fcntl(fd, F_SETFL, O_NONBLOCK);
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      return fd;
    }
    close(fd);
  }
}

/// Resumes a paused transfer; the write callback may run before this returns.
static inline CURLcode ccurl_continue(CURL *handle) { return curl_easy_pause(handle, CURLPAUSE_CONT); }

/// Takes one finished transfer: its handle and result, NULL if none is left to report.
static inline CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left))) {
    if (message->msg == CURLMSG_DONE) {
      *result = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}

// OpenSSL takes a record's head and its body by two reads of the socket, 16 KiB at a time. With read-ahead it takes the
// available bytes, up to `count`, by one. libcurl has no option for it, but hands out the SSL_CTX; the two calls are
// looked up in the OpenSSL that libcurl itself has loaded, and another TLS library is left alone. A caller that polls
// the socket must read until CURLE_AGAIN, since bytes may wait in OpenSSL (SSL_CTX_set_read_ahead(3)).
static inline CURLcode ccurl_read_ahead_(CURL *handle, void *context, void *count) {
  long (*control)(void *, int, long, void *) = (long (*)(void *, int, long, void *))dlsym(RTLD_DEFAULT, "SSL_CTX_ctrl");
  void (*buffer)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "SSL_CTX_set_default_read_buffer_len");
  (void)handle;
  if (control && buffer) {
    control(context, 41 /* SSL_CTRL_SET_READ_AHEAD */, 1, NULL);
    buffer(context, (size_t)count);
  }
  return CURLE_OK;
}
static inline void ccurl_set_read_ahead(CURL *handle, size_t count) {
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (!library || strncmp(library, "OpenSSL/", 8) != 0) return;
  curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, (void *)count);
  curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, ccurl_read_ahead_);
}
