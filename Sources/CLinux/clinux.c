#define _GNU_SOURCE
#include "clinux.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

const int32_t clinux_EAGAIN = EAGAIN;
const int32_t clinux_EINPROGRESS = EINPROGRESS;
const int32_t clinux_ECONNREFUSED = ECONNREFUSED;
const int32_t clinux_ECONNRESET = ECONNRESET;
const int32_t clinux_ETIMEDOUT = ETIMEDOUT;
const int32_t clinux_EHOSTUNREACH = EHOSTUNREACH;
const int32_t clinux_ENETUNREACH = ENETUNREACH;
const int32_t clinux_EADDRINUSE = EADDRINUSE;
const int32_t clinux_EACCES = EACCES;
const int32_t clinux_EMFILE = EMFILE;
const int32_t clinux_ENFILE = ENFILE;
const int32_t clinux_EPIPE = EPIPE;
const uint32_t clinux_EPOLLIN = EPOLLIN;
const uint32_t clinux_EPOLLOUT = EPOLLOUT;
const uint32_t clinux_EPOLLRDHUP = EPOLLRDHUP;
const uint32_t clinux_EPOLLERR = EPOLLERR;
const uint32_t clinux_EPOLLHUP = EPOLLHUP;
const uint32_t clinux_EPOLLET = EPOLLET;

#define CLINUX_RETRY(call) \
  ({                       \
    __typeof__(call) r_;   \
    do r_ = (call);        \
    while (r_ < 0 && errno == EINTR); \
    r_ < 0 ? -errno : r_;  \
  })
int32_t clinux_open_for_reading(const char *path) { return CLINUX_RETRY(open(path, O_RDONLY | O_CLOEXEC)); }
intptr_t clinux_read(int32_t fd, void *data, size_t count) { return CLINUX_RETRY(read(fd, data, count)); }
intptr_t clinux_write(int32_t fd, const void *data, size_t count) { return CLINUX_RETRY(write(fd, data, count)); }
intptr_t clinux_receive(int32_t fd, void *data, size_t count) { return CLINUX_RETRY(recv(fd, data, count, 0)); }
int32_t clinux_has_bytes(int32_t fd) {
  char byte;
  return CLINUX_RETRY(recv(fd, &byte, 1, MSG_PEEK)) > 0;
}
int32_t clinux_unacknowledged(int32_t fd) {
  int count = 0;
  return ioctl(fd, TIOCOUTQ, &count) == 0 ? count : 0;
}
intptr_t clinux_receive_parts(int32_t fd, void *data, size_t count, void *rest, size_t rest_count) {
  struct iovec parts[2] = {{data, count}, {rest, rest_count}};
  return CLINUX_RETRY(readv(fd, parts, 2));
}
intptr_t clinux_send(int32_t fd, const void *data, size_t count) {
  return CLINUX_RETRY(send(fd, data, count, MSG_NOSIGNAL));
}
void clinux_close(int32_t fd) { close(fd); }
int32_t clinux_shutdown_write(int32_t fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }
void clinux_reset(int32_t fd) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(fd);
}
// ---- Sockets.
socklen_t clinux_to_sockaddr_(const clinux_address *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (address->family == 6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address->port);
    memcpy(&six->sin6_addr, address->bytes, 16);
    return sizeof *six;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  four->sin_family = AF_INET;
  four->sin_port = htons(address->port);
  memcpy(&four->sin_addr, address->bytes, 4);
  return sizeof *four;
}
static void clinux_from_sockaddr_(const struct sockaddr_storage *in, clinux_address *address) {
  memset(address, 0, sizeof *address);
  if (in->ss_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)in;
    address->family = 6;
    address->port = ntohs(six->sin6_port);
    memcpy(address->bytes, &six->sin6_addr, 16);
  } else if (in->ss_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)in;
    address->family = 4;
    address->port = ntohs(four->sin_port);
    memcpy(address->bytes, &four->sin_addr, 4);
  }
}
void clinux_no_delay(int32_t fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
int32_t clinux_tcp_listen(const clinux_address *address, int32_t backlog) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr_(address, &storage);
  int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;
  if (fd < 0) return -errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->family == 6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, (struct sockaddr *)&storage, length) < 0 || listen(fd, backlog) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}
int32_t clinux_accept(int32_t fd, clinux_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int connection = CLINUX_RETRY(accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection < 0) return connection;
  clinux_from_sockaddr_(&storage, peer);
  clinux_no_delay(connection);
  return connection;
}
int32_t clinux_tcp_connect_socket(int32_t fd, const clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr_(address, &storage);
  clinux_no_delay(fd);
  return connect(fd, (struct sockaddr *)&storage, length) < 0 && errno != EINPROGRESS ? -errno : 0;
}
int32_t clinux_tcp_connect(const clinux_address *address) {
  int fd = socket(address->family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int32_t problem = clinux_tcp_connect_socket(fd, address);
  if (problem == 0) return fd;
  close(fd);
  return problem;
}
int32_t clinux_udp_connect(const clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr_(address, &storage);
  int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&storage, length) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}
int32_t clinux_udp_bind(const clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr_(address, &storage);
  int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&storage, length) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}
intptr_t clinux_receive_from(int32_t fd, void *data, size_t count, clinux_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  intptr_t received = CLINUX_RETRY(recvfrom(fd, data, count, 0, (struct sockaddr *)&storage, &length));
  if (received >= 0) clinux_from_sockaddr_(&storage, peer);
  return received;
}
intptr_t clinux_send_to(int32_t fd, const void *data, size_t count, const clinux_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr_(peer, &storage);
  return CLINUX_RETRY(sendto(fd, data, count, MSG_NOSIGNAL, (struct sockaddr *)&storage, length));
}
int32_t clinux_socket_error(int32_t fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}
int32_t clinux_local_address(int32_t fd, clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
  clinux_from_sockaddr_(&storage, address);
  return 0;
}
int32_t clinux_set_nonblocking(int32_t fd) {
  return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
}
int32_t clinux_socketpair(int32_t *both) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) < 0 ? -errno : 0;
}
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
int32_t clinux_same_host(const clinux_address *one, const clinux_address *other) {
  return one->family == other->family && memcmp(one->bytes, other->bytes, one->family == 6 ? 16 : 4) == 0;
}
void clinux_unmap(clinux_address *address) {
  if (address->family != 6 || memcmp(address->bytes, mapped, 12) != 0) return;
  uint8_t four[16] = {address->bytes[12], address->bytes[13], address->bytes[14], address->bytes[15]};
  memcpy(address->bytes, four, 16);
  address->family = 4;
}
int32_t clinux_is_loopback(const clinux_address *address) {
  static const uint8_t one[16] = {[15] = 1};
  if (address->family == 4) return address->bytes[0] == 127;
  if (address->family != 6) return 0;
  return memcmp(address->bytes, one, 16) == 0 || (memcmp(address->bytes, mapped, 12) == 0 && address->bytes[12] == 127);
}

int32_t clinux_parse_address(const char *text, clinux_address *address) {
  if (inet_pton(AF_INET, text, address->bytes) == 1) return address->family = 4, 0;
  if (inet_pton(AF_INET6, text, address->bytes) == 1) return address->family = 6, 0;
  return -EINVAL;
}
void clinux_format_address(const clinux_address *address, char *text, size_t capacity) {
  text[0] = 0;
  inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, text, (socklen_t)capacity);
}
int32_t clinux_epoll_create(void) { return CLINUX_RETRY(epoll_create1(EPOLL_CLOEXEC)); }
int32_t clinux_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}
int32_t clinux_epoll_modify(int32_t epoll, int32_t fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}
void clinux_epoll_remove(int32_t epoll, int32_t fd) { epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }
int32_t clinux_epoll_wait(int32_t epoll, clinux_event *out, int32_t capacity, int32_t timeout) {
  struct epoll_event events[128];
  int count = epoll_wait(epoll, events, capacity < 128 ? capacity : 128, timeout);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) out[i] = (clinux_event){.token = events[i].data.u64, .events = events[i].events};
  return count;
}
int32_t clinux_eventfd(void) { return CLINUX_RETRY(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
void clinux_eventfd_signal(int32_t fd) {
  uint64_t one = 1;
  (void)!write(fd, &one, sizeof one);
}
void clinux_eventfd_drain(int32_t fd) {
  uint64_t count;
  (void)!read(fd, &count, sizeof count);
}
int32_t clinux_termination_fd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  return CLINUX_RETRY(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}
uint64_t clinux_monotonic_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}
int32_t clinux_random(void *data, size_t count) {
  return getrandom(data, count, 0) == (ssize_t)count ? 0 : -EIO;
}

int32_t clinux_open_files(uint64_t *now, uint64_t *most) {
  struct rlimit limit;
  // Not getrlimit and setrlimit: musl's bring its way to stop all threads into the agent, 2 KB.
  if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) < 0) return -errno;
  *now = limit.rlim_cur;
  *most = limit.rlim_max;
  return 0;
}
int32_t clinux_set_open_files(uint64_t now) {
  struct rlimit limit;
  if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) < 0) return -errno;
  limit.rlim_cur = now;
  return prlimit(0, RLIMIT_NOFILE, &limit, NULL) < 0 ? -errno : 0;
}
