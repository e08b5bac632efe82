#!/bin/bash
# Lost stores beside a living Swarm, backups, migration between stores, a later version's store: real engine, real ZooKeeper. About a minute.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
for needed in /usr/bin/java /usr/share/java/zookeeper.jar; do [ -e $needed ] || { echo "skipped: $needed is missing"; exit 77; }; done
why=$("$top/test/docker_fixture/dockerd.sh" check 2>&1) || { echo "skipped: $why"; exit 77; }
zookeeper= second=
trap 'code=$?; for pid in $zookeeper $second; do kill -9 "$pid" 2>/dev/null || true; done; [ -z "$controller" ] || kill_controller
  "$top/test/docker_fixture/dockerd.sh" stop "$work/engine"; DOCKER_HOST= cleanup $code' EXIT
DOCKER_HOST=$(ZOE_DOCKERD_OWNER=$$ "$top/test/docker_fixture/dockerd.sh" start "$work/engine"); export DOCKER_HOST

port=$(python3 -c 'import random, socket
while True:
    s, port = socket.socket(), random.randrange(10000, 32000)
    try: s.bind(("127.0.0.1", port)); print(port); break
    except OSError: pass')
start_zookeeper() {
  mkdir -p "$work/zookeeper"
  printf '%s\n' tickTime=250 maxSessionTimeout=60000 dataDir="$work/zookeeper" clientPort="$port" clientPortAddress=127.0.0.1 \
    admin.enableServer=false 4lw.commands.whitelist=srvr >"$work/zoo.cfg"
  java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar org.apache.zookeeper.server.quorum.QuorumPeerMain "$work/zoo.cfg" \
    >>"$work/zookeeper.log" 2>&1 &
  zookeeper=$!
  wait_for 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; echo srvr >&3; grep -q Mode <&3"
}
lose_zookeeper() { { kill -9 "$zookeeper"; wait "$zookeeper" || true; } 2>/dev/null; rm -rf "$work/zookeeper"; }

tool() { "$bin/zoe-controller" --deployment "$deployment" "$@"; }
containers() { docker ps -a -q --no-trunc --filter "label=zoe.deployment=$deployment" | sort; }
versions() { docker service ls -q | sort | xargs docker service inspect -f '{{.ID}} {{.Version.Index}}'; }
stores() { docker service ls -q | xargs docker service inspect -f '{{index .Spec.Labels "zoe.store"}}' | sort -u; }
metric() { curl -fsS "$ZOE_SERVER/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
records() { sed '1d;$d' "$1"; }  # of a backup, without its first and last line
unharmed() { same "$(containers)" "$before"; }
at_rest() {  # nothing is written, to the Swarm or the store
  local swarm store_then
  swarm=$(versions) store_then=$(tool --store "$store" --backup - 2>/dev/null | records /dev/stdin | grep -v '"kind":"Event"')
  for _ in 1 2 3 4 5; do
    curl -fsS -o /dev/null "$ZOE_SERVER/readyz"
    sleep 1
  done
  same "$(versions)" "$swarm"
  same "$(tool --store "$store" --backup - 2>/dev/null | records /dev/stdin | grep -v '"kind":"Event"')" "$store_then"
}

start_zookeeper
store=zk://127.0.0.1:$port/first
start_controller --state-dir "$work"
cat >"$work/run.yaml" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: run}
spec:
  application:
    services:
    - {name: main, image: "zoe-test:1", command: [sleep, infinity], replicas: {total: 2}, stopGracePeriodSeconds: 1}
    - {name: once, image: "zoe-test:1", command: [echo, done], restart: {policy: never}, replicas: {total: 1, essential: 0}}
---
apiVersion: zoe/v1
kind: Execution
metadata: {name: other}
spec: {application: {services: [{name: main, image: "zoe-test:1", command: [sleep, infinity], stopGracePeriodSeconds: 1}]}}
Y
zoe apply -f "$work/run.yaml" >/dev/null
three_run() { [ "$(docker ps -q --filter "label=zoe.deployment=$deployment" | wc -l)" = 3 ] && [ "$(containers | wc -l)" = 4 ] && phase_is other Running; }
wait_for 60 three_run
before=$(containers)
identity=$(stores)

step "a backup while the controller runs"
tool --store "$store" --backup "$work/backup" | has '^backed up .* objects of deployment '
same "$(stat -c %a "$work/backup")" 600
head -1 "$work/backup" | has "\"storeId\":\"$identity\""
at_rest
tool --store "$store" --restore "$work/backup" >"$work/refused" 2>&1 && fail "a store with objects was restored into"
has 'restored only into a store without any' <"$work/refused"

step "ZooKeeper loses everything under a running controller: nothing on the Swarm is touched, nothing new is taken"
lose_zookeeper
start_zookeeper
lost() { curl -sS "$ZOE_SERVER/readyz" | has 'is missing in ZooKeeper'; }
wait_for 60 lost
zoe apply -f "$work/run.yaml" >"$work/refused" 2>&1 && fail "a lost store took an object"
same "$(phase other)" Running  # what is known stays readable
unharmed

step "a controller that finds the store empty leaves alone what another store has made, and reports it"
first=$ZOE_SERVER
"$bin/zoe-controller" --auth none --listen 127.0.0.1:0 --deployment "$deployment" --store "$store" --swarm "$DOCKER_HOST" \
  --workspace-root "$work/workspaces" --state-dir "$work" >"$work/second.out" 2>>"$work/second.log" &
second=$!
wait_for 20 grep -q '^listening on ' "$work/second.out"
servers=("$first" "$(sed -n 's/^listening on //p' "$work/second.out")")
reported() { local s; for s in "${servers[@]}"; do [ "$(ZOE_SERVER=$s metric zoe_sweep_foreign_store)" = "${1}" ] && return; done; return 1; }
wait_for 60 reported 3
cat "$work/controller.log" "$work/second.log" | has "docker service rm .*zoe.store=$identity"
unharmed

step "restored under the running controllers: they adopt what runs"
tool --store "$store" --restore "$work/backup" | has '^restored '
wait_for 30 phase_is run Running
wait_for 30 phase_is other Running
wait_for 60 reported 0
unharmed
same "$(stores)" "$identity"
kill "$second"; wait "$second" || fail "the second controller did not end well"; second=
wait_for 30 metric_is zoe_leader 1
at_rest
unharmed

step "from ZooKeeper to SQLite"
stop_controller
tool --store "$store" --backup "$work/zookeeper.backup" >/dev/null
store=sqlite:$work/moved.db
tool --store "$store" --restore "$work/zookeeper.backup" >/dev/null
tool --store "$store" --backup "$work/sqlite.backup" >/dev/null
same "$(records "$work/sqlite.backup")" "$(records "$work/zookeeper.backup")"
versions_before=$(versions)
start_controller
wait_for 30 metric_is zoe_leader 1
at_rest
unharmed
same "$(versions)" "$versions_before"

step "and back, through a pipe"
stop_controller
tool --store "$store" --backup "$work/sqlite.backup" >/dev/null
store=zk://127.0.0.1:$port/second
tool --store "sqlite:$work/moved.db" --backup - 2>/dev/null | tool --store "$store" --restore - >/dev/null
tool --store "$store" --backup "$work/zookeeper.backup" >/dev/null
same "$(records "$work/zookeeper.backup")" "$(records "$work/sqlite.backup")"
start_controller --state-dir "$work"
wait_for 30 metric_is zoe_leader 1
at_rest
unharmed
same "$(versions)" "$versions_before"
zoe delete execution run other --wait --timeout 60s >/dev/null
wait_for 60 nothing_left
stop_controller

step "damage and a later version are refused with what to do"
head -c 700 "$work/zookeeper.backup" >"$work/cut"
tool --store "sqlite:$work/empty.db" --restore "$work/cut" >"$work/refused" 2>&1 && fail "a truncated backup was restored"
has "^zoe-controller: $work/cut:[0-9]*: is truncated" <"$work/refused"
[ ! -e "$work/empty.db" ] || fail "a store was made for a truncated backup"
python3 - "$work/moved.db" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("""UPDATE objects SET bytes = CAST(replace(CAST(bytes AS TEXT), '"schemaVersion":2', '"schemaVersion":99') AS BLOB) WHERE kind = 'StoreInfo'""")
db.commit()
P
code=0
tool --store "sqlite:$work/moved.db" --swarm sim:nodes=1,cpus=1,memory=1Gi --listen 127.0.0.1:0 >"$work/refused" 2>&1 || code=$?
same "$code" 1
has 'schema 99, this one knows 2): start that version, or restore a backup' <"$work/refused"
