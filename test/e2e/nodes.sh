#!/bin/bash
# A Swarm of three managers loses the one that leads it and that the controller talks to, and gets it back. Brings its own Swarm.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
fixture=$top/test/docker_fixture/swarm.sh
why=$("$fixture" check 2>&1) || { echo "skipped: $why"; exit 77; }
nodes=$work/nodes
finish() {
  local code=$?
  [ -z "$controller" ] || kill_controller
  "$fixture" down "$nodes" || code=1
  rm -rf "$work"
  exit $code
}
trap finish EXIT

on() { local k=$1; shift; timeout 30 docker -H "unix://$nodes/$k/docker.sock" "$@"; }
ours_on() { on "$1" ps -q --filter "label=zoe.deployment=$deployment" "${@:2}"; }
container_of() { ours_on "$1" --filter "label=zoe.name=$2" | head -1; }
count() { local k; for k in 1 2 3; do ours_on $k; done | wc -l; }
tasks_of() {  # EXECUTION: "NODE STATE" of each task that Swarm wants to run
  on 2 service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' \
    "$(on 2 service ls -q --filter "label=zoe.deployment=$deployment" --filter "label=zoe.name=$1")" | cut -d' ' -f1,2 | sort
}
# EXECUTION N: so many tasks run, none on node-1
moved() { [ "$(tasks_of "$1" | grep -c '^node-[23] Running$')" = "$2" ] && [ "$(tasks_of "$1" | wc -l)" = "$2" ]; }
lost() { on 2 service ps --filter desired-state=shutdown --format '{{.Node}} {{.CurrentState}}' "$(on 2 service ls -q --filter "label=zoe.name=$1")"; }
# A new leader may give up nodes that are slow to register, so how many tasks it replaces is up to Swarm; one that was only shut down
# is no restart.
restarts_are_true() {
  local lost restarts; lost=$(lost "$1"); restarts=$(field "$1" '{.status.services[0].restarts}')
  [ "$restarts" -ge 1 ] && [ "$restarts" -le "$(echo "$lost" | wc -l)" ] || fail "Swarm replaced:"$'\n'"$lost"$'\n'"$(zoe describe execution "$1")"
}
ready() { curl -fsS -m 10 -o /dev/null "$ZOE_SERVER/readyz"; }
not_ready() { ! ready; }
says() { zoe describe execution "$1" | has "$2"; }
field() { zoe get execution "$1" -o "jsonpath=$2"; }
replicas_ready() { [ "$(field "$1" '{.status.services[0].ready}')" = "$2" ] && phase_is "$1" Running; }
seconds_since() { echo $((($(date +%s%N) - $1) / 100000000)) | sed 's/\(.\)$/.\1 s/; s/^\./0./'; }

began=$(date +%s%N)
ZOE_DOCKERD_OWNER=$$ "$fixture" up "$nodes" 3
export DOCKER_HOST=unix://$nodes/2/docker.sock
swarm=unix://$nodes/1/docker.sock,unix://$nodes/2/docker.sock,unix://$nodes/3/docker.sock
step "three managers after $(seconds_since "$began")"
start_controller

step "replicas are spread over the nodes and know each other"
cat >"$work/spread.yaml" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: spread}
spec:
  application:
    services:
    - name: worker
      image: zoe-test:1
      command: [sleep, infinity]
      replicas: {total: 3, essential: 2}
      stopGracePeriodSeconds: 1
Y
zoe apply -f "$work/spread.yaml" --wait --timeout 60s
same "$(tasks_of spread)" $'node-1 Running\nnode-2 Running\nnode-3 Running'
reach() {  # NODE REPLICA: by name from the execution's container there; nobody listens, so an answer is a refusal
  local said
  said=$(on "$1" exec "$(container_of "$1" spread)" bash -c "exec 3<>/dev/tcp/worker-$2.spread/9" 2>&1) || true
  [[ "$said" == *"Connection refused"* ]] || fail "worker-$2.spread from node $1: $said"
}
for k in 1 2 3; do for n in 1 2 3; do reach $k $n; done; done

step "the leader loses power; what is applied meanwhile is kept"
began=$(date +%s%N)
"$fixture" node-stop "$nodes" 1
wait_for 20 not_ready
sed 's/name: spread/name: second/; s/total: 3/total: 2/' "$work/spread.yaml" >"$work/second.yaml"
zoe apply -f "$work/second.yaml"
wait_for 40 ready
step "another manager answers after $(seconds_since "$began")"
grep -q 'another Swarm manager is asked from now on' "$work/controller.log" || fail "the log says nothing of it"
zoe wait execution second --for=condition=Ready --timeout 60s
moved second 2 || fail "second runs elsewhere: $(tasks_of second)"

step "the lost replica is replaced"
wait_for 90 moved spread 3
step "elsewhere after $(seconds_since "$began")"
wait_for 20 replicas_ready spread 3
says spread 'node node-1 is down' || fail "no event tells of the node: $(zoe describe execution spread)"
restarts_are_true spread

step "the node comes back: nothing is there twice"
began=$(date +%s%N)
"$fixture" node-start "$nodes" 1
all_ready() { [ "$(on 2 node ls --format '{{.Status}}' | grep -c '^Ready$')" = 3 ]; }
wait_for 60 all_ready
step "after $(seconds_since "$began")"
# The task that it ran is known to have ended.
settled() { on 2 node ps node-1 --format '{{.CurrentState}}' >"$work/past" && [ -s "$work/past" ] && ! grep -q '^Running' "$work/past"; }
wait_for 60 settled
moved spread 3 || fail "tasks of spread: $(tasks_of spread)"
moved second 2 || fail "tasks of second: $(tasks_of second)"
same "$(count)" 5
same "$(on 1 service ls -q --filter "label=zoe.deployment=$deployment" | wc -l)" 2
restarts_are_true spread

step "and is of use again"
sed -i 's/total: 3/total: 6/' "$work/spread.yaml"
zoe apply -f "$work/spread.yaml" --wait --timeout 60s
wait_for 40 replicas_ready spread 6  # those beyond the essential ones are granted after the wait, should it have been quick
# How many of them is up to Swarm.
tasks_of spread | has '^node-1 Running$' || fail "none there: $(tasks_of spread; on 2 node ls)"
reach 1 1
reach 2 6
same "$(count)" 8

step "nothing is left"
zoe delete executions --all --timeout 60s
none_anywhere() {
  local k
  for k in 1 2 3; do
    [ -z "$(ours_on $k -a)$(on $k network ls -q --filter "label=zoe.deployment=$deployment")" ] || return 1
  done
  nothing_left
}
wait_for 40 none_anywhere
stop_controller
"$fixture" down "$nodes"
! grep -F "$work" /proc/self/mounts || fail "these mounts are left"
