# shellcheck shell=bash disable=SC2154
# Sourced by install.sh: shows the main job in the lab. The status is not 0 if an answer is not the expected one.

packages "${build_packages[@]}" "${lab_packages[@]}"
swift_is_there
agents
products devtunnel devtunnel-lab
export DEVTUNNEL_SHARE=$root/share/devtunnel

# The user's own daemon, settings and labs are not touched.
home=$(mktemp -d /tmp/devtunnel-demo.XXXXXX)
mkdir -m 700 "$home/run"
export XDG_RUNTIME_DIR=$home/run XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config
export PATH=$binaries:$PATH
server=

# Prints one line as a person would type it, then its output.
show() {
  printf '\n$ %s\n' "${*//"$home"/\~}"
  "$@"
}
note() { printf '\n# %s\n' "$*"; }

as_lab() {
  as_root env "PATH=$PATH" "XDG_STATE_HOME=$XDG_STATE_HOME" "DEVTUNNEL_SHARE=$DEVTUNNEL_SHARE" devtunnel lab "$@"
}

take_down() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$keep" = yes ] && [ "$status" = 0 ]; then
    note "Kept: export XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR XDG_STATE_HOME=$XDG_STATE_HOME" \
      "XDG_CONFIG_HOME=$XDG_CONFIG_HOME KUBECONFIG=$KUBECONFIG"
    note "      export PATH=$binaries:\$PATH"
    note "End it: devtunnel quit; devtunnel lab down --name demo; kill $server; rm -r $home"
    exit 0
  fi
  note "everything is taken down"
  show devtunnel quit || status=1
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  as_lab down --name demo || status=1
  if [ "$status" != 0 ]; then
    sed 's/^/daemon.log: /' "$home/state/devtunnel/daemon.log" 2>/dev/null | tail -n 20 >&2 || true
  fi
  as_root rm -rf "$home"
  if [ $status = 0 ]; then say "the demo ended as it should"; else say "the demo FAILED"; fi
  exit "$status"
}
trap take_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ask EXPECTED: a request from inside the cluster, from the Pod client to the Service web.
ask() {
  printf '\n$ devtunnel lab enter shop/client -- curl http://web\n'
  local answer
  answer=$(as_lab enter --name demo shop/client -- curl -sS --max-time 10 http://web) || fail "the request failed"
  printf '%s\n' "$answer"
  [ "$answer" = "$1" ] || fail "expected '$1'"
}

note "A pocket cluster on this machine, with a Service web in namespace shop"
printf '\n$ devtunnel lab up --sample\n'
as_lab up --name demo --sample
KUBECONFIG=$(as_lab status --name demo --output json | sed -nE 's/^ *"kubeconfig" *: *"(.*)",?$/\1/p')
export KUBECONFIG

note "(a) A request from a Pod is answered by the cluster"
ask "hello from the cluster"

note "(b) The service under development: a process on this machine, at port 18080"
mkdir "$home/www"
echo "hello from the host" >"$home/www/index.html"
printf '\n$ busybox httpd -f -p 127.0.0.1:18080 -h www &\n'
busybox httpd -f -p 127.0.0.1:18080 -h "$home/www" &
server=$!
for _ in $(seq 50); do curl -sf --max-time 1 -o "$home/answer" http://127.0.0.1:18080 && break; sleep 0.1; done
show devtunnel -n shop intercept web --port 18080

note "(c) The same request arrives at this machine"
ask "hello from the host"

note "(d) The process on this machine dies: the cluster answers again by itself"
kill "$server"
wait "$server" 2>/dev/null || true
server=
ask "hello from the cluster"

note "(e) The intercept ends"
show devtunnel leave web
ask "hello from the cluster"
