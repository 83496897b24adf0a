#!/usr/bin/env bash
# Compiles the agent: TunnelProtocol, Relay, HTTPMessages and Agent in one call, as Embedded Swift, linked with musl.
#   build-agent.sh [--fetch] [--arch amd64|arm64] OUTPUT_DIRECTORY
# Writes devtunnel-agent-amd64 and devtunnel-agent-arm64. Without --arch, every architecture is built whose musl is at
# hand. Needs the Swift toolchain, which brings clang and ld.lld.
#
# musl's and libgcc's files of an architecture (Debian: musl-dev, libgcc-NN-dev) are looked for under
#   $DEVTUNNEL_SYSROOT_AMD64, $DEVTUNNEL_SYSROOT_ARM64; ${XDG_CACHE_HOME:-~/.cache}/devtunnel/ARCH; /
# --fetch downloads what is missing into the second of these with apt-get, from the package sources the system has; the
# system's own architectures and packages stay as they are.
set -eu
sources=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/devtunnel
usage() { sed -n '3s/^#   /usage: /p' "$0" >&2; exit 2; }
fail() { echo "build-agent.sh: $*" >&2; exit 1; }

fetch=no wanted='' out=''
while [ $# -gt 0 ]; do
  case $1 in
    --fetch) fetch=yes ;;
    --arch) [ $# -gt 1 ] || usage; shift; case $1 in amd64 | arm64) wanted=$1 ;; *) usage ;; esac ;;
    -*) usage ;;
    *) [ -z "$out" ] || usage; out=$1 ;;
  esac
  shift
done
[ -n "$out" ] || usage
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

toolchain=$(dirname "$(readlink -f "$(command -v swiftc)")") || fail "swiftc is not in PATH"
builtin=$(find "$toolchain/../lib/clang" -maxdepth 2 -path '*/include' | head -n 1)
# Quoted: a folder's name may have spaces.
find "$sources"/{TunnelProtocol,Relay,HTTPMessages,Agent} -name '*.swift' | sort | sed 's/.*/"&"/' >"$work/files"
# A libc function that musl has too large.
cat >"$work/shim.c" <<'C'
#include <stdlib.h>
// Swift's runtime allocates by this. Nothing here needs more than malloc's alignment, and musl's takes 1 KB.
int posix_memalign(void **out, size_t alignment, size_t size) {
  if (alignment > 16) __builtin_trap();
  *out = malloc(size);
  return *out ? 0 : 12;
}
int devtunnel_agent_main(int, char **);
int main(int count, char **arguments) { return devtunnel_agent_main(count, arguments); }
C

cpu() { case $1 in amd64) echo x86_64 ;; arm64) echo aarch64 ;; esac; }

libgcc() {
  find "$1/usr/lib/gcc/$2-linux-gnu" "$1/usr/lib/gcc-cross/$2-linux-gnu" -maxdepth 2 -name libgcc.a 2>/dev/null |
    sort -V | tail -n 1
}

# Prints the directory that has an architecture's files.
sysroot() {
  case $1 in amd64) named=${DEVTUNNEL_SYSROOT_AMD64:-} ;; arm64) named=${DEVTUNNEL_SYSROOT_ARM64:-} ;; esac
  for root in ${named:+"$named"} "$cache/$1" /; do
    if [ -e "$root/usr/lib/$(cpu "$1")-linux-musl/libc.a" ] && [ -n "$(libgcc "$root" "$(cpu "$1")")" ]; then
      echo "$root"
      return
    fi
  done
  return 1
}

# Downloads an architecture's files with an apt state of its own.
fetch() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    fail "--fetch needs apt-get and dpkg-deb; or set DEVTUNNEL_SYSROOT_*"
  fi
  state=$work/apt-$1
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/packages"
  : >"$state/status"
  set -- "$1" -qq -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" \
    -o "APT::Architecture=$1" -o "APT::Architectures=$1" -o APT::Sandbox::User="$(id -un)"
  arch=$1
  shift
  apt-get "$@" update || fail "apt-get update for $arch failed"
  gcc=$(apt-cache "$@" pkgnames libgcc- | grep -E '^libgcc-[0-9]+-dev$' | sort -V | tail -n 1)
  (cd "$state/packages" && apt-get "$@" download musl-dev "${gcc:-libgcc-dev}") ||
    fail "the system's package sources have no musl-dev and libgcc for $arch: unpack them and set DEVTUNNEL_SYSROOT_*"
  for package in "$state/packages"/*.deb; do dpkg-deb -x "$package" "$state/root"; done
  rm -rf "${cache:?}/$arch"
  mkdir -p "$cache"
  mv "$state/root" "$cache/$arch"
}

# build ARCH SYSROOT
build() {
  cpu=$(cpu "$1") root=$2 object=$work/$1
  libraries=$root/usr/lib/$cpu-linux-musl
  # The toolchain's target names for the embedded standard library.
  case $1 in
    amd64) target=x86_64-unknown-none-elf outline=() ;;
    arm64) target=aarch64-none-none-elf outline=(-mno-outline-atomics) ;;
  esac
  headers=(-nostdinc -isystem "$root/usr/include/$cpu-linux-musl" -isystem "$builtin")
  sections=(-ffunction-sections -fdata-sections)
  importer=()
  for flag in "${headers[@]}" "${sections[@]}"; do importer+=(-Xcc "$flag"); done
  # Linked as bitcode, so that the linker drops unused code, methods included, and C functions join their callers:
  # 9 KB of 128. Copies of functions for each closure that they are called with would take 3 KB.
  swiftc -enable-experimental-feature Embedded -wmo -Osize -swift-version 6 -target "$target" \
    -lto=llvm-full -Xllvm -sil-disable-pass=closure-specialize -enforce-exclusivity=unchecked -parse-as-library \
    -module-name Agent \
    "${importer[@]}" -I "$sources/CLinux/include" -c "@$work/files" -o "$object.swift.o"
  for file in "$work/shim.c" "$sources/CLinux/clinux.c" "$sources/CLinux/clinux_files.c"; do
    "$toolchain/clang" --target="$target" "${headers[@]}" "${outline[@]}" -Oz -flto=full -fno-pic "${sections[@]}" \
      -fno-asynchronous-unwind-tables -I "$sources/CLinux/include" -c "$file" -o "$object.$(basename "$file").o"
  done
  # One page-aligned segment less, equal functions and sequences once, and no table of sections: 20 KB of 270.
  local smaller=(-z noseparate-code -z nosectionheader --icf=all -mllvm -enable-machine-outliner=always)
  "$toolchain/ld.lld" -static -s --gc-sections "${smaller[@]}" -o "$object" \
    "$libraries/crt1.o" "$libraries/crti.o" "$object".*.o \
    --start-group "$libraries/libc.a" "$(libgcc "$root" "$cpu")" --end-group "$libraries/crtn.o"
  mv "$object" "$out/devtunnel-agent-$1"
  echo "$out/devtunnel-agent-$1"
}

built=0
for arch in ${wanted:-amd64 arm64}; do
  if ! root=$(sysroot "$arch"); then
    if [ "$fetch" = no ]; then
      echo "build-agent.sh: no devtunnel-agent-$arch: its musl and libgcc were not found (--fetch downloads them)" >&2
      [ -z "$wanted" ] || exit 1
      continue
    fi
    fetch "$arch"
    root=$(sysroot "$arch") || fail "the packages fetched for $arch lack libc.a or libgcc.a"
  fi
  build "$arch" "$root"
  built=$((built + 1))
done
[ "$built" -gt 0 ]
