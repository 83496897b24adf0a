// Sockets that take traffic for other addresses (TPROXY, redirect). For the daemon; the agent leaves this file out. A
// failure is returned as -errno, EINTR is retried.
#ifndef CLINUX_TRANSPARENT_H
#define CLINUX_TRANSPARENT_H

#include "clinux.h"

/// Reads the original destination of a connection that netfilter redirected (SO_ORIGINAL_DST; -ENOENT
/// if conntrack has none).
int32_t clinux_original_destination(int32_t fd, clinux_address *address);

/// Asks for the original destination of each datagram (IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR; ip(7)).
int32_t clinux_want_destination(int32_t fd);

/// Receives one datagram with its source and its original destination (family 0 if the kernel reports none).
intptr_t clinux_receive_datagram(int32_t fd, void *data, size_t count, clinux_address *source,
                                 clinux_address *destination);

/// Sends a datagram from this address of the host (IP_PKTINFO; ip(7)), or, if its family is 0, from the
/// route's address.
intptr_t clinux_send_datagram(int32_t fd, const void *data, size_t count, const clinux_address *to,
                              const clinux_address *from);

/// Opens a raw IPv4 socket whose writer supplies the IP header (IP_HDRINCL; raw(7)). Needs CAP_NET_RAW
/// in the namespace.
int32_t clinux_raw_ip(void);

/// Begins to connect a non-blocking socket to an address, from this port of the host: SOCK_DGRAM (udp) or SOCK_STREAM.
/// -errno: -EADDRINUSE if the port is taken.
int32_t clinux_connect_from(int32_t udp, uint16_t port, const clinux_address *address);

#endif
