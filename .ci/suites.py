#!/usr/bin/env python3
"""Runs the built tests, several targets at once, each in a process of its own.

    suites.py EXECUTABLE fast   the tests that need neither root nor the lab
    suites.py EXECUTABLE all    these, and then the tests that need root or the lab, one after the other

Within a process the tests run one after the other: a descriptor, a thread or a child process that a test leaves is
charged to that test. Exits with 1 if a test failed or left something.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from leaks import Observer

# These need root, runc and a cluster of their own: one after the other, on an otherwise idle machine.
LAB = ["LabNodeTests", "LabTests"]
# Suites of other targets that need root have names that end so.
ROOT = "RootTests"
# The slowest processes start first, or the run would end with one of them alone.
SLOW = [
    "AgentTests", "OperationsTests", "OperationsTests/EndsTests", "AgentTests/SplitFaultsTests", "BastionTests",
    "SimulationTests", "KubeAPITests", "HTTPMessagesTests", "LabAPITests", "ModulesTests", "CommandsTests",
    "InterceptTests", "ShellTests",
]
# Suites that wait more than they compute run beside the rest of their target.
APART = {"AgentTests": ["SplitFaultsTests"], "OperationsTests": ["EndsTests"]}
CLOSING = re.compile(r"Test run with (\d+) tests? in \d+ suites? (passed|failed) after")
FAILED = re.compile(r"^✘ Test (?!case|run)(.*) failed after", re.M)
# Lines about what went well.
QUIET = ("◇ ", "✔ ", "↳ Testing Library", "↳ Target Platform")


@dataclass
class Run:
    """One process and its outcome."""

    name: str
    filter: str
    skip: str = ""
    tests: int = 0
    seconds: float = 0
    output: str = ""
    problems: list = field(default_factory=list)

    def perform(self, executable, limit):
        """Runs the process to its end and reads its closing line."""
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="devtunnel-tests-") as folder:
            events = Path(folder, "events")
            os.mkfifo(events)
            options = ["--testing-library", "swift-testing", "--no-parallel", "--filter", self.filter]
            options += ["--skip", self.skip] if self.skip else []
            options += ["--event-stream-output-path", str(events), "--event-stream-version", "0"]
            with open(Path(folder, "output"), "w+b") as output:
                process = subprocess.Popen(
                    [executable, *options], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
                observer = Observer(process.pid, events)
                observer.start()
                try:
                    status = process.wait(limit)
                except subprocess.TimeoutExpired:
                    process.kill()
                    status = process.wait()
                    self.problems.append(f"{self.name} was ended after {limit} s, in {observer.running}")
                observer.finish()
                output.seek(0)
                self.output = output.read().decode(errors="replace")
        self.seconds = time.monotonic() - begin
        closing = CLOSING.search(self.output)
        if closing:
            self.tests = int(closing[1])
        self.problems += [f"{self.name}: {test} failed" for test in FAILED.findall(self.output)]
        if not closing:
            self.problems.append(f"{self.name} ended with {status} in {observer.running}")
        elif status != 0 and not self.problems:
            self.problems.append(f"{self.name} ended with {status}")
        self.problems += observer.leaks
        return self


def fast_runs():
    """The processes that need neither root nor the lab: one for each folder of Tests, and one for each suite apart."""
    root = Path(__file__).resolve().parent.parent / "Tests"
    names = sorted(path.name for path in root.iterdir() if path.name.endswith("Tests")) + ["FuzzTests"]
    runs = []
    for name in [name for name in names if name not in LAB]:
        apart = APART.get(name, [])
        runs += [Run(f"{name}/{suite}", rf"^{name}\.{suite}/") for suite in apart]
        runs.append(Run(name, rf"^{name}\.", "|".join(rf"\.{suite}/" for suite in [rf"\w*{ROOT}", *apart])))
    return sorted(runs, key=lambda run: SLOW.index(run.name) if run.name in SLOW else len(SLOW))


def report(run, is_verbose):
    good = not run.problems
    print(f"{'ok' if good else 'FAILED':7}{run.name:28}{run.tests:5} tests{run.seconds:8.1f} s", flush=True)
    if is_verbose or not good:
        kept = [line for line in run.output.split("\n") if is_verbose or line.strip() and not line.startswith(QUIET)]
        print("\n".join(kept), flush=True)
    for problem in run.problems:
        print(f"    {problem}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executable")
    parser.add_argument("part", choices=["fast", "all"])
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="processes at once")
    parser.add_argument("--limit", type=float, default=1800, help="seconds that one process may take")
    parser.add_argument("--verbose", action="store_true", help="print the output of passed targets too")
    options = parser.parse_args()

    runs = []
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = [pool.submit(run.perform, options.executable, options.limit) for run in fast_runs()]
        for done in concurrent.futures.as_completed(pending):
            runs.append(done.result())
            report(runs[-1], options.verbose)
    print(f"==> without root and lab: {time.monotonic() - begin:.0f} s", flush=True)
    if options.part == "all":
        for run in [Run("with root", rf"\.\w*{ROOT}/")] + [Run(name, rf"^{name}\.") for name in LAB]:
            runs.append(run.perform(options.executable, options.limit))
            report(runs[-1], options.verbose)

    problems = [problem for run in runs for problem in run.problems]
    if problems:
        print("\n".join(["==> what failed:", *problems]))
    failed = sum(len(FAILED.findall(run.output)) for run in runs) or len(problems)
    print(f"{sum(run.tests for run in runs) - failed} passed, {failed} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
