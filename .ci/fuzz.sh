# Sourced by install.sh: builds the harnesses of Tests/Fuzz around libFuzzer and AddressSanitizer, and runs each for a
# while.
# shellcheck shell=bash disable=SC2154

packages "${build_packages[@]}"
swift_is_there

scratch=.build-fuzz
# New inputs that reached new code, kept from run to run; and inputs that broke a parser.
found=$scratch/corpus
broken=$scratch/broken
# libFuzzer reports the findings of AddressSanitizer and traps. Swift's own backtraces would wait for a debugger that
# reads the sanitizer's memory.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:malloc_context_size=2:hard_rss_limit_mb=2048

# The driver without its own main, from the toolchain's clang.
libfuzzer() {
  local resources
  resources=$(swiftc -print-target-info | sed -nE 's/.*"runtimeResourcePath": "(.*)".*/\1/p' | head -n 1)
  find "$(dirname "$resources")/clang/" -name "libclang_rt.fuzzer_no_main*" -path "*$(uname -m)*" | head -n 1
}

build_fuzzer() {
  local runtime
  runtime=$(libfuzzer)
  [ -n "$runtime" ] || fail "the Swift toolchain has no libFuzzer for $(uname -m)"
  # Optimized, with all checks: assertions, overflows, bounds. Internal declarations are open to the harnesses, as they
  # are to tests.
  local options=(
    -c release --scratch-path "$scratch" --product devtunnel-fuzz --sanitize address
    -Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug
    -Xcc "-fsanitize=address,fuzzer-no-link"
    -Xlinker "$runtime" -Xlinker -lstdc++
  )
  quietly "building the fuzzer (minutes the first time)" env DEVTUNNEL_FUZZ=1 swift build "${options[@]}"
  fuzzer=$(DEVTUNNEL_FUZZ=1 swift build "${options[@]}" --show-bin-path)/devtunnel-fuzz
}

# The last number behind a word in a log, or a dash.
number() { sed -nE "s/.*$1:? *([0-9]+).*/\1/p" "$2" | tail -n 1 | grep . || echo -; }

replay() {
  say "$1: an input broke it; its log is $3. To run it again:"
  printf '    SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 %s %s %s\n' "$fuzzer" "$1" "$2"
  say "After the fix, keep the input: cp $2 Tests/Fuzz/Corpus/$1/"
}

# fuzz_one NAME LENGTH: prints a line of the table; not 0 if an input broke the parser.
fuzz_one() {
  local name=$1 log=$scratch/$1.log seeds=Tests/Fuzz/Corpus/$1 status=0 crash=
  mkdir -p "$found/$name" "$broken"
  "$fuzzer" "$name" dictionary >"$scratch/$name.dict"
  local options=(
    "-max_len=$2" "-dict=$scratch/$name.dict" -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=128
    -print_final_stats=1 "-artifact_prefix=$broken/$name-"
  )
  if [ -n "$runs" ]; then options+=("-runs=$runs"); else options+=("-max_total_time=$seconds"); fi
  "$fuzzer" "$name" "${options[@]}" "$found/$name" "$seeds" >"$log" 2>&1 </dev/null || status=$?
  [ $status = 0 ] || crash=$(sed -nE 's/.*Test unit written to (.*)/\1/p' "$log" | tail -n 1)
  # Some costs grow faster than an input does: every seed and every line of it, over and over.
  if [ $status = 0 ]; then
    timeout 300 "$fuzzer" "$name" enlarged "$broken/$name-enlarged" "$seeds" >>"$log" 2>&1 </dev/null ||
      status=$? crash=$broken/$name-enlarged
  fi
  printf '%-16s %12s %10s %9s %8s %10s %8s\n' "$name" "$(number number_of_executed_units "$log")" \
    "$(number average_exec_per_sec "$log")" "$(number cov "$log")" \
    "$([ $status = 0 ] && echo 0 || echo 1)" "$(number 'slowest input' "$log")" "$(number peak_rss_mb "$log")"
  [ $status = 0 ] || replay "$name" "${crash:-(see the log)}" "$log" >&2
  return $status
}

build_fuzzer
status=0
printf '%-16s %12s %10s %9s %8s %10s %8s\n' parser inputs inputs/s coverage crashes 'slowest us' 'peak MB'
while read -r name length; do
  [ -z "$only" ] || [ "$only" = "$name" ] || continue
  fuzz_one "$name" "$length" || status=1
done < <("$fuzzer" list)
exit $status
