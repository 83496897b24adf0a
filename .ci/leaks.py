"""Watches a test process from outside, and charges what it keeps to the test in which that came up."""

import json
import os
import select
import threading
from collections import defaultdict
from pathlib import Path

# A test may keep a few: shared threads and their event queues start with their first user and live on.
ALLOWED = 4
# Threads of the runtime, which come and go with the load.
RUNTIME_THREADS = ("devtunnelPackag", "NIO-", "SELECT-", "EPOLL-", "TP-#")


class Observer(threading.Thread):
    """Reads the event stream of swift-testing, and looks at the process at each begin and end of a test."""

    def __init__(self, pid, events):
        super().__init__(daemon=True)
        self.pid = pid
        self.running = "no test"
        self.leaks = []
        self._owner = {}
        self._tests = 0
        self._last = {}
        self._stop = threading.Event()
        # Opened before the process opens its end, and without waiting for it: the process may die before.
        self._fd = os.open(events, os.O_RDONLY | os.O_NONBLOCK)

    def run(self):
        pending = b""
        while not self._stop.is_set():
            if not select.select([self._fd], [], [], 0.1)[0]:
                continue
            data = os.read(self._fd, 1 << 16)
            if not data:
                self._stop.wait(0.02)
                continue
            *complete, pending = (pending + data).split(b"\n")
            for line in complete:
                if line:
                    self._handle(json.loads(line))

    def finish(self):
        """Ends the reading. `leaks` has what was left when the last test ended."""
        self._stop.set()
        self.join()
        os.close(self._fd)
        kept = defaultdict(list)
        for key in self._last:
            kept[self._owner[key]].append(key)
        for test, keys in sorted(kept.items()):
            if test and len(keys) > ALLOWED:
                self.leaks.append(f"{test} left {summary(keys)}")

    def _handle(self, record):
        payload = record.get("payload", {})
        kind = payload.get("kind") if record.get("kind") == "event" else None
        if kind not in ("testStarted", "testEnded", "runEnded"):
            return
        test = payload.get("testID", "")
        # Suites begin and end too; a test's function has parentheses in its name.
        if kind == "testStarted" and "(" in test:
            self.running = test.rsplit("/", 1)[0] if ".swift:" in test else test
        self._sample(self.running)

    def _sample(self, test):
        now = self._look()
        for key in now:
            self._owner.setdefault(key, test)
        # A number that was free in between belongs to its next user.
        for key in self._last.keys() - now.keys():
            self._owner.pop(key, None)
        if now:
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
                    if not name.startswith(RUNTIME_THREADS):
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
    counts = defaultdict(int)
    for kind, _, what in keys:
        counts[kind, what.split(":[")[0]] += 1
    return ", ".join(f"{count} {kind}{'s' * (count > 1)} ({what})" for (kind, what), count in sorted(counts.items()))
