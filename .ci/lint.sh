#!/usr/bin/env bash
# Checks that need no build: format, shell scripts, columns, plain English, links. Called by `./install.sh lint`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

status=0
# check TITLE COMMAND…: prints the output if the command fails; the next check runs in any case.
check() {
  local title=$1 log
  shift
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log"
    printf '==> lint: %s\n' "$title"
    status=1
  fi
  rm -f "$log"
}

scripts() { git ls-files '*.sh' .ci/run packaging/postinst packaging/prerm; }

check "swift format differs: swift format --in-place --recursive Sources Tests Package.swift" \
  swift format lint --strict --parallel --recursive Sources Tests Package.swift
# shellcheck disable=SC2046
check "shellcheck has remarks" shellcheck --external-sources --source-path=SCRIPTDIR $(scripts)
check "text: see CONTRIBUTING.md" python3 .ci/text.py
exit $status
