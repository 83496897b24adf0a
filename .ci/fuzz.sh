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
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=4:malloc_context_size=1:hard_rss_limit_mb=2048

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
  # shellcheck disable=SC2054 # a comma belongs to its option
  local options=(
    -c release --scratch-path "$scratch" --product devtunnel-fuzz --sanitize address
    -Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug
    -Xcc -fsanitize=address -Xcc -fsanitize-coverage=inline-8bit-counters,pc-table
    -Xlinker "$runtime" -Xlinker -lstdc++ -Xlinker "-Map=$scratch/map"
    -Xlinker --wrap=__sanitizer_cov_8bit_counters_init -Xlinker --wrap=__sanitizer_cov_pcs_init
  )
  quietly "building the fuzzer (minutes the first time)" env DEVTUNNEL_FUZZ=1 swift build "${options[@]}"
  fuzzer=$(DEVTUNNEL_FUZZ=1 swift build "${options[@]}" --show-bin-path)/devtunnel-fuzz
  counters "$scratch/map" >"$fuzzer.counters"
}

# Of the linker's map: the address of each object file's first counter.
counters() {
  awk '$1 == "__sancov_cntrs" { here = 1; if (NF == 1) next; $1 = ""; $0 = $0 }
    here && NF == 3 && $1 !~ /^0x0+$/ && $3 != file { file = $3; print $1 }
    { here = 0 }' "$1"
}

# The largest number behind a word in a log, or a dash.
most() { sed -nE "s/.*$1:? *([0-9]+).*/\1/p" "$2" | sort -n | tail -n 1 | grep . || echo -; }

replay() {
  say "$1: an input broke it; its log is $3. To run it again:"
  printf '    SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 %s %s %s\n' "$fuzzer" "$1" "$2"
  say "After the fix, keep the input: cp $2 Tests/Fuzz/Corpus/$1/"
}

# run_part NAME LENGTH SIXTHS: gives that part of the inputs, or inputs for that part of the time, of at most LENGTH
# bytes. It appends to the log.
run_part() {
  local name=$1 part=$(((${runs:-$seconds} * $3 + 3) / 6)) limit=-max_total_time
  [ $part -gt 0 ] || return 0
  [ -z "$runs" ] || limit=-runs
  local options=(
    "-max_len=$2" "$limit=$part" "-dict=$scratch/$name.dict" -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=128
    -detect_leaks=0 -reload=0 -print_funcs=0 -print_final_stats=1 "-artifact_prefix=$broken/$name-"
  )
  "$fuzzer" "$name" "${options[@]}" "$found/$name" "Tests/Fuzz/Corpus/$name" >>"$scratch/$name.log" 2>&1 </dev/null
}

# fuzz_one NAME USUAL LONGEST: prints a line of the table; not 0 if an input broke the parser. One input of six may be
# longer than is usual.
fuzz_one() {
  local name=$1 log=$scratch/$1.log seeds=Tests/Fuzz/Corpus/$1 status=0 inputs crash='' start=${EPOCHREALTIME/[.,]/}
  mkdir -p "$found/$name" "$broken"
  "$fuzzer" "$name" dictionary >"$scratch/$name.dict"
  : >"$log"
  { run_part "$name" "$2" 5 && run_part "$name" "$3" 1; } || status=$?
  inputs=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$log" |
    awk -v "us=$((${EPOCHREALTIME/[.,]/} - start))" '{ sum += $1 } END { printf "%12d %10d", sum, sum / us * 1e6 }')
  [ $status = 0 ] || crash=$(sed -nE 's/.*Test unit written to (.*)/\1/p' "$log" | tail -n 1)
  # Some costs grow faster than an input does: every seed and every line of it, over and over.
  if [ $status = 0 ]; then
    timeout 300 "$fuzzer" "$name" enlarged "$broken/$name-enlarged" "$seeds" >>"$log" 2>&1 </dev/null ||
      status=$? crash=$broken/$name-enlarged
  fi
  printf '%-16s %s %9s %8s %10s %8s\n' "$name" "$inputs" "$(most cov "$log")" \
    "$([ $status = 0 ] && echo 0 || echo 1)" "$(most 'slowest input' "$log")" "$(most peak_rss_mb "$log")"
  [ $status = 0 ] || replay "$name" "${crash:-(see the log)}" "$log" >&2
  return $status
}

build_fuzzer
status=0
printf '%-16s %12s %10s %9s %8s %10s %8s\n' parser inputs inputs/s coverage crashes 'slowest us' 'peak MB'
while read -r name usual longest; do
  [ -z "$only" ] || [ "$only" = "$name" ] || continue
  fuzz_one "$name" "$usual" "$longest" || status=1
done < <("$fuzzer" list)
exit $status
