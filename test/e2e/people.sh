#!/bin/bash
# Two people with their places on a Swarm of three managers: ways in, a notebook, each one's own network, a node lost, a farewell. Brings its
# own Swarm; what stands for the people's machines is beside the nodes, with a cable to them and no part of any overlay network.
self=$(readlink -f "$0")
cd "$(dirname "$self")" && . ./lib.sh
fixture=$top/test/docker_fixture/swarm.sh
why=$("$fixture" check 2>&1) || { echo "skipped: $why"; exit 77; }
for tool in debootstrap ssh ssh-keygen; do command -v $tool >/dev/null || { echo "skipped: needs $tool"; exit 77; }; done

if [ -z "${ZOE_PEOPLE_NODES:-}" ]; then  # around it: the nodes with their images
  nodes=$work/nodes
  finish() {
    local code=$?
    "$fixture" down "$nodes" || code=1
    rm -rf "$work"
    exit $code
  }
  trap finish EXIT
  ZOE_DOCKERD_OWNER=$$ "$fixture" up "$nodes" 3
  export DOCKER_HOST=unix://$nodes/1/docker.sock
  "$top/manifests/images/build" gateway jupyter
  docker save -o "$work/gateway.tar" zoe/gateway:latest
  for k in 2 3; do docker -H "unix://$nodes/$k/docker.sock" load -q -i "$work/gateway.tar" >/dev/null & loads+=($!); done
  for k in "${loads[@]}"; do wait "$k" || fail "a node can't load the image"; done
  step "three managers with images after $SECONDS s"
  code=0
  ZOE_PEOPLE_NODES=$nodes "$fixture" outside "$nodes" "$self" || code=$?
  exit $code
fi

nodes=$ZOE_PEOPLE_NODES
export DOCKER_HOST=unix://$nodes/1/docker.sock
swarm=unix://$nodes/1/docker.sock,unix://$nodes/2/docker.sock,unix://$nodes/3/docker.sock
tunnel= events=
finish() {
  local code=$? pid
  for pid in $tunnel $events; do kill "$pid" 2>/dev/null || true; done
  cleanup $code
}
trap finish EXIT

on() { local k=$1; shift; timeout 30 docker -H "unix://$nodes/$k/docker.sock" "$@"; }
as() { local user=$1; shift; ZOE_USER=$user ZOE_PASS=$user-password zoe -n "$user" "$@"; }
gateway() { as "$1" get gateway "$1" -o "jsonpath={.status.$2}"; }
# USER NODE: its gateway is ready, and elsewhere. Asked at once, for it may move between two questions.
elsewhere() { as "$1" get gateway "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.node}' | has "^True node-[^${2#node-}]$"; }
is_ready() { elsewhere "$1" 0; }
socks() {  # USER CREDENTIALS URL [CURL-OPTION...]: through USER's gateway
  local user=$1 credentials=$2 url=$3; shift 3
  curl -sS -m 10 --socks5-hostname "$credentials@$(gateway "$user" address):$(gateway "$user" socksPort)" "$@" "$url"
}
refused() { local said; said=$("$@" 2>&1) && fail "this was let through: $*: $said"; echo "$said" >"$work/refusal"; }
ssh_line() {  # USER KEY SSH-ARGUMENT...: sets $line: the command line of the status, which trusts its host key alone
  local user=$1 key=$2; shift 2
  echo "zoe-$deployment-$user $(gateway "$user" hostKey)" >"$work/known-$user"
  read -ra line <<<"$(gateway "$user" ssh | sed 's/^ssh -N /ssh /')"
  line=(timeout 20 "${line[@]}" -F none -i "$key" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes
    -o UserKnownHostsFile="$work/known-$user" -o LogLevel=ERROR "$@")
}
ssh_as() { ssh_line "$@"; "${line[@]}" </dev/null; }

export ZOE_ADMIN_PASSWORD=admin-password
auth=password
start_controller

step "an admin makes two users"
for user in alice bob stranger; do ssh-keygen -q -t ed25519 -N '' -C $user -f "$work/$user"; done
for user in alice bob; do
  cat <<Y
---
apiVersion: zoe/v1
kind: User
metadata: {name: $user}
spec:
  password: $user-password
  uid: $([ $user = alice ] && echo 12345 || echo 12346)
  sshKeys: ["$(cat "$work/$user.pub")"]
Y
done | as admin apply -f -
for user in alice bob; do
  as admin wait user $user --for=condition=Ready --timeout 60s
  is_ready $user || fail "no gateway: $(as admin describe gateway $user -n $user)"
done
# Alice's gateway keeps away from the node that leads and that runs her notebook.
as admin patch gateway alice -n alice --type merge -p '{"spec":{"constraints":["node.hostname != node-1"]}}'
wait_for 30 elsewhere alice node-1

step "alice runs a notebook"
cat >"$work/notebook.yaml" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: jup}
spec:
  application:
    services:
    - name: notebook
      image: zoe/jupyter:latest
      command: [jupyter, notebook, --ip=0.0.0.0, --no-browser, "--NotebookApp.token=t", "--NotebookApp.base_url={{proxy.web}}"]
      workDir: /mnt/workspace
      mounts: [{workspace: true, path: /mnt/workspace}]
      ports: [{name: web, port: 8888, scheme: http, path: /tree, endpoint: true, proxyPath: keep}]
      constraints: ["node.hostname == node-1"]
      readiness: {tcp: {port: 8888}, periodSeconds: 1}
      stopGracePeriodSeconds: 1
Y
as alice apply -f "$work/notebook.yaml" --wait --timeout 90s
path=/apis/zoe/v1/namespaces/alice/executions/jup/endpoints/web/proxy
notebook=http://notebook.jup:8888$path
container=$(docker ps -q --filter label=zoe.name=jup)
overlay=$(docker inspect -f "{{(index .NetworkSettings.Networks \"zoe-$deployment-alice\").IPAddress}}" "$container")

step "which opens by its name through her gateway's SOCKS5, for her alone"
socks alice alice:alice-password "$notebook/api/status?token=t" -f | has '"started"'
socks alice alice:alice-password "http://$overlay:8888$path/api/status?token=t" -f | has '"started"'
refused socks alice alice:wrong "$notebook/api"
has 'rejected' "$work/refusal"
refused socks alice bob:bob-password "$notebook/api"
refused curl -sS -m 10 --socks5-hostname "$(gateway alice address):$(gateway alice socksPort)" "$notebook/api"
refused curl -sS -m 3 "http://$overlay:8888$path/api"
# Nothing but her network: not the nodes, not the gateway itself.
for elsewhere in 10.88.0.1:2375 10.88.0.254 172.18.0.1 127.0.0.1:1080; do refused socks alice alice:alice-password "http://$elsewhere/"; done

step "and through SSH, with her key alone"
ssh_line alice "$work/alice" -N -D 127.0.0.1:11080
"${line[@]}" </dev/null &
tunnel=$!
through() { curl -sSf -m 10 --socks5-hostname 127.0.0.1:11080 "$notebook/api/status?token=t" | has '"started"'; }
wait_for 10 through
kill $tunnel; wait $tunnel 2>/dev/null || true; tunnel=
refused ssh_as alice "$work/stranger" -N -D 127.0.0.1:11081
has 'Permission denied (publickey)' "$work/refusal"
refused ssh_as alice "$work/bob" -N
refused ssh_as alice "$work/alice" -o PubkeyAuthentication=no -o PreferredAuthentications=password,keyboard-interactive true
refused ssh_as alice "$work/alice" 'echo a shell'
! has 'a shell$' "$work/refusal" || fail "a command ran: $(cat "$work/refusal")"
refused ssh_as alice "$work/alice"
refused ssh_as alice "$work/alice" -tt
refused ssh_as alice "$work/alice" -s sftp
refused ssh_as alice "$work/alice" -o ExitOnForwardFailure=yes -N -R 19999:127.0.0.1:22

step "bob's gateway leads to bob's network, not to hers"
refused socks bob bob:bob-password "$notebook/api"
refused socks bob bob:bob-password "http://$overlay:8888$path/api"
refused socks bob alice:alice-password "$notebook/api"

step "her files are hers"
socks alice alice:alice-password "$notebook/api/contents/made.txt?token=t" -f -X PUT -d '{"type":"file","format":"text","content":"by the notebook"}' | has '"made.txt"'
home=$work/workspaces/$deployment/alice
same "$(stat -c '%u:%g' "$home" "$home/made.txt")" $'12345:12345\n12345:12345'
same "$(as alice files get made.txt -)" "by the notebook"

step "a browser needs no proxy settings: a kernel through the API"
curl -sSf -m 10 -u alice:alice-password "$ZOE_SERVER$path/api/status?token=t" | has '"started"'
same "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -u bob:bob-password "$ZOE_SERVER$path/api/status?token=t")" 403
same "$(curl -s -m 10 -o /dev/null -w '%{http_code}' "$ZOE_SERVER$path/api/status?token=t")" 401
same "$(timeout 60 python3 ./kernel.py "$ZOE_SERVER$path" t alice alice-password 'print(6 * 7)')" 42

step "made again, at another address, the notebook opens as soon as it is ready, though its name was unknown in between"
as alice delete execution jup --timeout 60s
refused socks alice alice:alice-password "$notebook/api"
has '(4)' "$work/refusal"  # host unreachable
as alice apply -f "$work/notebook.yaml" --wait --timeout 90s
same "$(docker inspect -f "{{(index .NetworkSettings.Networks \"zoe-$deployment-alice\").IPAddress}}" "$(docker ps -q --filter label=zoe.name=jup)" | grep -cxF "$overlay")" 0
socks alice alice:alice-password "$notebook/api/status?token=t" -f | has '"started"'

step "the node of her gateway is lost: it moves, with its host key"
before=$(gateway alice node) key=$(gateway alice hostKey)
"$fixture" node-stop "$nodes" "${before#node-}"
began=$SECONDS
wait_for 60 elsewhere alice "$before"
step "from $before to $(gateway alice node) after $((SECONDS - began)) s"
same "$(gateway alice hostKey)" "$key"
socks alice alice:alice-password "$notebook/api/status?token=t" -f | has '"started"'
refused ssh_as alice "$work/alice" true
has 'not available' "$work/refusal"  # the host key was the known one

step "alice goes, in order; her files stay"
timeout 120 docker events --since "$(date +%s)" --filter type=service --filter type=network --filter type=secret \
  --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}' >"$work/events" &
events=$!
as admin delete user alice --timeout 90s
of() { docker service ls -q --filter "label=zoe.namespace=$1"; docker secret ls -q --filter "label=zoe.namespace=$1"; docker network ls -q --filter "label=zoe.namespace=$1"; }
same "$(of alice)" ""
same "$(cat "$home/made.txt")" "by the notebook"
as admin get executions,gateways,workspaces -n alice 2>&1 | has -i 'no resources found' || fail "$(as admin get executions,gateways,workspaces -n alice)"
removed() { grep -E '^(service|network) remove ' "$work/events" | sed -E 's/^service remove ([a-z]+)-.*/\1/; s/^network remove .*/network/' | tr '\n' ' '; }
told() { [[ "$(removed)" == *network* ]]; }
wait_for 10 told
same "$(removed)" "notebook gateway network "
socks bob bob:bob-password "http://notebook.jup/" >/dev/null 2>&1 || is_ready bob || fail "bob's gateway was harmed"

step "nothing is left of bob either"
as admin delete user bob --timeout 90s
same "$(of bob)" ""
[ -n "$(of admin)" ] || fail "the admin's place has gone with it"
stop_controller
step "done after $SECONDS s"
