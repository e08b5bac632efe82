#!/bin/bash
# More is wanted than there is: executions wait, start by themselves, and a running Dask job gives up workers and gets them back. Two nodes of
# its own; what is requested is measured in slots, of which each node has four.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
fixture=$top/test/docker_fixture/swarm.sh
why=$("$fixture" check 2>&1) || { echo "skipped: $why"; exit 77; }
command -v debootstrap >/dev/null || { echo "skipped: needs debootstrap"; exit 77; }
nodes=$work/nodes
finish() {
  local code=$?
  [ -z "$controller" ] || kill_controller
  "$fixture" down "$nodes" || code=1
  rm -rf "$work"
  exit $code
}
trap finish EXIT

field() { zoe get execution "$1" -o "jsonpath=$2"; }
workers() { field primes '{.status.services[1].granted} {.status.services[1].running}'; }
workers_are() { [ "$(workers)" = "$1 $1" ]; }
position_is() { [ "$(field "$1" '{.status.queuePosition}')" = "$2" ]; }
says() {  # PATTERN COMMAND...
  "${@:2}" >"$work/said" 2>&1 || true
  has -E -e "$1" <"$work/said" || fail "no \"$1\" in:"$'\n'"$(cat "$work/said")"
}
cores() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)) | sed 's/\.\?0*$//'; }
began() { start=$(date +%s%N); }
took() { step "$* after $((($(date +%s%N) - start) / 1000000)) ms"; }
# NAME SLOTS [ESSENTIAL]: sleepers of one slot each
sleepers() {
  cat <<Y
apiVersion: zoe/v1
kind: Execution
metadata: {name: $1}
spec:
  application:
    services:
    - name: sleeper
      image: zoe-test:1
      command: [sleep, infinity]
      replicas: {total: $2, essential: ${3:-$2}}
      resources: {requests: {cpu: ${slot}m, memory: 4Mi}}
      stopGracePeriodSeconds: 1
Y
}
kept() {  # the containers of Dask's scheduler and client
  local k
  for k in 1 2; do docker -H "unix://$nodes/$k/docker.sock" ps -q --no-trunc --filter label=zoe.name=primes --filter label=zoe.service=scheduler; done
  for k in 1 2; do docker -H "unix://$nodes/$k/docker.sock" ps -q --no-trunc --filter label=zoe.name=primes --filter label=zoe.service=client; done
}

began
ZOE_DOCKERD_OWNER=$$ "$fixture" up "$nodes" 2
export DOCKER_HOST=unix://$nodes/1/docker.sock
swarm=unix://$nodes/1/docker.sock,unix://$nodes/2/docker.sock
"$top/manifests/images/build" dask
docker save zoe/dask:latest | docker -H "unix://$nodes/2/docker.sock" load -q >/dev/null
took "two nodes with images"
# Between a fifth and a quarter of a node: what is left is for Dask's scheduler and client.
slot=$(($(docker node inspect self -f '{{.Description.Resources.NanoCPUs}}') / 4500000))
start_controller

step "a Dask job has the workers that there is room for"
sleepers holder 5 | zoe apply -f - --wait --timeout 60s
home=$work/workspaces/$deployment/default
mkdir -p "$home"
touch "$home/hold"  # while it is there, each chunk takes a second
sed -e '/name: chunks/s/default: 100,/default: 800,/' -e '/name: worker/,/name: client/s/cpu: 100m/cpu: '$slot'm/' \
  -e 's/^\( *\)replicas: {total: 4, essential: 1}/\1replicas: {total: 6, essential: 1}\n\1mounts: [{workspace: true, path: \/mnt\/workspace}]/' \
  -e 's/^\( *\)def count(.*/&\n\1    import os, time\n\1    if os.path.exists("\/mnt\/workspace\/hold"): time.sleep(1)/' \
  "$top/samples/dask.yaml" >"$work/primes.yaml"
same "$(diff "$top/samples/dask.yaml" "$work/primes.yaml" | grep -c '^>')" 6
zoe apply -f "$work/primes.yaml"
wait_for 60 workers_are 3
zoe wait execution primes --for='jsonpath={.status.services[2].running}=1' --timeout 60s
kept=$(kept)
same "$(echo "$kept" | wc -l)" 2

step "what needs more than is free and can be taken back waits, and takes nothing"
sleepers waiting 5 | zoe apply -f -
zoe wait execution waiting --for='jsonpath={.status.phase}'=Queued --timeout 20s
wait_for 20 position_is waiting 1
says 'position 1 .*5 replicas of sleeper' zoe describe execution waiting
says '^ *1 +default +waiting .*InsufficientCpu' zoe status
same "$(workers)" "3 3"
says "^primes +[0-9.]+m? .*[^0-9]$(cores $((100 + 3 * slot)))" zoe top executions

step "it starts by itself when the holder goes"
began
zoe delete execution holder --wait=false
zoe wait execution waiting --for=condition=Ready --timeout 60s
took "it runs"
wait_for 30 workers_are 3

step "workers appear where others have gone"
zoe delete execution waiting --timeout 30s
began
wait_for 60 workers_are 6
took "six workers"

step "and go when essentials need the room"
sleepers urgent 4 | zoe apply -f -
began
zoe wait execution urgent --for=condition=Ready --timeout 60s
took "urgent runs"
wait_for 20 workers_are 4

step "they come back"
zoe delete execution urgent --timeout 30s
began
wait_for 60 workers_are 6
took "six workers"

step "nothing else was touched, and the result is right"
same "$(kept)" "$kept"
! zoe logs primes -s scheduler | has 'Lost all workers' || fail "there was a moment without workers"
rm "$home/hold"
zoe wait execution primes --for=condition=Complete --timeout 90s
zoe logs primes -s client | has '^664579 primes below 10000000$' || fail "no such number: $(zoe logs primes -s client)"
same "$(field primes '{.status.phase} {.status.services[*].restarts}')" "Succeeded 0 0 0"
zoe delete execution primes --timeout 60s

step "a quota refuses what is too much, and gives no more than it allows"
cat <<Y | zoe apply -f -
apiVersion: zoe/v1
kind: Quota
metadata: {name: small}
spec: {cpu: $((3 * slot))m}
---
apiVersion: zoe/v1
kind: User
metadata: {name: bob}
spec: {quota: small}
Y
sleepers many 4 >"$work/many.yaml"
says "exceeded quota: small, requested: cpu=$((4 * slot))m, used: cpu=0, limited: cpu=$((3 * slot))m" zoe -n bob apply -f "$work/many.yaml"
sleepers some 6 2 | zoe -n bob apply -f - --wait --timeout 60s
same "$(zoe -n bob get execution some -o 'jsonpath={.status.services[0].granted}')" 3
sleepers more 1 | zoe -n bob apply -f - --wait --timeout 60s  # needs what an elastic one has
same "$(zoe -n bob get execution some -o 'jsonpath={.status.services[0].granted}')" 2
zoe delete user bob --timeout 60s
zoe delete quota small

step "nothing is left"
wait_for 40 nothing_left
stop_controller
step "done after $SECONDS s"
