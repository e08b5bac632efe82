#!/bin/bash
# dockerd.sh: a private Docker engine in Swarm mode, for tests. Needs root and Debian's docker.io; no network, no Docker of the host.
#
#   dockerd.sh check               exit 0 if this machine can do it, else 1 and the reason on stderr
#   dockerd.sh start DIR           starts it below DIR (made if missing, short path), prints its DOCKER_HOST
#   dockerd.sh engine-stop DIR     ends dockerd alone, as `systemctl stop docker` would; its data stays
#   dockerd.sh engine-start DIR    and starts it again
#   dockerd.sh run DIR COMMAND...  runs a command inside the engine's "machine" (its network, mounts, processes)
#   dockerd.sh stop DIR            ends everything and removes DIR; fine if it is gone already
#
# environment of start:
#   ZOE_DOCKERD_OWNER=PID   stop by itself when that process has ended (a killed test leaves nothing)
#   ZOE_DOCKERD_SWARM=0     leave the engine out of Swarm mode
#   ZOE_DOCKERD_IMAGE=0     do not import the image zoe-test:1 (bash, coreutils, getent, grep, sed)
#
# Sourced, it only defines its functions: a machine and its engine can then be had one by one (swarm.sh).
#
# The engine lives in its own network, mount, pid, ipc and uts namespaces below one process of the host, `unshare`: killing that one
# takes engine, containers, mounts and links along, so nothing of the host is touched and nothing can be left but DIR and cgroups.
set -u
unset DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONTEXT DOCKER_API_VERSION
export PATH=$PATH:/usr/sbin:/sbin
dockerd_script=$(readlink -f "${BASH_SOURCE[0]}")

die() { echo "$(basename "$0"): $*" >&2; exit 1; }
wait_for() { # SECONDS COMMAND...: until it succeeds
  local end=$(($(date +%s) + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt $end ] || return 1
    sleep 0.05
  done
}
gone() { ! kill -0 "$1" 2>/dev/null; }
cgroup_roots() { awk '$3=="cgroup"||$3=="cgroup2"{print $2}' /proc/mounts; }
cgroup_name() { echo "zoe-$(echo "$1" | cksum | cut -d' ' -f1)"; }

# A pid file is believed only if that process was started for this very directory.
pid_of() { # DIR FILE WORD
  local pid
  pid=$(cat "$1/$2" 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$3 $1" && echo "$pid"
}
machine_of() { pid_of "$1" machine.pid __machine; }
init_of() { # the machine's pid 1, as the host counts
  local pid
  pid=$(machine_of "$1") || return 1
  pid=$(cat "/proc/$pid/task/$pid/children") && [ -n "${pid// /}" ] && echo "${pid// /}"
}
inside() { local dir=$1; shift; nsenter -t "$(init_of "$dir")" -m -u -i -n -p -- "$@"; }
dk() { local dir=$1; shift; docker -H "unix://$dir/docker.sock" "$@"; }

check() {
  [ "$(id -u)" = 0 ] || die "needs root"
  local program
  for program in dockerd containerd docker unshare nsenter ip iptables tini perl; do
    command -v $program >/dev/null || die "needs $program (apt-get install docker.io iproute2 iptables tini)"
  done
  [ -n "$(cgroup_roots)" ] || die "needs mounted cgroups"
  unshare --mount --net --pid --fork true 2>/dev/null || die "needs the right to make namespaces (CAP_SYS_ADMIN)"
}

machine() { # DIR: runs inside the new namespaces, becomes their pid 1
  local dir=$1
  hostname "${ZOE_DOCKERD_HOSTNAME:-zoe-test}"
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/docker /run/containerd
  mount --bind "$dir/etc" /etc/docker
  mount -t tmpfs -o mode=711 tmpfs /var/lib/docker # an engine keeps some of its networks there, whatever its data-root
  # Without a name server that answers, every unknown name costs the engine and its containers seconds. This one knows no name. It is not on
  # 127.0.0.1 because the engine gives containers a resolver of the internet instead of that.
  ip link set lo up
  ip addr add 192.0.2.53/32 dev lo
  echo 'nameserver 192.0.2.53' >"$dir/resolv.conf"
  perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "192.0.2.53", LocalPort => 53, Proto => "udp") or die "no name server: $@";
    while (defined $s->recv(my $q, 4096)) {
      next if length($q) < 12;
      substr($q, 2, 2) = pack("n", 0x8183);  # answer, recursion available, NXDOMAIN
      $s->send($q);
    }' &
  [ -e /etc/resolv.conf ] && mount --bind "$dir/resolv.conf" "$(readlink -f /etc/resolv.conf)" 2>/dev/null
  exec tini -- sleep infinity
}

engine_start() { # DIR [OPTION OF DOCKERD...]
  local dir=$1 cgroup; shift
  cgroup=$(cgroup_name "$dir")
  rm -f "$dir/docker.sock"
  (
    ulimit -n 65536 2>/dev/null
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY NOTIFY_SOCKET
    inside "$dir" setsid sh -c 'rm -f /run/docker.pid; exec "$@"' sh \
      dockerd --data-root "$dir/data" --exec-root /run/docker -p /run/docker.pid -H "unix://$dir/docker.sock" \
      --cgroup-parent "/$cgroup/containers" --label rack=r1 "$@"
  ) </dev/null >>"$dir/dockerd.log" 2>&1 &
  wait_for 60 dk "$dir" version || { tail -5 "$dir/dockerd.log" >&2; die "dockerd does not answer"; }
}

engine_stop() { # DIR
  local dir=$1
  inside "$dir" sh -c 'p=$(cat /run/docker.pid) && kill $p; i=0; while kill -0 $p 2>/dev/null && [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done'
}

import_image() { # DIR: files of this host, no registry
  local dir=$1 root=$1/image program file
  mkdir -p "$root"/{bin,tmp,etc,proc,sys,dev,run,root}
  for program in bash sleep cat echo ls id env date hostname getent grep sed seq head tail wc stat touch mkdir rm dd sort tr kill true false; do
    file=$(PATH=/usr/bin:/bin type -P $program) || continue
    cp -L "$file" "$root/bin/$program"
    for file in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
      [ -e "$root$file" ] || { mkdir -p "$root$(dirname "$file")"; cp -L "$file" "$root$file"; }
    done
  done
  ln -s bash "$root/bin/sh"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  chmod 1777 "$root/tmp"
  tar -C "$root" -c . | dk "$dir" import -c 'CMD ["sleep","infinity"]' -c 'ENV PATH=/bin' - zoe-test:1 >/dev/null || die "docker import failed"
  rm -rf "$root"
}

machine_start() { # DIR, made if missing
  local dir=$1 socket=$1/docker.sock
  [ ${#socket} -le 100 ] || die "the path of $dir is too long for a socket"
  machine_of "$dir" >/dev/null && die "$dir is running"
  mkdir -p "$dir/data" "$dir/etc" /etc/docker /var/lib/docker
  echo '{"userland-proxy": false, "exec-opts": ["native.cgroupdriver=cgroupfs"], "shutdown-timeout": 3}' >"$dir/etc/daemon.json"
  setsid unshare --mount --net --uts --ipc --pid --fork --kill-child=KILL --propagation private --mount-proc \
    "$dockerd_script" __machine "$dir" </dev/null >>"$dir/machine.log" 2>&1 &
  echo $! >"$dir/machine.pid"
  wait_for 10 sh -c "[ \"\$(cat /proc/\$($dockerd_script __init "$dir")/comm)\" = tini ]" || die "the namespaces were not made: $(tail -3 "$dir/machine.log")"
}

machine_stop() { # DIR: like a power cut; what the engine has on disk stays
  local dir=$1 pid root i
  if pid=$(machine_of "$dir"); then
    kill -KILL "$pid" # --kill-child: its pid 1 dies with it, and with that everything inside
    wait_for 10 gone "$pid" || die "process $pid does not end"
  fi
  for i in 1 2 3 4 5 6 7 8 9 10; do
    for root in $(cgroup_roots); do
      [ -d "$root/$(cgroup_name "$dir")" ] && find "$root/$(cgroup_name "$dir")" -depth -type d -exec rmdir {} \; 2>/dev/null
    done
    [ -z "$(for root in $(cgroup_roots); do ls -d "$root/$(cgroup_name "$dir")" 2>/dev/null; done)" ] && break
    sleep 0.1
  done
}

remove() { # DIR
  [ -d "$1" ] || return 0
  wait_for 5 sh -c "! grep -q ' $1/' /proc/self/mounts"
  rm -rf --one-file-system "$1"
}

watch() { # DIR COMMAND: `SCRIPT COMMAND DIR` once the owner has ended
  [ -n "${ZOE_DOCKERD_OWNER:-}" ] || return 0
  setsid "$dockerd_script" __watch "$1" "$ZOE_DOCKERD_OWNER" "$(readlink -f "$0")" "$2" </dev/null >/dev/null 2>&1 &
  echo $! >"$1/watch.pid"
}
unwatch() { # DIR
  local pid
  [ "${ZOE_DOCKERD_WATCH:-}" = 1 ] || { pid=$(pid_of "$1" watch.pid __watch) && kill -- -"$pid" 2>/dev/null; }
}

start() { # DIR
  local dir=$1
  check
  machine_start "$dir"
  watch "$dir" stop
  engine_start "$dir"
  if [ "${ZOE_DOCKERD_SWARM:-1}" != 0 ]; then
    dk "$dir" swarm init --advertise-addr 127.0.0.1 --dispatcher-heartbeat 1s >/dev/null || die "swarm init failed"
  fi
  [ "${ZOE_DOCKERD_IMAGE:-1}" = 0 ] || import_image "$dir"
  echo "unix://$dir/docker.sock"
}

stop() { # DIR
  unwatch "$1"
  machine_stop "$1"
  remove "$1"
}

usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
[ $# -ge 1 ] || usage
[ "$1" = check ] || [ $# -ge 2 ] || die "which directory?"
dir=$(readlink -m "${2:-.}")
case $1 in
  check) check ;;
  start) start "$dir" ;;
  engine-stop) engine_stop "$dir" ;;
  engine-start) engine_start "$dir" ;;
  run) shift 2; inside "$dir" "$@" ;;
  stop) stop "$dir" ;;
  __machine) machine "$dir" ;;
  __init) init_of "$dir" ;;
  __watch) tail --pid="$3" -f /dev/null; ZOE_DOCKERD_WATCH=1 exec "$4" "$5" "$dir" ;;
  *) die "unknown command $1" ;;
esac
