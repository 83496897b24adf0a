#define _GNU_SOURCE
#include "clinux_ns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct job {
  const char *path;
  int (*work)(const struct job *);
  const char *file;
  const char *text;
  size_t length;
  uint32_t address;
  uint16_t port;
  int timeout_ms;
  int result;
};

static void *job_main(void *argument) {
  struct job *job = argument;
  job->result = job->work(job);
  return NULL;
}

static int job_run(struct job *job) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  int failed = pthread_create(&thread, &attributes, job_main, job);
  pthread_attr_destroy(&attributes);
  if (failed) return -failed;
  pthread_join(thread, NULL);
  return job->result;
}

static int create_work(const struct job *job) {
  int file = open(job->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) return -errno;
  close(file);
  int failed = 0;
  char own[64];
  snprintf(own, sizeof own, "/proc/self/task/%ld/ns/net", syscall(SYS_gettid));
  if (unshare(CLONE_NEWNET) < 0 || mount(own, job->path, "none", MS_BIND, NULL) < 0) failed = errno;
  if (failed) unlink(job->path);
  return -failed;
}

int clinux_ns_create(const char *path) {
  struct job job = {.path = path, .work = create_work};
  return job_run(&job);
}

int clinux_ns_delete(const char *path) {
  if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT) return -errno;
  return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int clinux_ns_enter(const char *path) {
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0) return -errno;
  int failed = setns(namespace, CLONE_NEWNET) < 0 ? errno : 0;
  close(namespace);
  return -failed;
}

static int connect_work(const struct job *job) {
  int entered = clinux_ns_enter(job->path);
  if (entered < 0) return entered;
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(job->port), .sin_addr = {htonl(job->address)}};
  int failed = 0;
  if (connect(descriptor, (struct sockaddr *)&to, sizeof to) < 0) {
    failed = errno;
    if (failed == EINPROGRESS) {
      struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
      int ready;
      do ready = poll(&wait, 1, job->timeout_ms);
      while (ready < 0 && errno == EINTR);
      socklen_t size = sizeof failed;
      failed = ready == 0 ? ETIMEDOUT : errno;
      if (ready > 0) getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
  }
  if (!failed) return descriptor;
  close(descriptor);
  return -failed;
}

int clinux_ns_connect(const char *path, uint32_t address, uint16_t port, int timeout_ms) {
  struct job job = {.path = path, .work = connect_work, .address = address, .port = port, .timeout_ms = timeout_ms};
  return job_run(&job);
}

static int write_work(const struct job *job) {
  int entered = clinux_ns_enter(job->path);
  if (entered < 0) return entered;
  int file = open(job->file, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  int failed = write(file, job->text, job->length) < 0 ? errno : 0;
  close(file);
  return -failed;
}

int clinux_ns_write(const char *path, const char *file, const char *text, size_t length) {
  struct job job = {.path = path, .work = write_work, .file = file, .text = text, .length = length};
  return job_run(&job);
}

int clinux_ns_mount_overlay(const char *target, const char *options) {
  return mount("overlay", target, "overlay", 0, options) < 0 ? -errno : 0;
}

int clinux_ns_unmount(const char *target) { return umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0; }

int clinux_ns_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0; }

int clinux_ns_pidfd(pid_t pid) {
  long descriptor = syscall(SYS_pidfd_open, pid, 0);
  return descriptor < 0 ? -errno : (int)descriptor;
}

int clinux_ns_reap(int pidfd, int *code, int *signal) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int failed;
  do failed = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 ? errno : 0;
  while (failed == EINTR);
  if (failed) return -failed;
  *code = info.si_code == CLD_EXITED ? info.si_status : 0;
  *signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
  return 0;
}

pid_t clinux_ns_peek_ended_child(void) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ? 0 : info.si_pid;
}

void clinux_ns_discard_child(pid_t pid) {
  siginfo_t info;
  waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
}

int clinux_ns_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int clinux_ns_pipe(int *read_end, int *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  *read_end = ends[0];
  *write_end = ends[1];
  return 0;
}

uint64_t clinux_ns_open_files_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 1024 : (uint64_t)limit.rlim_max;
}
