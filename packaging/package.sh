# shellcheck shell=bash disable=SC2154
# Sourced by install.sh: makes dist/devtunnel_VERSION_ARCH.deb and a tarball of the same files. Two runs on one commit
# and toolchain make the same bytes: times are the last commit's, owners and modes are fixed, lists are sorted.

package_all() {
  packages "${build_packages[@]}" dpkg-dev
  swift_is_there
  umask 022
  export LC_ALL=C TZ=UTC
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
    fail "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the sources"
  export SOURCE_DATE_EPOCH
  local helpers=(devtunnel-shell) work version architecture name
  # A cluster's nodes may have another architecture than this machine.
  quietly "building the agents for amd64 and arm64" Sources/Agent/build-agent.sh --fetch "$root/share/devtunnel"
  products devtunnel "${helpers[@]}"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  stage "$work/tree"
  version=$("$work/tree/bin/devtunnel" --version)
  version=${version#devtunnel }
  architecture=$(dpkg --print-architecture)
  mkdir -p dist

  name=devtunnel-$version-linux-$architecture
  archive "$work/tree" "$name" >"dist/$name.tar.gz"

  mkdir "$work/deb"
  mv "$work/tree" "$work/deb/usr"
  debian "$work/deb" "$version" "$architecture"
  name=devtunnel_${version}_$architecture.deb
  # One thread: the compressed bytes depend on the number.
  DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group -Zxz --build "$work/deb" "dist/$name" >/dev/null
  (cd dist && sha256sum devtunnel-"$version"-* devtunnel_"$version"_*) | tee dist/SHA256SUMS
}

# archive FOLDER NAME: prints a tarball of the folder's content below NAME/.
archive() {
  tar --create --directory "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --format=gnu --transform "s,^\.,$2," . | gzip -n -9
}

# The libraries that the programs need, as Debian 12 names them or as later releases do.
libraries() {
  local folder
  folder=$(mktemp -d)
  mkdir "$folder/debian"
  printf 'Source: devtunnel\n\nPackage: devtunnel\nArchitecture: any\n' >"$folder/debian/control"
  # Debian 12's dpkg-shlibdeps does not know the version of libc that relative relocations need.
  local libc='s/^$//'
  if readelf --version-info "$@" | grep GLIBC_ABI_DT_RELR >/dev/null; then
    libc='s/\blibc6 \(>= 2\.([0-9]|[12].|3[0-5])\)/libc6 (>= 2.36)/'
  fi
  (cd "$folder" && dpkg-shlibdeps -O "${@/#/-e}" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p' | sed -E \
    -e 's/\b(libcurl4|libssh2-1)(t64)?( \([^)]*\))?/\1\3 | \1t64\3/g' -e "$libc"
  rm -rf "$folder"
}

# The person who answers for the package, as Debian's own tools take it; else the author of the last commit.
maintainer() {
  if [ -n "${DEBEMAIL:-}" ]; then
    printf '%s <%s>\n' "${DEBFULLNAME:-The devtunnel maintainers}" "$DEBEMAIL"
  else
    git log -1 --format='%an <%ae>' 2>/dev/null || fail "this is no git checkout: set DEBFULLNAME and DEBEMAIL"
  fi
}

# debian FOLDER VERSION ARCHITECTURE: adds the package's own files to a tree that has usr.
debian() {
  local doc=$1/usr/share/doc/devtunnel control=$1/DEBIAN depends
  # Debian's zsh reads this folder, and not site-functions below /usr.
  mkdir -p "$1/usr/share/zsh/vendor-completions" "$doc" "$control"
  mv "$1/usr/share/zsh/site-functions/_devtunnel" "$1/usr/share/zsh/vendor-completions/"
  rmdir "$1/usr/share/zsh/site-functions"
  install -m 644 packaging/copyright "$doc/copyright"
  gzip -n -9 <CHANGELOG.md >"$doc/CHANGELOG.md.gz"
  printf '%s (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' devtunnel "$2" "$(maintainer)" \
    "$(date --utc --rfc-email --date "@$SOURCE_DATE_EPOCH")" | gzip -n -9 >"$doc/changelog.gz"
  install -D -m 644 packaging/overrides "$1/usr/share/lintian/overrides/devtunnel"
  install -m 755 packaging/postinst packaging/prerm "$control/"
  depends=$(libraries "$1/usr/bin/devtunnel" "$1/usr/libexec/devtunnel/"*)
  [ -n "$depends" ] || fail "dpkg-shlibdeps names no library"
  (cd "$1" && find usr -type f | sort | xargs md5sum) >"$control/md5sums"
  cat >"$control/control" <<CONTROL
Package: devtunnel
Version: $2
Architecture: $3
Maintainer: $(maintainer)
Installed-Size: $(find "$1/usr" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
Depends: $depends
Recommends: ca-certificates
Suggests: kubernetes-client, buildah | podman | docker.io
Section: net
Priority: optional
Description: puts this machine into a remote Kubernetes cluster
 devtunnel sends a cluster's requests for a Service to a process on this
 machine, and to the Service's own Pods whenever this machine is away. It also
 forwards ports, and runs commands whose network is the cluster's.
CONTROL
  find "$1" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
}

package_all
