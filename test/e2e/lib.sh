# Sourced by the end-to-end tests: a controller and a client against the engine that `engine up` has started.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${ZOE_BIN:-$top/build/release/bin}
engine_dir=${TMPDIR:-/tmp}/zoe-e2e-$(echo "$bin" | cksum | cut -d' ' -f1)
work=$(mktemp -d)
controller=
unset ZOE_USER ZOE_PASS ZOE_TOKEN
export ZOE_CONFIG=$work/config.yaml PATH=$bin:$PATH
export ZOE_IMAGE_CACHE=${ZOE_IMAGE_CACHE:-/var/cache/zoe/images}

fail() { echo "FAILED: $*" >&2; [ ! -f "$work/controller.log" ] || tail -20 "$work/controller.log" >&2; exit 1; }
step() { echo "--- $*"; }

use_engine() {  # sets DOCKER_HOST; 77 counts as skipped
  local why
  why=$("$top/test/docker_fixture/dockerd.sh" check 2>&1) || { echo "skipped: $why"; exit 77; }
  export DOCKER_HOST=unix://$engine_dir/docker.sock
  docker info >/dev/null 2>&1 || fail "no engine at $DOCKER_HOST: run test/e2e/engine up"
}

# start_controller OPTION...: sets ZOE_SERVER. The deployment is $deployment, the store $store, --auth $auth, --workspace-root $workspaces.
deployment=e2e-$(basename "$0" .sh)
store=sqlite:$work/state.db
start_controller() {
  : >"$work/controller.out"
  "$bin/zoe-controller" --auth "${auth:-none}" --listen 127.0.0.1:0 --deployment "$deployment" --store "$store" --swarm "${swarm:-$DOCKER_HOST}" \
    --workspace-root "${workspaces:-$work/workspaces}" "$@" >"$work/controller.out" 2>>"$work/controller.log" &
  controller=$!
  wait_for 20 grep -q '^listening on ' "$work/controller.out"
  ZOE_SERVER=$(sed -n 's/^listening on //p' "$work/controller.out")
  export ZOE_SERVER
  wait_for 20 curl -fsS -o /dev/null "$ZOE_SERVER/readyz"
}
stop_controller() {  # expects exit 0 on SIGTERM
  local code=0
  kill "$controller"; wait "$controller" || code=$?
  controller=
  [ "$code" = 0 ] || fail "zoe-controller exited with $code on SIGTERM"
}
kill_controller() { kill -9 "$controller" 2>/dev/null || true; { wait "$controller" || true; } 2>/dev/null; controller=; }

wait_for() {  # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "this did not come true: $*"
    sleep 0.1
  done
}
ours() {  # what of this deployment is on the Swarm
  docker service ls -q --filter "label=zoe.deployment=$deployment"
  docker network ls -q --filter "label=zoe.deployment=$deployment"
  docker secret ls -q --filter "label=zoe.deployment=$deployment"
}
nothing_left() { [ -z "$(ours)" ] && [ -z "$(docker ps -q --filter "label=zoe.deployment=$deployment")" ]; }
phase() { zoe get execution "$1" -o jsonpath='{.status.phase}'; }
phase_is() { [ "$(phase "$1")" = "$2" ]; }
has() { grep "$@" >/dev/null; }  # for pipes: unlike grep -q it reads to the end, so that the writer is not cut off
same() { [ "$1" = "$2" ] || fail "expected: $2"$'\n'"got:      $1"; }

cleanup() {  # [EXIT-CODE]
  local code=${1:-$?}
  [ -z "$controller" ] || kill_controller
  if [ -n "${DOCKER_HOST:-}" ]; then
    docker service ls -q --filter "label=zoe.deployment=$deployment" 2>/dev/null | xargs -r docker service rm >/dev/null 2>&1 || true
  fi
  rm -rf "$work"
  exit $code
}
trap cleanup EXIT
