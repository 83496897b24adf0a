// What the control socket and the detached daemon need of Linux and that Swift's Glibc module hides behind _GNU_SOURCE.
// A failure is returned as -errno, EINTR is retried; every descriptor is close-on-exec.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- Unix stream sockets, non-blocking.
// Binds and listens; the file gets mode 0600 from its first moment. An old file of that name must be gone.
// -ENAMETOOLONG: over 107 bytes.
int32_t ccontrol_listen(const char *path);
int32_t ccontrol_connect(const char *path);
// The next connection, or -EAGAIN.
int32_t ccontrol_accept(int32_t fd);
// The uid of the process at the other end (SO_PEERCRED, unix(7)): 0, or -errno.
int32_t ccontrol_peer_uid(int32_t fd, uint32_t *uid);
intptr_t ccontrol_send(int32_t fd, const void *data, size_t count);
intptr_t ccontrol_receive(int32_t fd, void *data, size_t count);
int32_t ccontrol_shutdown_write(int32_t fd);
int32_t ccontrol_pair(int32_t *both);
void ccontrol_close(int32_t fd);

// ---- Waiting.
int32_t ccontrol_eventfd(void);
void ccontrol_signal(int32_t eventfd);
void ccontrol_drain(int32_t eventfd);
enum { ccontrol_readable = 1, ccontrol_writable = 2, ccontrol_woken = 4 };
// Waits for what `interest` names of fd, or for the eventfd; fd may be -1. Returns a set of the flags above; a hang-up
// counts as what was asked for.
int32_t ccontrol_wait(int32_t fd, int32_t interest, int32_t eventfd);

// ---- Files and processes.
int32_t ccontrol_open_append(const char *path);
// Opens (0600) and locks the whole file for this process: the descriptor, or -EWOULDBLOCK where another one holds it.
int32_t ccontrol_lock(const char *path);
// Starts a program in a session of its own, with stdin from /dev/null, stdout and stderr to `output`, cwd /, no other
// descriptors, and every signal at its default. Returns its pid.
int32_t ccontrol_spawn_detached(const char *path, char *const arguments[], int32_t output);
// Becomes another program, with no signal blocked, and SIGINT, SIGTERM and SIGPIPE at their defaults. Comes back only
// with -errno.
int32_t ccontrol_execute(const char *path, char *const arguments[], char *const environment[]);
// Whether the child has ended: 1 (status as waitpid gives it), 0, or -errno.
int32_t ccontrol_has_ended(int32_t pid, int32_t *status);
// Gives the program's own unwritten pages, which the kernel has again in its cache, and free heap back: what starting
// has touched is more than what is needed afterwards. Pages still in use come back at the next access, without reading
// (madvise(2), MADV_DONTNEED; malloc_trim(3)).
void ccontrol_release_memory(void);
// Asks at the process' terminal (/dev/tty) and reads a line into `out`, without its end; unseen unless `echo`. Its
// length, or -errno.
intptr_t ccontrol_ask(const char *question, int echo, char *out, size_t capacity);
// SIGTERM for this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG); kept by exec.
void ccontrol_end_with_parent(void);
// The columns of the terminal at fd, 0 where it has none.
int32_t ccontrol_columns(int32_t fd);
// Its rows, 0 where it has none.
int32_t ccontrol_rows(int32_t fd);
// The GNU build id of the running executable, from its ELF notes: its length, 0 where the linker wrote none.
size_t ccontrol_build_id(uint8_t *out, size_t capacity);
