#define _GNU_SOURCE
#include "ccontrol.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

#define RETRY(call)                        \
  ({                                       \
    __typeof__(call) result_;              \
    do result_ = (call);                   \
    while (result_ == -1 && errno == EINTR); \
    result_;                               \
  })

static int32_t fill(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
  strcpy(address->sun_path, path);
  return 0;
}

int32_t ccontrol_listen(const char *path) {
  struct sockaddr_un address;
  int32_t problem = fill(&address, path);
  if (problem < 0) return problem;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  // The file gets the socket's own mode (unix(7)), so no one else can connect between bind and chmod.
  if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0600) < 0 ||
      listen(fd, 128) < 0) {
    int32_t code = -errno;
    close(fd);
    return code;
  }
  return fd;
}

int32_t ccontrol_connect(const char *path) {
  struct sockaddr_un address;
  int32_t problem = fill(&address, path);
  if (problem < 0) return problem;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (RETRY(connect(fd, (struct sockaddr *)&address, sizeof address)) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
    int32_t code = -errno;
    close(fd);
    return code;
  }
  return fd;
}

int32_t ccontrol_accept(int32_t fd) {
  int connection = RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return connection < 0 ? -errno : connection;
}

int32_t ccontrol_peer_uid(int32_t fd, uint32_t *uid) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  if (credentials.uid == (uid_t)-1) return -ENOTSOCK;  // what the kernel writes for a socket that has no peer
  *uid = credentials.uid;
  return 0;
}

int32_t ccontrol_peer_pid(int32_t fd, int32_t *pid) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  if (credentials.pid <= 0) return -ENOTSOCK;
  *pid = credentials.pid;
  return 0;
}

intptr_t ccontrol_send(int32_t fd, const void *data, size_t count) {
  ssize_t sent = RETRY(send(fd, data, count, MSG_NOSIGNAL));
  return sent < 0 ? -errno : sent;
}

intptr_t ccontrol_receive(int32_t fd, void *data, size_t count) {
  ssize_t received = RETRY(recv(fd, data, count, 0));
  return received < 0 ? -errno : received;
}

int32_t ccontrol_shutdown_write(int32_t fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

int32_t ccontrol_pair(int32_t *both) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) < 0 ? -errno : 0;
}

void ccontrol_close(int32_t fd) { close(fd); }

int32_t ccontrol_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

void ccontrol_signal(int32_t fd) { (void)!eventfd_write(fd, 1); }

void ccontrol_drain(int32_t fd) {
  eventfd_t value;
  (void)!eventfd_read(fd, &value);
}

int32_t ccontrol_wait(int32_t fd, int32_t interest, int32_t eventfd) {
  short events = (interest & ccontrol_readable ? POLLIN : 0) | (interest & ccontrol_writable ? POLLOUT : 0);
  // Poll ignores -1: with no interest in fd, its hang-up would end every wait at once.
  struct pollfd both[2] = {{events ? fd : -1, events, 0}, {eventfd, POLLIN, 0}};
  if (RETRY(poll(both, 2, -1)) < 0) return -errno;
  int32_t result = 0;
  short ready = both[0].revents, over = POLLHUP | POLLERR | POLLNVAL;
  if (interest & ccontrol_readable && ready & (POLLIN | over)) result |= ccontrol_readable;
  if (interest & ccontrol_writable && ready & (POLLOUT | over)) result |= ccontrol_writable;
  if (both[1].revents) result |= ccontrol_woken;
  return result;
}

int32_t ccontrol_open_append(const char *path) {
  int fd = RETRY(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  return fd < 0 ? -errno : fd;
}

int32_t ccontrol_lock(const char *path) {
  int fd = RETRY(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd < 0) return -errno;
  if (RETRY(flock(fd, LOCK_EX | LOCK_NB)) < 0) {
    int32_t code = -errno;
    close(fd);
    return code;
  }
  return fd;
}

int32_t ccontrol_spawn_detached(const char *path, char *const arguments[], int32_t output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return -code;
  code = posix_spawnattr_init(&attributes);
  if (code) {
    posix_spawn_file_actions_destroy(&actions);
    return -code;
  }
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  pid_t pid = 0;
  // stdin comes last: `output` itself is 0 if the command was started without a stdin.
  (code = posix_spawn_file_actions_adddup2(&actions, output, 1)) ||
      (code = posix_spawn_file_actions_adddup2(&actions, output, 2)) ||
      (code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) ||
      (code = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) ||
      (code = posix_spawn_file_actions_addchdir_np(&actions, "/")) ||
      (code = posix_spawnattr_setsigmask(&attributes, &none)) ||
      (code = posix_spawnattr_setsigdefault(&attributes, &all)) ||
      (code = posix_spawnattr_setflags(&attributes,
                                       POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) ||
      (code = posix_spawn(&pid, path, &actions, &attributes, arguments, environ));
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code ? -code : pid;
}

int32_t ccontrol_execute(const char *path, char *const arguments[], char *const environment[]) {
  sigset_t none;
  sigemptyset(&none);
  int changed[] = {SIGINT, SIGTERM, SIGPIPE};
  for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) signal(changed[i], SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
  execve(path, arguments, environment);
  return -errno;
}

int32_t ccontrol_has_ended(int32_t pid, int32_t *status) {
  int value = 0;
  pid_t ended = RETRY(waitpid(pid, &value, WNOHANG));
  if (ended < 0) return -errno;
  *status = value;
  return ended == pid;
}

intptr_t ccontrol_ask(const char *question, int echo, char *out, size_t capacity) {
  int tty = RETRY(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (tty < 0) return -errno;
  struct termios before, quiet;
  int changed = !echo && tcgetattr(tty, &before) == 0;
  if (changed) {
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &quiet);
  }
  (void)!write(tty, question, strlen(question));
  ssize_t count = RETRY(read(tty, out, capacity));
  intptr_t result = count < 0 ? -errno : count;
  if (changed) {
    tcsetattr(tty, TCSAFLUSH, &before);
    (void)!write(tty, "\n", 1);
  }
  close(tty);
  while (result > 0 && (out[result - 1] == '\n' || out[result - 1] == '\r')) result--;
  return result;
}

void ccontrol_end_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGTERM); }

// More than any user or group has; one with more members is nobody's own.
enum { entry_limit = 1 << 20 };

static int32_t user(uint32_t uid, uint32_t *primary, char **name) {
  for (size_t size = 4096;; size *= 4) {
    char *memory = malloc(size);
    if (memory == NULL) return -ENOMEM;
    struct passwd entry, *found = NULL;
    int problem = getpwuid_r(uid, &entry, memory, size, &found);
    if (problem == 0 && found != NULL) {
      *primary = entry.pw_gid;
      *name = strdup(entry.pw_name);
    }
    free(memory);
    if (problem == EINTR) continue;
    if (problem == ERANGE && size < entry_limit) continue;
    if (problem != 0) return -problem;
    if (found == NULL) return -ENOENT;
    return *name == NULL ? -ENOMEM : 0;
  }
}

static int32_t group(uint32_t gid, const char *name, struct ccontrol_group *out) {
  for (size_t size = 4096;; size *= 4) {
    char *memory = malloc(size);
    if (memory == NULL) return -ENOMEM;
    struct group entry, *found = NULL;
    int problem = getgrgid_r(gid, &entry, memory, size, &found);
    if (problem == 0 && found != NULL) {
      out->has_users_name = strcmp(entry.gr_name, name) == 0;
      for (char **member = entry.gr_mem; *member != NULL; member++)
        if (strcmp(*member, name) != 0) out->has_others = 1;
    }
    free(memory);
    if (problem == EINTR) continue;
    if (problem == ERANGE && size < entry_limit) continue;
    if (problem != 0) return -problem;
    return found == NULL ? -ENOENT : 0;
  }
}

int32_t ccontrol_look_up_group(uint32_t uid, uint32_t gid, struct ccontrol_group *out) {
  memset(out, 0, sizeof *out);
  char *name = NULL;
  int32_t problem = user(uid, &out->primary, &name);
  if (problem == 0) problem = group(gid, name, out);
  if (problem == 0) {
    // group(5) does not list those whose primary group it is.
    setpwent();
    for (struct passwd *other; (other = getpwent()) != NULL;)
      if (other->pw_gid == gid && other->pw_uid != uid) out->has_others = 1;
    endpwent();
  }
  free(name);
  return problem;
}

int32_t ccontrol_has_acl(const char *path) {
  return lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

int32_t ccontrol_columns(int32_t fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

int32_t ccontrol_rows(int32_t fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_row;
}

struct build_id {
  uint8_t *out;
  size_t capacity, length;
};

// The first object that dl_iterate_phdr(3) visits is the executable.
static int visit(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  struct build_id *found = context;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_NOTE) continue;
    const uint8_t *at = (const uint8_t *)(info->dlpi_addr + header->p_vaddr), *end = at + header->p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr) *note = (const void *)at;
      const uint8_t *name = at + sizeof *note, *value = name + ((note->n_namesz + 3) & ~3u);
      at = value + ((note->n_descsz + 3) & ~3u);
      if (at > end) break;
      if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 || memcmp(name, "GNU", 4)) continue;
      found->length = note->n_descsz < found->capacity ? note->n_descsz : found->capacity;
      memcpy(found->out, value, found->length);
      return 1;
    }
  }
  return 1;
}

size_t ccontrol_build_id(uint8_t *out, size_t capacity) {
  struct build_id found = {out, capacity, 0};
  dl_iterate_phdr(visit, &found);
  return found.length;
}

static int forget(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  uintptr_t page = *(const uintptr_t *)context;
  if (!strncmp(info->dlpi_name, "linux-vdso", 10)) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || header->p_flags & PF_W) continue;
    uintptr_t start = (info->dlpi_addr + header->p_vaddr) & -page,
              end = info->dlpi_addr + header->p_vaddr + header->p_filesz;
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void ccontrol_release_memory(void) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  dl_iterate_phdr(forget, &page);
}
