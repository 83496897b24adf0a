// Sockets that take other addresses' traffic (TPROXY, redirect): the daemon's alone, the agent leaves this file out.
// A failure is returned as -errno, EINTR is retried.
#ifndef CLINUX_TRANSPARENT_H
#define CLINUX_TRANSPARENT_H

#include "clinux.h"

/// Where a connection that netfilter redirected was meant for (SO_ORIGINAL_DST; -ENOENT where conntrack knows none).
int32_t clinux_original_destination(int32_t fd, clinux_address *address);

/// Asks for the original destination of each datagram (IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR; ip(7)).
int32_t clinux_want_destination(int32_t fd);

/// One datagram with its source and, where the kernel tells it, its original destination (family 0 otherwise).
intptr_t clinux_receive_datagram(int32_t fd, void *data, size_t count, clinux_address *source,
                                 clinux_address *destination);

/// Sends a datagram from this address of the host's (IP_PKTINFO; ip(7)), or from the one that the route has where its
/// family is 0.
intptr_t clinux_send_datagram(int32_t fd, const void *data, size_t count, const clinux_address *to,
                              const clinux_address *from);

/// A raw IPv4 socket whose writer gives the IP header (IP_HDRINCL; raw(7)). Needs CAP_NET_RAW in the namespace.
int32_t clinux_raw_ip(void);

/// A socket on its way to an address, from this port of the host's: SOCK_DGRAM (udp) or SOCK_STREAM, non-blocking.
/// -errno: -EADDRINUSE where the port is taken.
int32_t clinux_connect_from(int32_t udp, uint16_t port, const clinux_address *address);

#endif
