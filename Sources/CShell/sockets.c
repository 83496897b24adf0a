#define _GNU_SOURCE
#include "cshell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "retry.h"

enum { backlog = 1024 };

static int closing(int fd, int error) {
  close(fd);
  return error;
}

static int failed_option(int fd, int level, int name) {
  int on = 1;
  return setsockopt(fd, level, name, &on, sizeof on) < 0 ? -errno : 0;
}

static int bound(int fd, const struct sockaddr *address, socklen_t size, int udp) {
  if (bind(fd, address, size) < 0 || (!udp && listen(fd, backlog) < 0)) return closing(fd, -errno);
  return fd;
}

int cshell_bound(int udp, uint32_t address, uint16_t port, int options) {
  int fd = RETRY(socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  int failed = options & cshell_shared ? failed_option(fd, SOL_SOCKET, SO_REUSEADDR) : 0;
  if (!failed && options & cshell_transparent) failed = failed_option(fd, IPPROTO_IP, IP_TRANSPARENT);
  if (!failed && options & cshell_original_destination) failed = failed_option(fd, IPPROTO_IP, IP_RECVORIGDSTADDR);
  if (!failed && options & cshell_packet_info) failed = failed_option(fd, IPPROTO_IP, IP_PKTINFO);
  if (failed) return closing(fd, failed);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
  return bound(fd, (struct sockaddr *)&at, sizeof at, udp);
}

int cshell_bound6(int udp, const uint8_t address[16], uint16_t port, int options) {
  int fd = RETRY(socket(AF_INET6, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  int failed = failed_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (!failed && options & cshell_shared) failed = failed_option(fd, SOL_SOCKET, SO_REUSEADDR);
  if (!failed && options & cshell_transparent) failed = failed_option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT);
  if (failed) return closing(fd, failed);
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  memcpy(&at.sin6_addr, address, 16);
  return bound(fd, (struct sockaddr *)&at, sizeof at, udp);
}

int cshell_unconnected(int family) {
  return RETRY(socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int cshell_raw(void) {
  int fd = RETRY(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (fd < 0) return fd;
  int failed = failed_option(fd, IPPROTO_IP, IP_HDRINCL);
  return failed ? closing(fd, failed) : fd;
}

int cshell_connect(int fd, uint32_t address, uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
  return RETRY(connect(fd, (struct sockaddr *)&to, sizeof to));
}

int cshell_local_address(int fd, uint32_t *address, uint16_t *port) {
  struct sockaddr_in own;
  socklen_t size = sizeof own;
  if (getsockname(fd, (struct sockaddr *)&own, &size) < 0) return -errno;
  if (own.sin_family != AF_INET) return -EAFNOSUPPORT;
  *address = ntohl(own.sin_addr.s_addr);
  *port = ntohs(own.sin_port);
  return 0;
}

// ---- Unix sockets.
static int unix_address(const char *path, struct sockaddr_un *out) {
  memset(out, 0, sizeof *out);
  out->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof out->sun_path) return -ENAMETOOLONG;
  strcpy(out->sun_path, path);
  return 0;
}

int cshell_listen(const char *path) {
  struct sockaddr_un address;
  int failed = unix_address(path, &address);
  if (failed) return failed;
  int fd = RETRY(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  // The file takes the socket's own mode, less the umask (unix(7)), so no one else gets in between bind and chmod.
  fchmod(fd, 0600);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return closing(fd, -errno);
  if (chmod(path, 0600) < 0 || listen(fd, 64) < 0) return closing(fd, -errno);
  return fd;
}

int cshell_connect_unix(const char *path) {
  struct sockaddr_un address;
  int failed = unix_address(path, &address);
  if (failed) return failed;
  int fd = RETRY(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  failed = RETRY(connect(fd, (struct sockaddr *)&address, sizeof address));
  return failed < 0 ? closing(fd, failed) : fd;
}

int cshell_accept(int fd) { return RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

int cshell_pair(int both[2]) {
  return RETRY(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both));
}

int cshell_peer(int fd, int32_t *pid, uint32_t *uid) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
  *pid = peer.pid;
  *uid = peer.uid;
  return 0;
}

enum { most_passed = 64 };
union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * most_passed)];
};

intptr_t cshell_send_message(int fd, const void *data, size_t count, const int *fds, size_t fd_count) {
  if (fd_count > most_passed) return -EINVAL;
  union control control;
  struct iovec part = {(void *)data, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
  }
  return RETRY(sendmsg(fd, &message, MSG_NOSIGNAL));
}

intptr_t cshell_receive_message(int fd, void *data, size_t capacity, int *fds, size_t fd_capacity, size_t *fd_count,
                                int *truncated) {
  union control control;
  struct iovec part = {data, capacity};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  *fd_count = 0;
  *truncated = 0;
  ssize_t count = RETRY(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
  if (count < 0) return count;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t passed = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < passed; index++) {
      int one;
      memcpy(&one, CMSG_DATA(header) + index * sizeof(int), sizeof one);
      if (*fd_count < fd_capacity) {
        fds[(*fd_count)++] = one;
      } else {
        close(one);
        *truncated = 1;
      }
    }
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) *truncated = 1;
  return count;
}
