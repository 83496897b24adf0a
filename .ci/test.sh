# shellcheck shell=bash disable=SC2154
# Sourced by install.sh: builds everything, runs all tests, and checks that they left nothing.

# `part` is fast or all.
packages "${build_packages[@]}" "${lab_packages[@]}" "${test_packages[@]}"
swift_is_there
kubectl_is_there
agents
export DEVTUNNEL_SHARE=$root/share/devtunnel
export DEVTUNNEL_TEST_AGENT=$DEVTUNNEL_SHARE/devtunnel-agent-amd64

# A second implementation of yamux, for the interoperability tests; they are skipped if it cannot be installed.
libp2p() {
  local python=$root/.build-venv/bin/python
  if ! "$python" -c 'import libp2p' 2>/dev/null; then
    say "installing py-libp2p into .build-venv"
    local pip=("$python" -m pip --quiet --disable-pip-version-check)
    if ! { python3 -m venv .build-venv && timeout 300 "${pip[@]}" install libp2p; } </dev/null 2>&1; then
      say "no py-libp2p: its tests will be skipped"
      return
    fi
  fi
  export DEVTUNNEL_TEST_YAMUX_PYTHON=$python
}

# gRPC's client and server, for the tests of connections that come home; they are skipped if it cannot be installed.
grpc() {
  local python=$root/.build-venv/bin/python
  if ! "$python" -c 'import grpc' 2>/dev/null; then
    say "installing grpcio into .build-venv"
    local pip=("$python" -m pip --quiet --disable-pip-version-check)
    if ! { [ -x "$python" ] || python3 -m venv .build-venv; } ||
      ! timeout 300 "${pip[@]}" install grpcio </dev/null 2>&1; then
      say "no grpcio: its tests will be skipped"
      return
    fi
  fi
  export DEVTUNNEL_TEST_GRPC_PYTHON=$python
}

# Lists things that tests could leave on the machine, one on each line.
leftovers() {
  { ls /var/run/netns 2>/dev/null || true; } | sed 's/^/network namespace /'
  sed -nE 's/^([^ ]+ ){4}([^ ]*devtunnel[^ ]*) .*/mount \2/p' /proc/self/mountinfo
  # The cgroup identifies a container's process, whatever its name; other runtimes' containers are not ours.
  grep -ls '/devtunnel-lab' /proc/[0-9]*/cgroup | sed -nE 's|^/proc/([0-9]+)/.*|process \1|p' || true
  ps -eo pid=,args= | sed -nE 's#^ *([0-9]+) [^ ]*/(devtunnel (.* )?daemon run|devtunnel-lab serve).*#process \1 \2#p'
  find /sys/fs/cgroup -maxdepth 2 -type d -name 'devtunnel-lab*' 2>/dev/null | sed 's/^/cgroup /'
}

libp2p
grpc
before=$(leftovers | sort)
say "checking format, scripts, text and links"
.ci/lint.sh

say "building everything, tests too"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# An import that no dependency declares is an error.
swift build --scratch-path "$build" --build-tests --explicit-target-dependency-import-check error 2>&1 </dev/null |
  tee "$log"
# The compiler silences warnings of dependencies, and has no option to fail for ours alone.
if grep -E "^$root/(Sources|Tests)/.*: warning: " "$log"; then fail "the sources above have warnings"; fi

say "running the tests"
# After a crash only the crashed thread is worth reading. The rest would push the reason out of a log that is cut.
export SWIFT_BACKTRACE="threads=crashed,images=none,registers=none,limit=32,${SWIFT_BACKTRACE:-}"
status=0
tests=$(swift build --scratch-path "$build" --show-bin-path)/devtunnelPackageTests.xctest
python3 .ci/suites.py "$tests" "$part" </dev/null || status=$?

# Processes that are ending get a moment.
for _ in 1 2 3 4 5; do
  left=$(comm -13 <(printf '%s\n' "$before") <(leftovers | sort))
  [ -n "$left" ] || break
  sleep 1
done
if [ -n "$left" ]; then
  printf '%s\n' "$left" >&2
  say "the tests left the above behind"
  [ $status != 0 ] || status=1
fi
exit $status
