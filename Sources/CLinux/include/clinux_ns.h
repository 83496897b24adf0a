// Network namespaces, mounts and other processes' ends: the system calls for the lab's node that Swift cannot make.
// Every function returns 0 or a descriptor, or -errno. Those that take a namespace's path enter it on a short-lived
// thread, so that the caller's thread never changes its namespace (about 50 µs).
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

/// Connects a close-on-exec, non-blocking socket to an IPv4 address (both in host byte order) from inside the
/// namespace. @return the descriptor, which the caller owns, or -errno (-ETIMEDOUT after `timeout_ms`).
int clinux_ns_connect(const char *path, uint32_t address, uint16_t port, int timeout_ms);

/// Writes to a file as the namespace sees it, as /proc/sys/net requires.
int clinux_ns_write(const char *path, const char *file, const char *text, size_t length);

/// Mounts an overlay at `target`; `options` as mount(8) takes them after -o.
int clinux_ns_mount_overlay(const char *target, const char *options);

/// Detaches the mount at `target`; it ends with its last user.
int clinux_ns_unmount(const char *target);

/// Makes orphans among this process's descendants its children from now on, so that it can wait for them.
int clinux_ns_become_subreaper(void);

/// Opens a close-on-exec descriptor that polls as readable once the process has ended.
int clinux_ns_pidfd(pid_t pid);

/// Reaps an ended child by its pidfd: either `code` is the exit status and `signal` 0, or `signal` is
/// the signal that killed it and `code` 0.
int clinux_ns_reap(int pidfd, int *code, int *signal);

/// Finds a child that has ended and was not waited for, and leaves it as it is; 0 if there is none.
pid_t clinux_ns_peek_ended_child(void);

/// Takes the exit status of an ended child and drops it.
void clinux_ns_discard_child(pid_t pid);

/// Sends a signal to the process behind a pidfd.
int clinux_ns_signal(int pidfd, int signal);

/// Makes a pipe with both ends close-on-exec; the read end does not block.
int clinux_ns_pipe(int *read_end, int *write_end);

/// Listens on a Unix socket at `path`, on which runc hands over a container's terminal (its --console-socket). The
/// caller closes it and removes `path`.
int clinux_ns_console_listen(const char *path);

/// Takes the terminal's descriptor, close-on-exec, which the caller owns; -ETIMEDOUT if none came.
int clinux_ns_console_receive(int listener, int timeout_ms);

/// Sets a terminal's size in characters.
int clinux_ns_console_resize(int console, uint16_t columns, uint16_t rows);

/// Makes a close-on-exec copy of a descriptor.
int clinux_ns_duplicate(int descriptor);

/// The hard limit for open files of this process.
uint64_t clinux_ns_open_files_limit(void);

#endif
