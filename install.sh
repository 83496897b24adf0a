#!/usr/bin/env bash
# Builds and installs devtunnel on Debian and Ubuntu.
#   ./install.sh [--prefix DIR] [--lab]    install what is missing, build, install (default: /usr/local); --lab: with
#                                          the pocket cluster of `devtunnel lab`
#   ./install.sh demo [--keep]             try it: a pocket cluster, a Service, and this machine answering for it
#   ./install.sh test [--fast]             build everything and run all tests; --fast: those without root and the lab
#   ./install.sh lint                      check format, scripts, text and links; builds nothing
#   ./install.sh fuzz [SECONDS] [--only PARSER] [--runs N]
#                                          give each parser random inputs for so long (default: 60)
#   ./install.sh simulate [SEEDS] [--from N] [--seed N] [--planted FAULT]
#                                          run random schedules of intercepts against a model of a cluster (default:
#                                          2000); --seed: print the log of one; --planted: with a fault put back
#   ./install.sh package                   make dist/devtunnel_VERSION_ARCH.deb and a tarball
#   ./install.sh uninstall [--prefix DIR]
# Steps that have nothing to do are quiet. DEVTUNNEL_BUILD names the build folder (default: .build).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
root=$PWD
build=${DEVTUNNEL_BUILD:-.build}
prefix=/usr/local
keep=no
part=all
lab=no
seconds=60
only=
runs=

say() { printf '==> %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '/^# Builds/,/^# Steps/s/^#   /  /p' "$0"; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  have sudo || fail "this step needs root, and there is no sudo: $*"
  sudo "$@"
}

# quietly TITLE COMMAND…: prints one line; if the command fails, its output too.
quietly() {
  say "$1"
  shift
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "failed: $*"
  fi
  rm -f "$log"
}

# ---- Packages and programs that the machine must have.

build_packages=(
  build-essential ca-certificates libcurl4-openssl-dev libinotifytools0-dev libssh2-1-dev libyaml-dev musl-tools
  pkg-config python3 zlib1g-dev
)
lab_packages=(buildah busybox-static curl iproute2 nftables openssl runc util-linux)
test_packages=(dnsutils openssh-client openssh-server python3-venv shellcheck)

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

packages() {
  if ! have dpkg-query || ! have apt-get; then say "not a Debian system: install the like of $*"; return; fi
  local missing=() package
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt "${missing[@]}"
}

apt() {
  local options=(-qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends)
  # Package lists may be absent or old; they are fetched only if they are needed.
  if ! apt-get -qq --simulate install "$@" >/dev/null 2>&1; then quietly "apt-get update" as_root apt-get -qq update; fi
  quietly "apt-get install $*" as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install "$@"
}

swift_is_there() {
  have swift || fail "swift is not in PATH: install Swift 6.1 or newer from https://www.swift.org/install/linux/"
  local version
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
  read -r major minor <<<"$version"
  if [ "${major:-0}" -lt 6 ] || { [ "$major" = 6 ] && [ "$minor" -lt 1 ]; }; then
    fail "Swift 6.1 or newer is needed, this is ${major:-?}.${minor:-?}"
  fi
}

# The test suite drives the lab with kubectl if it is installed.
kubectl_is_there() {
  have kubectl && return
  if apt-cache show kubernetes-client >/dev/null 2>&1; then
    apt kubernetes-client
  else
    say "no kubectl, and no package of it: its tests will be skipped"
  fi
}

# ---- Building.

agents() {
  local share=$root/share/devtunnel sources=(Sources/{Agent,HTTPMessages,Relay,TunnelProtocol,CLinux})
  local built=$share/devtunnel-agent-amd64
  if [ -e "$built" ] && [ -z "$(find "${sources[@]}" -newer "$built" -type f | head -n 1)" ]; then return; fi
  quietly "building the agents" Sources/Agent/build-agent.sh "$share"
}

# products NAME…: builds programs for release and sets `binaries` to their folder. The installation, the package and
# the demo share this build.
products() {
  # The programs contain Swift's libraries, so that they run without a toolchain. Debug information would be stripped.
  local options=(--scratch-path "$build" -c release --static-swift-stdlib -debug-info-format none) product
  # Libraries come from the system alone. The toolchain's own linker makes the same bytes everywhere.
  options+=(--disable-local-rpath -Xswiftc -use-ld=lld -Xlinker -z -Xlinker now)
  # Relocations in a hundredth of the space, for a libc whose loader knows them: 1.4 MB less in the daemon's memory.
  if printf '2.36\n%s\n' "$(getconf GNU_LIBC_VERSION | sed 's/.* //')" | sort -VC; then
    options+=(-Xlinker -z -Xlinker pack-relative-relocs)
  fi
  for product in "$@"; do
    quietly "building $product (minutes the first time)" swift build "${options[@]}" --product "$product"
  done
  binaries=$(swift build "${options[@]}" --show-bin-path)
}

# ---- Installing.

# The files of an installation, below its prefix.
files() {
  printf '%s\n' bin/devtunnel libexec/devtunnel share/devtunnel \
    share/bash-completion/completions/devtunnel \
    share/zsh/site-functions/_devtunnel share/fish/vendor_completions.d/devtunnel.fish \
    'share/man/man1/devtunnel.1.gz' 'share/man/man1/devtunnel-*.1.gz'
}

# stage FOLDER: makes the tree of an installation from `binaries`, with the programs of `helpers`.
stage() {
  local tree=$1 product file
  mkdir -p "$tree"/{bin,libexec/devtunnel,share/{devtunnel/templates,man/man1}}
  mkdir -p "$tree"/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
  install -s -m 755 "$binaries/devtunnel" "$tree/bin/"
  for product in "${helpers[@]}"; do install -s -m 755 "$binaries/$product" "$tree/libexec/devtunnel/"; done
  install -m 755 share/devtunnel/devtunnel-agent-* "$tree/share/devtunnel/"
  install -m 644 templates/*.yaml templates/apparmor-* "$tree/share/devtunnel/templates/"
  case " ${helpers[*]} " in
    *" devtunnel-lab "*) install -D -m 644 templates/lab/shop.yaml "$tree/share/devtunnel/templates/lab/shop.yaml" ;;
  esac
  # A completion is read, and not run.
  "$tree/bin/devtunnel" completion bash | sed '1{/^#!/d}' >"$tree/share/bash-completion/completions/devtunnel"
  "$tree/bin/devtunnel" completion zsh >"$tree/share/zsh/site-functions/_devtunnel"
  "$tree/bin/devtunnel" completion fish >"$tree/share/fish/vendor_completions.d/devtunnel.fish"
  "$tree/bin/devtunnel" --experimental-dump-help |
    DEVTUNNEL_VERSION=$("$tree/bin/devtunnel" --version) python3 packaging/man.py "$tree/share/man/man1"
  gzip -n -9 "$tree"/share/man/man1/*.1
  # `uninstall` removes what `files` names.
  file=$(unnamed "$tree")
  [ -z "$file" ] || fail "files() of install.sh does not have $file"
}

# Prints a file of a tree that `files` does not name, or a name that the tree does not have.
unnamed() {
  local file pattern named
  while read -r pattern; do
    compgen -G "$1/$pattern" >/dev/null || printf '%s\n' "$pattern"
  done < <(files)
  while read -r file; do
    named=no
    while read -r pattern; do
      # shellcheck disable=SC2053
      if [[ $file == $pattern || $file == $pattern/* ]]; then named=yes; fi
    done < <(files)
    [ $named = yes ] || printf '%s\n' "$file"
  done < <(cd "$1" && find . -type f | sed 's,^\./,,')
}

# Writes below the prefix, as root only if that is necessary.
into_prefix() {
  if [ -w "$prefix" ] || { [ ! -e "$prefix" ] && mkdir -p "$prefix" 2>/dev/null; }; then "$@"; else as_root "$@"; fi
}

install_all() {
  packages "${build_packages[@]}"
  [ $lab = no ] || packages "${lab_packages[@]}"
  swift_is_there
  agents
  [ -e share/devtunnel/devtunnel-agent-arm64 ] ||
    say "no agent for arm64 nodes; this adds it: Sources/Agent/build-agent.sh --fetch share/devtunnel"
  local helpers=(devtunnel-shell)
  [ $lab = no ] || helpers+=(devtunnel-lab)
  products devtunnel "${helpers[@]}"
  local stage
  stage=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$stage'" EXIT
  stage "$stage"
  say "installing to $prefix"
  # Replace, do not overwrite: a daemon may be running from the old file.
  (cd "$stage" && find . -type f) | while read -r file; do
    into_prefix install -D -m "$(stat -c %a "$stage/$file")" "$stage/$file" "$prefix/$file.new"
    into_prefix mv "$prefix/$file.new" "$prefix/$file"
  done
  "$prefix/bin/devtunnel" --version
  case :$PATH: in *:$prefix/bin:*) ;; *) say "$prefix/bin is not in PATH" ;; esac
}

uninstall() {
  if [ -x "$prefix/bin/devtunnel" ]; then "$prefix/bin/devtunnel" quit 2>/dev/null || true; fi
  local file removed=no
  while read -r file; do
    into_prefix rm -rf "$file"
    removed=yes
  done < <(files | while read -r file; do compgen -G "${prefix:?}/$file" || true; done)
  if [ $removed = yes ]; then say "removed from $prefix"; else say "nothing is installed in $prefix"; fi
}

# ---- Command line.

verb=install
case ${1:-} in
  demo | test | lint | fuzz | simulate | package | uninstall | install) verb=$1; shift ;;
esac
# The others' options are not its own; it ends here.
if [ "$verb" = simulate ]; then . .ci/simulate.sh; fi
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -gt 1 ] || fail "--prefix needs a directory"; prefix=$(realpath -m "$2"); shift ;;
    --prefix=*) prefix=$(realpath -m "${1#*=}") ;;
    --keep) keep=yes ;;
    --fast) part=fast ;;
    --lab) lab=yes ;;
    --only) [ $# -gt 1 ] || fail "--only needs a parser's name"; only=$2; shift ;;
    --runs) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--runs needs a number of inputs"; runs=$2; shift ;;
    [1-9]*) if [ "$verb" != fuzz ] || [[ ! $1 =~ ^[0-9]+$ ]]; then usage >&2; exit 2; fi; seconds=$1 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

case $verb in
  install) install_all ;;
  uninstall) uninstall ;;
  demo) . templates/lab/demo.sh ;;
  test) . .ci/test.sh ;;
  lint) .ci/lint.sh ;;
  fuzz) . .ci/fuzz.sh ;;
  package) . packaging/package.sh ;;
esac
