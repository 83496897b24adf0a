// The Linux calls of the shell's helper and its channel that Swift cannot make: namespaces, mounts, passed descriptors,
// transparent sockets, fork. A failure is returned as -errno, EINTR is retried; every descriptor is close-on-exec. IPv4
// addresses are in host byte order.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- Namespaces, see unshare(2), user_namespaces(7).
enum { cshell_new_user = 1, cshell_new_mount = 2, cshell_new_net = 4, cshell_new_uts = 8 };
// Moves this single-threaded process into new namespaces. -EINVAL with cshell_new_user: the process has threads.
int cshell_unshare(int what);
int cshell_set_hostname(const char *name);
// Writes all of it in one write(2), as /proc wants it.
int cshell_write_file(const char *path, const char *text);
// Reads at most `capacity` bytes; returns their number.
intptr_t cshell_read_file(const char *path, void *data, size_t capacity);
// Returns 1 if no mount begins at this process's root, as after chroot(2), which rules out a user namespace; else 0.
int cshell_is_chrooted(void);

// ---- Network set-up.
int cshell_link_up(const char *name);
// protocol: 0 NETLINK_ROUTE, 12 NETLINK_NETFILTER.
int cshell_netlink(int protocol);

// ---- Sockets of the shell, non-blocking.
enum { cshell_transparent = 1, cshell_original_destination = 2, cshell_packet_info = 4, cshell_shared = 8 };
// A socket bound to an address; a TCP socket listens. Port 0: the kernel's choice.
int cshell_bound(int udp, uint32_t address, uint16_t port, int options);
int cshell_bound6(int udp, const uint8_t address[16], uint16_t port, int options);
// A TCP socket that is neither bound nor connected; family 4 or 6.
int cshell_unconnected(int family);
// Sends whole IPv4 packets, header and all, and receives none.
int cshell_raw(void);
int cshell_connect(int fd, uint32_t address, uint16_t port);
// IPv4 only.
int cshell_local_address(int fd, uint32_t *address, uint16_t *port);

// ---- Unix sockets that keep message borders, non-blocking once connected, see unix(7).
// The file gets mode 0600 from its first moment; one of that name must be gone. -ENAMETOOLONG: over 107 bytes.
int cshell_listen(const char *path);
int cshell_connect_unix(const char *path);
int cshell_accept(int fd);
int cshell_pair(int both[2]);
int cshell_peer(int fd, int32_t *pid, uint32_t *uid);
intptr_t cshell_send_message(int fd, const void *data, size_t count, const int *fds, size_t fd_count);
// Returns the size of the message, 0 at the end of the stream, and the descriptors that came with it (at most
// `fd_capacity`, rest closed by the kernel). `truncated` is 1 if message or descriptors did not fit.
intptr_t cshell_receive_message(int fd, void *data, size_t capacity, int *fds, size_t fd_capacity, size_t *fd_count,
                                int *truncated);

// ---- Mounts, see mount(2).
// Keeps later mounts of this namespace out of others; those of the host still come in.
int cshell_mounts_are_our_own(void);
int cshell_bind(const char *source, const char *target, int recursive);
// A descriptor for a copy of the mounts at `path` and below, detached until it is attached
// (open_tree(2), move_mount(2), Linux 5.2).
int cshell_clone_tree(const char *path);
int cshell_attach_tree(int tree, const char *target);
int cshell_mount_tmpfs(const char *target);
// Makes `root` the root directory; the old one is detached.
int cshell_pivot(const char *root);
// Returns a path's kind: 'd' directory, 'f' anything else, 'l' symbolic link (if `follow` is 0).
// Device and inode identify it.
int cshell_kind(const char *path, int follow, uint64_t *device, uint64_t *inode);
// A descriptor for the location alone (O_PATH).
int cshell_open_path(const char *path);
int cshell_open(const char *path);

// ---- The command.
// Makes INT, QUIT, TERM, HUP, USR1, USR2 and CHLD readable at the returned descriptor; no other signal stays blocked.
int cshell_signal_fd(void);
// Returns the next signal at that descriptor, or 0; from_kernel: 1 if the kernel sent it (a terminal).
int cshell_next_signal(int fd, int *from_kernel);
// fork(2), for a child that continues in Swift: 0 in the child.
int cshell_fork(void);
// Runs a program found by PATH in a child that ignores the signals this process was started to ignore, less SIGPIPE,
// and blocks none; the child is killed when this process ends. `arguments` ends with NULL. Returns its pid. If it
// cannot be run, the child reports the reason and exits with 127 or 126.
int cshell_spawn(char *const arguments[], const char *name);
// Returns a child's change of state, without waiting: 0 nothing new, 1 exited (value is its code), 2
// killed (value is the signal), 3 stopped.
int cshell_child_state(pid_t pid, int *value);
int cshell_wait(pid_t pid, int *value);
int cshell_stop_self(void);
// Kills this process when its parent ends.
void cshell_die_with_parent(void);

// ---- Waiting.
// Waits for any of them; `events` and `returned` as poll(2). fd -1 is skipped. Milliseconds, -1 forever.
int cshell_poll(const int *fds, const int16_t *events, int16_t *returned, size_t count, int timeout);
extern const int16_t cshell_POLLIN, cshell_POLLOUT, cshell_POLLPRI, cshell_POLLERR, cshell_POLLHUP;
uint64_t cshell_monotonic_ms(void);
