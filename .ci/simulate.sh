# Sourced by install.sh: builds the simulation, and runs it with the options behind `simulate`.
# shellcheck shell=bash disable=SC2154

refuse() {
  printf 'install.sh simulate: %s\n' "$1" >&2
  usage >&2
  exit 2
}

is_number() { [[ ${1:-} =~ ^[1-9][0-9]{0,11}$ ]]; }
planted() { sed -nE 's/^ *case .* = "([a-z-]+)"$/\1/p' Tests/Simulation/Planted.swift; }

# The program checks its options, too, but the build takes minutes.
check_options() {
  local seeds='' from='' one=''
  while [ $# -gt 0 ]; do
    case $1 in
      --seed) is_number "${2:-}" || refuse "--seed needs a number from 1"; one=$1; shift ;;
      --from) is_number "${2:-}" || refuse "--from needs a number from 1"; from=$1; shift ;;
      --planted)
        planted | grep -qxF -- "${2:-}" || refuse "--planted needs one of: $(planted | tr '\n' ' ')"
        shift
        ;;
      -h | --help) usage; exit ;;
      *)
        [ -z "$seeds" ] || refuse "one number of seeds is enough: $1"
        is_number "$1" || refuse "$1 is neither an option nor a number of seeds"
        seeds=$1
        ;;
    esac
    shift
  done
  [ -z "$one" ] || [ -z "$seeds$from" ] || refuse "--seed runs one schedule: leave SEEDS and --from out"
}

check_options "$@"
packages "${build_packages[@]}"
swift_is_there
products devtunnel-simulate >&2
status=0
"$binaries/devtunnel-simulate" "$@" || status=$?
exit $status
