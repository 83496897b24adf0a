// Network namespaces, mounts and other processes' ends: the system calls that the lab's node needs and that Swift
// cannot say. Every function returns 0 or a descriptor, or -errno. Those that take a namespace's path enter it on a
// short-lived thread of their own, so that the caller's thread never changes its namespace (about 50 µs).
#ifndef CLINUX_NS_H
#define CLINUX_NS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Makes a new network namespace and pins it at `path` (a bind mount over a file that is created here).
int clinux_ns_create(const char *path);

/// Unpins the namespace at `path`. It ends with its last process and socket.
int clinux_ns_delete(const char *path);

/// Moves the calling thread, for good, into the network namespace at `path`.
int clinux_ns_enter(const char *path);

/// A close-on-exec, non-blocking socket connected to an IPv4 address (both in host byte order) from inside the
/// namespace. @return the descriptor, which the caller owns, or -errno (-ETIMEDOUT after `timeout_ms`).
int clinux_ns_connect(const char *path, uint32_t address, uint16_t port, int timeout_ms);

/// Writes to a file as the namespace sees it: what /proc/sys/net needs.
int clinux_ns_write(const char *path, const char *file, const char *text, size_t length);

/// Mounts an overlay at `target`; `options` as mount(8) takes them after -o.
int clinux_ns_mount_overlay(const char *target, const char *options);

/// Detaches whatever is mounted at `target`; it goes away with its last user.
int clinux_ns_unmount(const char *target);

/// Orphans among this process's descendants become its children from now on, so that it can wait for them.
int clinux_ns_become_subreaper(void);

/// A close-on-exec descriptor that polls as readable once the process has ended.
int clinux_ns_pidfd(pid_t pid);

/// Reaps a child that has ended, by its pidfd. `code` is the exit status and `signal` 0, or `signal` what killed it and
/// `code` 0.
int clinux_ns_reap(int pidfd, int *code, int *signal);

/// A child that has ended and that nobody has waited for yet, left as it is; 0 where there is none.
pid_t clinux_ns_peek_ended_child(void);

/// Takes the exit status of an ended child and throws it away.
void clinux_ns_discard_child(pid_t pid);

/// Sends a signal to the process behind a pidfd.
int clinux_ns_signal(int pidfd, int signal);

/// A pipe with both ends close-on-exec; the read end does not block.
int clinux_ns_pipe(int *read_end, int *write_end);

/// A Unix socket at `path` on which runc hands over a container's terminal (its --console-socket). The caller closes it
/// and removes `path`.
int clinux_ns_console_listen(const char *path);

/// The terminal's descriptor, close-on-exec, which the caller owns; -ETIMEDOUT where none came.
int clinux_ns_console_receive(int listener, int timeout_ms);

/// Tells a terminal its size in characters.
int clinux_ns_console_resize(int console, uint16_t columns, uint16_t rows);

/// A close-on-exec copy of a descriptor.
int clinux_ns_duplicate(int descriptor);

/// The hard limit for open files of this process.
uint64_t clinux_ns_open_files_limit(void);

#endif
