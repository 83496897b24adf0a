// System calls for the control socket and the detached daemon that Swift's Glibc module hides behind _GNU_SOURCE. A
// failure is returned as -errno, EINTR is retried; every descriptor is close-on-exec.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- Unix stream sockets, non-blocking.
// Binds and listens; the file has mode 0600 from the start. An old file of that name must be gone.
// -ENAMETOOLONG: over 107 bytes.
int32_t ccontrol_listen(const char *path);
int32_t ccontrol_connect(const char *path);
// Accepts the next connection; -EAGAIN if none is waiting.
int32_t ccontrol_accept(int32_t fd);
// Writes the uid of the process at the other end (SO_PEERCRED, unix(7)). Returns 0, or -errno.
int32_t ccontrol_peer_uid(int32_t fd, uint32_t *uid);
// Writes the pid of the process at the other end: for a client, the one that listens. Returns 0, or -errno.
int32_t ccontrol_peer_pid(int32_t fd, int32_t *pid);
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
// Waits for the flags of `interest` on fd, or for the eventfd; fd may be -1. Returns a set of the flags above; a
// hang-up counts as the flags asked for.
int32_t ccontrol_wait(int32_t fd, int32_t interest, int32_t eventfd);

// ---- Files and processes.
int32_t ccontrol_open_append(const char *path);
// Opens (0600) and locks the whole file for this process: the descriptor, or -EWOULDBLOCK if another one holds it.
int32_t ccontrol_lock(const char *path);
// Starts a program in its own session, with stdin from /dev/null, stdout and stderr to `output`, cwd /, no other
// descriptors, and every signal at its default. Returns its pid.
int32_t ccontrol_spawn_detached(const char *path, char *const arguments[], int32_t output);
// Becomes another program, with no signal blocked, and SIGINT, SIGTERM and SIGPIPE at their defaults.
// Returns only on failure, with -errno.
int32_t ccontrol_execute(const char *path, char *const arguments[], char *const environment[]);
// Checks whether the child has ended: 1 (status as from waitpid), 0, or -errno.
int32_t ccontrol_has_ended(int32_t pid, int32_t *status);
// Gives back free heap and the program's own unwritten pages, which the kernel still has in its cache: starting touches
// more than is needed later. Pages still in use come back at the next access, without reading (madvise(2),
// MADV_DONTNEED; malloc_trim(3)).
void ccontrol_release_memory(void);
// Asks at the process' terminal (/dev/tty) and reads a line into `out`, without its end; unseen unless
// `echo`. Returns its length, or -errno.
intptr_t ccontrol_ask(const char *question, int echo, char *out, size_t capacity);
// Sends this process SIGTERM when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG); kept by exec.
void ccontrol_end_with_parent(void);
// A user, and a group of theirs, as passwd(5) and group(5) or another source of nsswitch.conf(5) has them.
struct ccontrol_group {
  // The user's primary group.
  uint32_t primary;
  // 1 if the group has the user's name.
  int32_t has_users_name;
  // 1 if the group lists a member other than the user, or is the primary group of another user that can be listed.
  int32_t has_others;
};
// Looks a user and a group up: 0; -ENOENT if there is no such user or no such group; or another -errno.
int32_t ccontrol_look_up_group(uint32_t uid, uint32_t gid, struct ccontrol_group *out);
// Checks whether the file has an access control list (acl(5)), for which the group's bits of its mode stand: 1 or 0.
int32_t ccontrol_has_acl(const char *path);
// The columns of the terminal at fd; 0 if it has none.
int32_t ccontrol_columns(int32_t fd);
// Its rows; 0 if it has none.
int32_t ccontrol_rows(int32_t fd);
// Writes the GNU build id of the running executable, from its ELF notes. Returns its length; 0 if the
// linker wrote none.
size_t ccontrol_build_id(uint8_t *out, size_t capacity);
