#!/bin/bash
# A workspace on a real shared filesystem: sshfs (FUSE over SFTP, the lightest one that Debian has; GlusterFS and CephFS behave alike but
# need a cluster), mounted twice as on two nodes, in a mount namespace of its own. Its server is killed, hangs and comes back.
if [ -z "${SHARED_FILES_NAMESPACE:-}" ]; then
  for need in sshfs unshare /usr/lib/openssh/sftp-server; do
    command -v "$need" >/dev/null || { echo "skipped: $need is not installed"; exit 77; }
  done
  [ "$(id -u)" = 0 ] && [ -c /dev/fuse ] || { echo "skipped: needs root and /dev/fuse"; exit 77; }
  SHARED_FILES_NAMESPACE=1 exec unshare --mount --propagation private "$(readlink -f "$0")"
fi
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
swarm=sim:nodes=1,cpus=8,memory=16Gi deployment=e2e-shared
client_pids=()
end() {
  local code=$?
  for pid in "${client_pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  for pid in $(cat "$work"/*.pid 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
  umount -l "$work/node1" "$work/node2" 2>/dev/null || true
  cleanup "$code"
}
trap end EXIT

# What sshfs takes for ssh: the SFTP server itself, while there is one.
cat >"$work/connect" <<END
#!/bin/sh
[ ! -e "$work/down" ] || exit 1
echo \$\$ >"$work/\$1.pid"
exec /usr/lib/openssh/sftp-server
END
chmod +x "$work/connect"
mount_as() {  # NODE
  mkdir "$work/$1"
  sshfs -f "server:$work/export" "$work/$1" -o "ssh_command=$work/connect $1,reconnect,allow_other,dcache_timeout=1" 2>>"$work/sshfs.log" &
  client_pids+=($!)
  disown
  wait_for 10 mountpoint -q "$work/$1"
}
each_server() { for pid in $(cat "$work"/node?.pid); do kill "$1" "$pid" 2>/dev/null || true; done; }
ready() { zoe -n alice get workspace alice -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}/{.status.conditions[?(@.type=="Ready")].reason}'; }
ready_is() { [[ "$(ready)" == $1 ]]; }
bound=45  # seconds until a change of the filesystem shows: it is looked at every 30

mkdir "$work/export"
mount_as node1
mount_as node2

step "a directory with its owner and mode"
workspaces=$work/node1
start_controller
zoe apply -f - <<'END'
apiVersion: zoe/v1
kind: Workspace
metadata: {name: alice, namespace: alice}
spec: {uid: 4711, gid: 4712, mode: "0750", reclaimPolicy: Delete, quota: 1Mi}
END
wait_for 10 ready_is True/Ready
directory=$work/export/$deployment/alice
same "$(stat -c '%u:%g %a' "$directory")" "4711:4712 750"

step "files: put, get, list, remove; the other node sees them"
head -c 3000000 /dev/urandom >"$work/data"
zoe -n alice files put "$work/data" data
cmp "$work/data" "$work/node2/$deployment/alice/data"
same "$(stat -c '%u:%g %a' "$directory/data")" "4711:4712 644"
zoe -n alice files get data "$work/back"
cmp "$work/data" "$work/back"
zoe -n alice files mkdir in/deep
echo two >"$work/node2/$deployment/alice/in/deep/two"
same "$(zoe -n alice files get in/deep/two -)" two
same "$(zoe -n alice files ls | tr -s ' \n' ' ' | xargs)" "data in/"
zoe -n alice files rm -r in
[ ! -e "$directory/in" ] || fail "zoe files rm -r left something"
ln -s /etc "$directory/out"
if zoe -n alice files get out/passwd - >/dev/null 2>&1; then fail "a link has led out of the workspace"; fi

step "the server is killed: Ready says so; it comes back: Ready comes back"
touch "$work/down"
each_server -9
wait_for $bound ready_is False/Unavailable
if zoe -n alice files get data - >/dev/null 2>&1; then fail "a file of a dead server was served"; fi
rm "$work/down"
wait_for $bound ready_is True/Ready
zoe -n alice files get data - | cmp - "$work/data"

step "the server hangs: so do not the API and the controller"
each_server -STOP
wait_for $bound ready_is False/NotResponding
zoe -n alice get workspaces >/dev/null
each_server -CONT
wait_for $bound ready_is True/Ready

step "unmounted, nothing is made in the mount point; mounted again, all is as before"
umount -l "$work/node1"
wait_for $bound ready_is False/RootMissing
[ -z "$(ls -A "$work/node1")" ] || fail "something was made in the bare mount point"
rmdir "$work/node1"
mount_as node1
wait_for $bound ready_is True/Ready

step "deleted with its files, and nothing behind its links"
zoe -n alice delete workspace alice --timeout 30s
[ ! -e "$directory" ] || fail "the directory is still there"
[ -e /etc/passwd ] && [ -d "$work/export/$deployment" ] || fail "too much was removed"
stop_controller
