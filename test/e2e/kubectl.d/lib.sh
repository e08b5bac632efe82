# Sourced by ../kubectl: which kubectl, and how an answer is checked.
exec </dev/null
checks=0 skipped=0 failures=() versions=()
clients=${ZOE_CLIENT_CACHE:-/var/cache/zoe/clients}
deployment=e2e-kubectl
kubectl= version= minor=0 out=

count_skip() { echo "skipped: $*"; skipped=$((skipped + 1)); }
skip() {  # what this project installs or starts: in CI it has to be there
  count_skip "$@"
  [ -z "${CI:-}" ] || failures+=("FAILED: skipped in CI: $*")
}

debian_kubectl() {  # prints its path
  local target=$clients/kubernetes-client/usr/bin/kubectl
  if [ ! -x "$target" ]; then
    (mkdir -p "$clients" && cd "$work" && apt-get download kubernetes-client && dpkg -x kubernetes-client_*.deb unpacked &&
      rm -rf "$clients/kubernetes-client" && mv unpacked "$clients/kubernetes-client") >"$work/apt" 2>&1 || return 1
  fi
  echo "$target"
}
find_kubectls() {
  local beside=() on_path
  case ${ZOE_KUBECTL:-} in
    ''|all)
      if on_path=$(command -v kubectl); then
        mapfile -t beside < <(find "$(dirname "$(readlink -f "$on_path")")" -maxdepth 1 -name 'kubectl.1.*' -executable | sort -V)
        [ ${#beside[@]} -gt 0 ] || beside=("$on_path")
        [ -n "${ZOE_KUBECTL:-}" ] || [ ${#beside[@]} -le 2 ] || beside=("${beside[0]}" "${beside[-1]}")
      else
        count_skip "no kubectl on PATH"
      fi
      kubectls=("${beside[@]}")
      if on_path=$(debian_kubectl); then kubectls=("$on_path" "${kubectls[@]}"); else skip "Debian's kubectl: $(tail -1 "$work/apt")"; fi
      ;;
    *) read -ra kubectls <<<"$ZOE_KUBECTL" ;;
  esac
}

begin_version() {  # of $kubectl: a home of its own, and a context that leads to the controller
  version=$("$kubectl" version --client -o json 2>/dev/null | sed -n 's/.*"gitVersion": "v\([0-9.]*\).*/\1/p')
  minor=${version#1.}; minor=${minor%%.*}
  [[ " ${versions[*]} " == *" $version "* ]] || versions+=("$version")
  export HOME=$work/home-$version KUBECONFIG=$work/home-$version/config
  mkdir -p "$HOME"
  "$kubectl" config set-cluster here --server="$ZOE_SERVER" >/dev/null 2>&1
  "$kubectl" config set-context here --cluster=here --namespace="${kube_namespace:-default}" >/dev/null
  "$kubectl" config use-context here >/dev/null
}
since() { [ "$minor" -ge "$1" ]; }  # MINOR: a command or flag came with it
k() { timeout "${patience:-30}" "$kubectl" "$@"; }

failed() {  # WHAT: counts it and says it at once
  failures+=("FAILED kubectl $version: $*")
  echo "FAILED: $*" >&2
}
# x CODE EXPECTED ARGUMENT...: kubectl ends with CODE and says EXPECTED: "=TEXT" is exactly its stdout, "~REGEX" matches somewhere in what it
# prints (stdout, then stderr), "" is anything. Afterwards $out is its stdout.
x() {
  local code=$1 expected=$2 got=0 all; shift 2
  checks=$((checks + 1))
  out=$(k "$@" 2>"$work/stderr") || got=$?
  all=$out$'\n'$(cat "$work/stderr")
  case $expected in
    =*) [ "$got" = "$code" ] && [ "$out" = "${expected#=}" ] && return ;;
    '~'*) [ "$got" = "$code" ] && [[ $all =~ ${expected#\~} ]] && return ;;
    *) [ "$got" = "$code" ] && return ;;
  esac
  failed "$*"$'\n'"  expected $code, $expected"$'\n'"  got $got, $(head -c 1500 <<<"$all")"
}
is() {  # WHAT GOT EXPECTED
  checks=$((checks + 1))
  [ "$2" = "$3" ] || failed "$1"$'\n'"  expected: $3"$'\n'"  got:      $2"
}
holds() {  # WHAT COMMAND...
  local what=$1; shift
  checks=$((checks + 1))
  "$@" >/dev/null 2>&1 || failed "$what"
}
soon() {  # SECONDS COMMAND...: whether it succeeds in time
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}
background=()
in_background() {  # FILE ARGUMENT...: kubectl with its output in FILE; its pid is $!
  local file=$1; shift
  : >"$file"  # now, and not when the process has begun
  "$kubectl" "$@" >>"$file" 2>&1 &
  background+=($!)
}
end_background() {  # PID
  kill "$1" 2>/dev/null || true
  { wait "$1" || true; } 2>/dev/null
}
# execution NAME [LABELS] [PRIORITY]: a document of one, without a container. Its service says what would be default as well: client-side apply
# compares lists of custom resources whole, and would find a difference each time.
execution() {
  cat <<Y
---
apiVersion: zoe/v1
kind: Execution
metadata: {name: $1, labels: {${2:-app: $1}}}
spec:
  suspend: true
  priority: ${3:-0}
  application:
    services:
    - {name: main, image: "zoe/mini:latest", command: [sleep, infinity], endpointMode: dnsrr, replicas: {total: 1}, startupOrder: 0,
       stopGracePeriodSeconds: 10, update: {parallelism: 1, order: stop-first, failureAction: pause}}
Y
}
trap 'code=$?; for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done; cleanup $code' EXIT
