#define _GNU_SOURCE
#include "cshell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "retry.h"

const int16_t cshell_POLLIN = POLLIN, cshell_POLLOUT = POLLOUT, cshell_POLLPRI = POLLPRI, cshell_POLLERR = POLLERR,
              cshell_POLLHUP = POLLHUP;

static int changed;

int cshell_signal_fd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGQUIT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_SETMASK, &set, NULL) < 0) return -errno;
  signal(SIGPIPE, SIG_IGN);
  changed = 1;
  return RETRY(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int cshell_next_signal(int fd, int *from_kernel) {
  struct signalfd_siginfo info;
  ssize_t count = RETRY(read(fd, &info, sizeof info));
  if (count != (ssize_t)sizeof info) return 0;
  *from_kernel = info.ssi_code == SI_KERNEL;
  return (int)info.ssi_signo;
}

static void restore_signals(void) {
  if (!changed) return;
  // The helper's starter may ignore SIGPIPE, or block signals in the thread it starts programs from; the
  // command must not.
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

int cshell_fork(void) { return RETRY(fork()); }

int cshell_spawn(char *const arguments[], const char *name) {
  pid_t parent = getpid();
  pid_t child = RETRY(fork());
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(125);
  restore_signals();
  execvp(arguments[0], arguments);
  int code = errno == ENOENT ? 127 : 126;
  fprintf(stderr, "%s: cannot run %s: %s\n", name, arguments[0], strerror(errno));
  _exit(code);
}

static int state_of(const siginfo_t *info, int *value) {
  if (info->si_pid == 0) return 0;
  *value = info->si_status;
  switch (info->si_code) {
    case CLD_EXITED: return 1;
    case CLD_KILLED:
    case CLD_DUMPED: return 2;
    case CLD_STOPPED: return 3;
    default: return 0;
  }
}

int cshell_child_state(pid_t pid, int *value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int failed = RETRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG));
  return failed < 0 ? failed : state_of(&info, value);
}

int cshell_wait(pid_t pid, int *value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int failed = RETRY(waitid(P_PID, (id_t)pid, &info, WEXITED));
  return failed < 0 ? failed : state_of(&info, value);
}

int cshell_stop_self(void) { return RETRY(raise(SIGSTOP)); }

void cshell_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

int cshell_poll(const int *fds, const int16_t *events, int16_t *returned, size_t count, int timeout) {
  struct pollfd set[16];
  if (count > 16) return -EINVAL;
  for (size_t index = 0; index < count; index++)
    set[index] = (struct pollfd){.fd = fds[index], .events = events[index]};
  int ready = poll(set, count, timeout);
  // Interrupted: nothing is ready, and the caller looks at its clock.
  if (ready < 0 && errno != EINTR) return -errno;
  for (size_t index = 0; index < count; index++) returned[index] = ready < 0 ? 0 : set[index].revents;
  return ready < 0 ? 0 : ready;
}

uint64_t cshell_monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
