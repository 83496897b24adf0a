#define _GNU_SOURCE
#include "clinux_transparent.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h give both this number.
#define CLINUX_ORIGINAL_DST 80
#ifndef IP_RECVORIGDSTADDR
#define IP_RECVORIGDSTADDR 20
#endif
#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#endif

// In clinux.c.
socklen_t clinux_to_sockaddr_(const clinux_address *address, struct sockaddr_storage *out);

static void from_sockaddr(const void *in, clinux_address *address) {
  const struct sockaddr *any = in;
  memset(address, 0, sizeof *address);
  if (any->sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = in;
    address->family = 6;
    address->port = ntohs(six->sin6_port);
    memcpy(address->bytes, &six->sin6_addr, 16);
  } else if (any->sa_family == AF_INET) {
    const struct sockaddr_in *four = in;
    address->family = 4;
    address->port = ntohs(four->sin_port);
    memcpy(address->bytes, &four->sin_addr, 4);
  }
}

int32_t clinux_original_destination(int32_t fd, clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  memset(&storage, 0, sizeof storage);
  if (getsockopt(fd, IPPROTO_IP, CLINUX_ORIGINAL_DST, &storage, &length) < 0) {
    int error = errno;
    length = sizeof storage;
    if (getsockopt(fd, IPPROTO_IPV6, CLINUX_ORIGINAL_DST, &storage, &length) < 0) return -error;
  }
  from_sockaddr(&storage, address);
  return 0;
}

int32_t clinux_want_destination(int32_t fd) {
  int on = 1, domain = 0;
  socklen_t length = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return -errno;
  if (setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof on) < 0 && domain == AF_INET) return -errno;
  if (domain == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof on) < 0) return -errno;
  return 0;
}

intptr_t clinux_receive_datagram(int32_t fd, void *data, size_t count, clinux_address *source,
                                 clinux_address *destination) {
  struct sockaddr_storage peer;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct sockaddr_in)) + CMSG_SPACE(sizeof(struct sockaddr_in6))];
  } control;
  struct iovec part = {.iov_base = data, .iov_len = count};
  struct msghdr message = {.msg_name = &peer,
                           .msg_namelen = sizeof peer,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t received;
  do received = recvmsg(fd, &message, 0);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  from_sockaddr(&peer, source);
  memset(destination, 0, sizeof *destination);
  for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    if ((item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVORIGDSTADDR) ||
        (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVORIGDSTADDR))
      from_sockaddr(CMSG_DATA(item), destination);
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      destination->family = 4;
      memcpy(destination->bytes, &((struct in_pktinfo *)CMSG_DATA(item))->ipi_addr, 4);
    }
  }
  return received;
}

intptr_t clinux_send_datagram(int32_t fd, const void *data, size_t count, const clinux_address *to,
                              const clinux_address *from) {
  struct sockaddr_storage peer;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
  } control;
  struct iovec part = {.iov_base = (void *)data, .iov_len = count};
  struct msghdr message = {
      .msg_name = &peer, .msg_namelen = clinux_to_sockaddr_(to, &peer), .msg_iov = &part, .msg_iovlen = 1};
  if (from->family == 4) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    control.header.cmsg_level = IPPROTO_IP;
    control.header.cmsg_type = IP_PKTINFO;
    control.header.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    memcpy(&((struct in_pktinfo *)CMSG_DATA(&control.header))->ipi_spec_dst, from->bytes, 4);
  }
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

int32_t clinux_raw_ip(void) {
  int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  return fd < 0 ? -errno : fd;
}

int32_t clinux_connect_from(int32_t udp, uint16_t port, const clinux_address *address) {
  clinux_address own = {.family = address->family, .port = port};
  struct sockaddr_storage from, to;
  socklen_t from_length = clinux_to_sockaddr_(&own, &from), to_length = clinux_to_sockaddr_(address, &to);
  int fd = socket(to.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&from, from_length) == 0 &&
      (connect(fd, (struct sockaddr *)&to, to_length) == 0 || errno == EINPROGRESS))
    return fd;
  int error = errno;
  close(fd);
  return -error;
}
