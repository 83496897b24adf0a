#!/bin/sh
# Compiles the agent: TunnelProtocol, Relay and Agent in one call, as Embedded Swift, linked statically with musl.
#   build-agent.sh OUTPUT_DIRECTORY        writes devtunnel-agent-amd64
# Needs swiftc and musl-gcc (Debian: musl-tools).
set -eu
sources=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?"usage: build-agent.sh OUTPUT_DIRECTORY"}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

builtin=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")/lib/clang
builtin=$(find "$builtin" -maxdepth 2 -path '*/include' | head -n 1)
find "$sources/TunnelProtocol" "$sources/Relay" "$sources/Agent" -name '*.swift' | sort >"$work/files"
swiftc -enable-experimental-feature Embedded -wmo -Osize -swift-version 6 -target x86_64-unknown-none-elf -Xfrontend -function-sections -enforce-exclusivity=unchecked -parse-as-library -module-name Agent \
  -Xcc -nostdinc -Xcc -isystem -Xcc /usr/include/x86_64-linux-musl -Xcc -isystem -Xcc "$builtin" \
  -Xcc -ffunction-sections -Xcc -fdata-sections -I "$sources/CLinux/include" -c "@$work/files" -o "$work/agent.o"
# What Swift's runtime wants of libc and musl lacks.
cat >"$work/shim.c" <<'C'
#include <sys/syscall.h>
#include <unistd.h>
void arc4random_buf(void *data, unsigned long count) { syscall(SYS_getrandom, data, count, 0); }
int devtunnel_agent_main(int, char **);
int main(int count, char **arguments) { return devtunnel_agent_main(count, arguments); }
C
musl-gcc -static -no-pie -Os -s -ffunction-sections -fdata-sections -Wl,--gc-sections -I "$sources/CLinux/include" \
  -o "$work/agent" "$work/agent.o" "$work/shim.c" "$sources/CLinux/clinux.c"
mv "$work/agent" "$out/devtunnel-agent-amd64"
