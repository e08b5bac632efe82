#!/bin/bash
# swarm.sh: a Docker Swarm of N managers on this machine, for tests. Needs what dockerd.sh needs.
#
#   swarm.sh check                exit 0 if this machine can do it, else 1 and the reason on stderr
#   swarm.sh up DIR N             starts it below DIR (short path; what runs there is ended first), N from 1 to 9
#   swarm.sh node-stop DIR K      cuts the power of node K: engine and containers are gone at once, its disk stays
#   swarm.sh node-start DIR K     and switches it on again
#   swarm.sh engine-kill DIR K    kills node K's engine alone; its containers run on
#   swarm.sh engine-start DIR K   and starts it again
#   swarm.sh place DIR K          adds a network of its own for what is no node, K from 10 to 99, with a cable to theirs
#   swarm.sh cut DIR K            pulls the cable of node or place K
#   swarm.sh plug DIR K           and plugs it in again
#   swarm.sh run DIR K COMMAND... runs a command inside node K (its network, mounts, processes) or place K (its network)
#   swarm.sh outside DIR COMMAND... runs a command beside the nodes: in a network of its own with a cable to theirs, at 10.88.0.254
#   swarm.sh down DIR             ends everything and removes DIR; fine if it is gone already
#
# Node K is named node-K, has the address 10.88.0.K and the image zoe-test:1. Its engine listens on DIR/K/docker.sock and, for those inside
# only, on tcp://10.88.0.K:2375. All nodes are managers; the first leads to begin with. A node that is silent for 3 s is down. Place K has the
# address 10.88.0.K and is the network of the process in DIR/K/place.pid; to end what runs in it is up to whoever started that.
#
# environment of up: ZOE_DOCKERD_OWNER=PID   down by itself when that process has ended
#
# Each node is a machine of dockerd.sh. Their cables end in a bridge within one more network namespace, which lives as long as the process in
# DIR/switch.pid. The host has no cable to it, so several such Swarms can run at once.
. "$(dirname "$(readlink -f "$0")")/dockerd.sh"

address() { echo "10.88.0.$1"; }
nodes() { local d; for d in "$1"/[1-9]; do [ -d "$d" ] && basename "$d"; done; }
places() { local d; for d in "$1"/[1-9][0-9]; do [ -d "$d" ] && basename "$d"; done; }
place_of() { pid_of "$1/$2" place.pid __place; }
switch_of() { pid_of "$1" switch.pid __switch; }
in_switch() { local pid; pid=$(switch_of "$1") || return 1; shift; nsenter -t "$pid" -n -- "$@"; }
has_bridge() { in_switch "$1" ip link show br0; }
ready_nodes() { dk "$1" node ls --format '{{.Status}}' 2>/dev/null | grep -c '^Ready$'; }
are_ready() { [ "$(ready_nodes "$1")" = "$2" ]; }

switch_start() { # DIR
  setsid unshare --net "$(readlink -f "$0")" __switch "$1" </dev/null >>"$1/switch.log" 2>&1 &
  echo $! >"$1/switch.pid"
  wait_for 10 has_bridge "$1" || die "no bridge: $(cat "$1/switch.log")"
}

cable() { # DIR K PID: of a process in its network
  in_switch "$1" ip link del "p$2" 2>/dev/null # of an earlier machine: the kernel takes its time to remove it
  in_switch "$1" ip link add "p$2" type veth peer name eth0 netns "$3" &&
    in_switch "$1" ip link set "p$2" master br0 up &&
    nsenter -t "$3" -n -- ip addr add "$(address "$2")/24" dev eth0 &&
    nsenter -t "$3" -n -- ip link set eth0 up || die "no cable for $2"
}

node_start() { # DIR K
  ZOE_DOCKERD_HOSTNAME=node-$2 machine_start "$1/$2"
  cable "$1" "$2" "$(init_of "$1/$2")"
  node_engine "$1" "$2"
}

# Unless TLS is refused in so many words, the engine waits 15 s before it listens on TCP.
node_engine() { engine_start "$1/$2" -H "tcp://$(address "$2"):2375" --tls=false; }

is_place() { [ "$(cat "/proc/$(place_of "$1" "$2")/comm")" = sleep ]; }
place() { # DIR K
  [[ "$2" =~ ^[1-9][0-9]$ ]] && mkdir "$1/$2" || die "which place, 10 to 99?"
  setsid unshare --net "$(readlink -f "$0")" __place "$1/$2" </dev/null >>"$1/switch.log" 2>&1 &
  echo $! >"$1/$2/place.pid"
  wait_for 10 is_place "$1" "$2" || die "no network for place $2: $(tail -3 "$1/switch.log")"
  cable "$1" "$2" "$(place_of "$1" "$2")"
}
run_in() { # DIR K COMMAND...
  local dir=$1 k=$2 pid; shift 2
  if pid=$(place_of "$dir" "$k"); then nsenter -t "$pid" -n -- "$@"; else inside "$dir/$k" "$@"; fi
}

up() { # DIR N
  local dir=$1 n=$2 k token pids=()
  [[ "$n" =~ ^[1-9]$ ]] || die "how many nodes, 1 to 9?"
  check
  down "$dir"
  mkdir -p "$dir"
  watch "$dir" down
  switch_start "$dir"
  for k in $(seq "$n"); do
    mkdir "$dir/$k"
    (node_start "$dir" "$k") & pids+=($!)
  done
  for k in "${pids[@]}"; do wait "$k" || die "a node did not start"; done
  (import_image "$dir/1" && dk "$dir/1" save -o "$dir/image.tar" zoe-test:1) & pids=($!)
  dk "$dir/1" swarm init --advertise-addr "$(address 1)" --dispatcher-heartbeat 1s >/dev/null || die "swarm init failed"
  token=$(dk "$dir/1" swarm join-token -q manager)
  for k in $(seq 2 "$n"); do # one after the other: each join is a change of raft's membership
    dk "$dir/$k" swarm join --token "$token" --advertise-addr "$(address "$k")" "$(address 1):2377" >/dev/null || die "node $k cannot join"
  done
  wait "${pids[0]}" || die "no image"
  for k in $(seq 2 "$n"); do dk "$dir/$k" load -q -i "$dir/image.tar" >/dev/null || die "node $k cannot load the image"; done
  rm "$dir/image.tar"
  wait_for 60 are_ready "$dir/1" "$n" || die "not all nodes are ready: $(dk "$dir/1" node ls)"
}

down() { # DIR
  local dir=$1 k pid pids=() failed=0
  unwatch "$dir"
  for k in $(nodes "$dir"); do (stop "$dir/$k") & pids+=($!); done
  for k in "${pids[@]}"; do wait "$k" || failed=1; done
  for k in $(places "$dir"); do pid=$(place_of "$dir" "$k") && kill "$pid" && wait_for 10 gone "$pid"; done
  pid=$(switch_of "$dir") && kill "$pid" && wait_for 10 gone "$pid"
  [ $failed = 0 ] || die "not everything below $dir could be ended"
  remove "$dir"
}

[ $# -ge 1 ] || usage
[ "$1" = check ] || [ $# -ge 2 ] || die "which directory?"
dir=$(readlink -m "${2:-.}")
case $1 in
  node-start | node-stop | engine-* | run | cut | plug) [ -d "$dir/${3:-none}" ] || die "which node?" ;;
esac
case $1 in
  check) check ;;
  up) up "$dir" "${3:-}" ;;
  down) down "$dir" ;;
  node-start) node_start "$dir" "$3" ;;
  node-stop) machine_stop "$dir/$3" ;;
  engine-kill) inside "$dir/$3" sh -c 'kill -9 "$(cat /run/docker.pid)"' ;;
  engine-start) node_engine "$dir" "$3" ;;
  place) place "$dir" "${3:-}" ;;
  cut) in_switch "$dir" ip link set "p$3" down ;;
  plug) in_switch "$dir" ip link set "p$3" up ;;
  run) node=$3; shift 3; run_in "$dir" "$node" "$@" ;;
  outside) shift 2; in_switch "$dir" "$@" ;;
  # Named so that pid_of knows the process again.
  __switch) ip link set lo up && ip link add br0 type bridge && ip addr add "$(address 254)/24" dev br0 && ip link set br0 up && exec -a "switch __switch $dir" sleep infinity ;;
  __place) ip link set lo up && exec -a "place __place $dir" sleep infinity ;;
  *) die "unknown command $1" ;;
esac
