#define _GNU_SOURCE
#include "clinux_ns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_ns_console_listen(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -errno;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0) {
    int error = errno;
    close(listener);
    return -error;
  }
  return listener;
}

static int wait_readable(int descriptor, int timeout_ms) {
  struct pollfd entry = {.fd = descriptor, .events = POLLIN};
  int ready;
  do ready = poll(&entry, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}

static int receive(int connection) {
  char name[4096];
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec part = {.iov_base = name, .iov_len = sizeof name};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0) return -errno;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -EPROTO;
  int console;
  memcpy(&console, CMSG_DATA(header), sizeof console);
  return console;
}

int clinux_ns_console_receive(int listener, int timeout_ms) {
  int result = wait_readable(listener, timeout_ms);
  if (result < 0) return result;
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return -errno;
  result = wait_readable(connection, timeout_ms);
  if (result == 0) result = receive(connection);
  close(connection);
  return result;
}

int clinux_ns_console_resize(int console, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_col = columns, .ws_row = rows};
  return ioctl(console, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int clinux_ns_duplicate(int descriptor) {
  int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}
