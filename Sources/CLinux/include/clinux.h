// The system calls of the data path, with one convention: a failure is returned as -errno, EINTR is retried.
// Compiled against glibc (daemon) and musl (agent), so it includes only system headers that have no types of their own.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern const int32_t clinux_EAGAIN;
extern const int32_t clinux_EINPROGRESS;
extern const int32_t clinux_ECONNREFUSED;
extern const int32_t clinux_ECONNRESET;
extern const int32_t clinux_ETIMEDOUT;
extern const int32_t clinux_EHOSTUNREACH;
extern const int32_t clinux_ENETUNREACH;
extern const int32_t clinux_EADDRINUSE;
extern const int32_t clinux_EACCES;
extern const int32_t clinux_EMFILE;
extern const int32_t clinux_ENFILE;
extern const int32_t clinux_EPIPE;
extern const uint32_t clinux_EPOLLIN;
extern const uint32_t clinux_EPOLLOUT;
extern const uint32_t clinux_EPOLLRDHUP;
extern const uint32_t clinux_EPOLLERR;
extern const uint32_t clinux_EPOLLHUP;
extern const uint32_t clinux_EPOLLET;

// An IP address and port, in host byte order; family is 4, 6, or 0 for none.
typedef struct {
  uint8_t family;
  uint16_t port;
  uint8_t bytes[16];
} clinux_address;

// ---- Bytes.
int32_t clinux_open_for_reading(const char *path);
intptr_t clinux_read(int32_t fd, void *data, size_t count);
intptr_t clinux_write(int32_t fd, const void *data, size_t count);
intptr_t clinux_receive(int32_t fd, void *data, size_t count);
// Checks whether a byte waits to be received, which stays there. 1 or 0.
int32_t clinux_has_bytes(int32_t fd);
// The bytes that a TCP peer has not acknowledged, a FIN among them (tcp(7): SIOCOUTQ, which is TIOCOUTQ).
// 0 if that is not known.
int32_t clinux_unacknowledged(int32_t fd);
// Receives the next datagram: its first `count` bytes go to `data`, the others to `rest`. Returns its size (readv(2)).
intptr_t clinux_receive_parts(int32_t fd, void *data, size_t count, void *rest, size_t rest_count);
intptr_t clinux_send(int32_t fd, const void *data, size_t count);
void clinux_close(int32_t fd);
int32_t clinux_shutdown_write(int32_t fd);
// Closes with a TCP reset: undelivered bytes are dropped, and the peer gets an error.
void clinux_reset(int32_t fd);

void clinux_no_delay(int32_t fd);
// Makes a listening, non-blocking TCP socket. An IPv6 address takes IPv4 as well.
int32_t clinux_tcp_listen(const clinux_address *address, int32_t backlog);
// Accepts the next connection, non-blocking, without Nagle's delay.
int32_t clinux_accept(int32_t fd, clinux_address *peer);
// Makes a TCP socket and begins to connect it: EPOLLOUT reports the end, clinux_socket_error the result.
int32_t clinux_tcp_connect(const clinux_address *address);
// Does the same for an existing socket, such as one from another network namespace: 0, or -errno. The
// caller keeps the socket.
int32_t clinux_tcp_connect_socket(int32_t fd, const clinux_address *address);
int32_t clinux_udp_connect(const clinux_address *address);
int32_t clinux_udp_bind(const clinux_address *address);
intptr_t clinux_receive_from(int32_t fd, void *data, size_t count, clinux_address *peer);
intptr_t clinux_send_to(int32_t fd, const void *data, size_t count, const clinux_address *peer);
int32_t clinux_socket_error(int32_t fd);
int32_t clinux_local_address(int32_t fd, clinux_address *address);
int32_t clinux_set_nonblocking(int32_t fd);
int32_t clinux_socketpair(int32_t *both);
// Parses "10.0.0.1" or "::1"; the port is left alone. 0, or -EINVAL.
int32_t clinux_parse_address(const char *text, clinux_address *address);
// Checks whether only this machine reaches the address: 127.0.0.0/8, ::1, and the former mapped into IPv6. 1 or 0.
int32_t clinux_is_loopback(const clinux_address *address);
// Checks whether two addresses are the same, whatever their ports. 1 or 0.
int32_t clinux_same_host(const clinux_address *one, const clinux_address *other);
// Turns ::ffff:10.0.0.1 into 10.0.0.1; any other address stays as it is.
void clinux_unmap(clinux_address *address);
void clinux_format_address(const clinux_address *address, char *text, size_t capacity);

// ---- Waiting.
int32_t clinux_epoll_create(void);
int32_t clinux_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t token);
int32_t clinux_epoll_modify(int32_t epoll, int32_t fd, uint32_t events, uint64_t token);
void clinux_epoll_remove(int32_t epoll, int32_t fd);
typedef struct {
  uint64_t token;
  uint32_t events;
} clinux_event;
// At most 128 events; timeout in milliseconds, -1 for none.
int32_t clinux_epoll_wait(int32_t epoll, clinux_event *out, int32_t capacity, int32_t timeout);
int32_t clinux_eventfd(void);
void clinux_eventfd_signal(int32_t fd);
void clinux_eventfd_drain(int32_t fd);
// Blocks SIGTERM and SIGINT and returns a descriptor that becomes readable when one arrives.
int32_t clinux_termination_fd(void);

// ---- Limits.
// The number of descriptors that this process may have (RLIMIT_NOFILE): now, and at most.
int32_t clinux_open_files(uint64_t *now, uint64_t *most);
// Sets the number that it may have now. 0, or -errno.
int32_t clinux_set_open_files(uint64_t now);

// ---- Clock and random numbers.
uint64_t clinux_monotonic_us(void);
int32_t clinux_random(void *data, size_t count);
