"""Watches a test process from outside, and charges what it keeps to the test in which that came up."""

import fcntl
import json
import os
import re
import select
import signal
import threading
from collections import Counter, defaultdict
from pathlib import Path

# A test may keep some: shared threads and their event queues start with their first user and live on, and an object
# that closes its sockets may live as long as the process does. Beyond these, and with any child process, it fails.
ALLOWED = {"descriptor": 64, "thread": 8, "process": 0}
# Threads of the runtime, which come and go with the load. The kernel keeps 15 letters of a name.
RUNTIME_THREADS = re.compile(r"devtunnelPackag|NIO-|SELECT-|EPOLL-|TP-#|.*(qos|overcommit)")

NO_TEST = "no test"
# A thing is left if so many later tests ended and it was still there. One look may come late, while the next test
# runs.
LATER_TESTS = 3
# The pipe's size, the smallest one: the tests wait for whoever reads.
PIPE_BYTES = 4096


class Observer(threading.Thread):
    """Reads the event stream of swift-testing, and looks at the process at each end of a test."""

    def __init__(self, pid, events):
        super().__init__(daemon=True)
        self.pid = pid
        self.running = NO_TEST
        self.leaks = []
        self._owner = {}
        self._seen = Counter()
        self._last = {}
        self._done = threading.Event()
        # Opened before the process opens its end, and without waiting for it: the process may die before.
        self._fd = os.open(events, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def run(self):
        pending = b""
        while not self._done.is_set():
            if not select.select([self._fd], [], [], 0.1)[0]:
                continue
            data = os.read(self._fd, 1 << 16)
            if not data:
                self._done.wait(0.02)
                continue
            *complete, pending = (pending + data).split(b"\n")
            for line in complete:
                # The tests wait for whoever reads: a fault of this check must not stop the reading.
                try:
                    if line:
                        self._handle(json.loads(line))
                except Exception as error:
                    self.leaks.append(f"the leak check failed in {self.running}: {error!r}")

    def finish(self):
        """Ends the reading. `leaks` has what was left when the last test ended."""
        self._done.set()
        self.join()
        os.close(self._fd)
        kept = defaultdict(list)
        for key in self._last:
            if self._seen[key] > LATER_TESTS:
                kept[self._owner[key]].append(key)
        for test, keys in sorted(kept.items()):
            counts = Counter(kind for kind, _, _ in keys)
            if test != NO_TEST and any(counts[kind] > most for kind, most in ALLOWED.items()):
                self.leaks.append(f"{test} left {summary(keys)}")

    def _handle(self, record):
        payload = record.get("payload", {})
        kind = payload.get("kind") if record.get("kind") == "event" else None
        if kind not in ("testStarted", "testEnded", "runEnded"):
            return
        test = payload.get("testID", "")
        # Suites begin and end too; a test's function has parentheses in its name.
        if kind == "testStarted":
            if "(" in test:
                self.running = test.rsplit("/", 1)[0] if ".swift:" in test else test
            return
        # The process waits meanwhile, or the next test would open its own.
        try:
            os.kill(self.pid, signal.SIGSTOP)
            try:
                self._sample(self.running)
            finally:
                os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def _sample(self, test):
        now = self._look()
        # The process has ended.
        if not now:
            return
        for key in now:
            self._owner.setdefault(key, test)
        # A number that was free in between belongs to its next user.
        for key in self._last.keys() - now.keys():
            self._owner.pop(key, None)
            self._seen.pop(key, None)
        self._seen.update(now.keys())
        self._last = now

    def _look(self):
        """The descriptors, threads and children of the process, each by a name of its own."""
        found = {}
        process = Path("/proc", str(self.pid))
        try:
            for entry in os.listdir(process / "fd"):
                try:
                    found["descriptor", entry, os.readlink(process / "fd" / entry)] = True
                except OSError:
                    pass
            for entry in os.listdir(process / "task"):
                try:
                    name = (process / "task" / entry / "comm").read_text().strip()
                    if not RUNTIME_THREADS.match(name):
                        found["thread", entry, name] = True
                    for child in (process / "task" / entry / "children").read_text().split():
                        found["process", child, Path("/proc", child, "comm").read_text().strip()] = True
                except OSError:
                    pass
        except OSError:
            return {}
        return found


def summary(keys):
    """Counts by kind and what it is, as in: 12 descriptors (socket), 1 thread (relay)."""
    counts = Counter((kind, what.split(":[")[0]) for kind, _, what in keys)
    return ", ".join(f"{count} {kind}{'s' * (count > 1)} ({what})" for (kind, what), count in sorted(counts.items()))
