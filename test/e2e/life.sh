#!/bin/bash
# An execution's life on a real Swarm: names, drift, crashes, engine restarts, failures, suspension, scaling, deletion.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
use_engine
start_controller
name_of() { docker service ls --filter "label=zoe.deployment=$deployment" --filter "label=zoe.service=$1" --format '{{.Name}}'; }
tasks_of() { docker service ps "$(name_of "$1")" --filter desired-state=running -q | sort; }
container_of() { docker ps -q --filter "label=com.docker.swarm.service.name=$(name_of "$1")" | head -1; }
replicas_are() { [ "$(docker service ls --filter "label=zoe.service=$1" --format '{{.Replicas}}' | cut -d' ' -f1)" = "$2" ]; }

cat >"$work/pair.yaml" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: pair}
spec:
  application:
    services:
    - name: web
      image: zoe/mini:latest
      command: [python3, -m, http.server, "8080"]
      ports: [{name: web, port: 8080, scheme: http, endpoint: true}]
      readiness: {http: {port: 8080}, periodSeconds: 1}
      stopGracePeriodSeconds: 1
    - name: worker
      image: zoe/mini:latest
      command: [sleep, infinity]
      env: [{name: ME, value: "{{dns.self}}"}, {name: N, value: "{{replica}}"}]
      replicas: {total: 2}
      startupOrder: 1
      stopGracePeriodSeconds: 1
Y
step "a service that is not ours stays as it is"
docker service create -d -q --name stranger --endpoint-mode dnsrr zoe/mini:latest sleep infinity >/dev/null
trap 'code=$?; docker service rm stranger >/dev/null 2>&1 || true; cleanup $code' EXIT
stranger=$(docker service inspect stranger -f '{{.Version.Index}} {{.ID}}')

step "apply, wait, names"
zoe apply -f "$work/pair.yaml" --wait --timeout 60s
worker=$(container_of worker)
for name in web web.pair web.pair.default web-1.pair worker-2.pair; do
  docker exec "$worker" getent hosts "$name" >/dev/null || fail "$name does not resolve"
done
docker exec "$worker" sh -c 'curl -fsS -o /dev/null http://web:8080/'
docker exec "$worker" sh -c 'case $ME in worker-$N.pair) ;; *) echo "$ME $N"; exit 1;; esac'

step "a label touches no container, a change of counts only scales"
before=$(tasks_of worker)
zoe label execution pair purpose=test
sed -i 's/total: 2/total: 3/' "$work/pair.yaml"
zoe apply -f "$work/pair.yaml" --wait --timeout 60s | has ' configured$'
wait_for 20 replicas_are worker 3/3
for task in $before; do tasks_of worker | has "$task" || fail "scaling replaced task $task"; done

step "a rolling change is waited for"
sed -i 's/{name: N, value/{name: VERSION, value: "2"}, {name: N, value/' "$work/pair.yaml"
zoe apply -f "$work/pair.yaml" --wait --timeout 90s | has ' configured$'
for container in $(docker ps -q --filter "label=com.docker.swarm.service.name=$(name_of worker)"); do
  docker exec "$container" sh -c '[ "$VERSION" = 2 ]' || fail "apply --wait came back before container $container was replaced"
done

step "drift is mended: scaled, changed, removed by hand"
docker service scale -d "$(name_of worker)=1" >/dev/null
wait_for 20 replicas_are worker 3/3
docker service update -d --env-add STRAY=1 "$(name_of web)" >/dev/null
clean() { ! docker service inspect "$(name_of web)" -f '{{.Spec.TaskTemplate.ContainerSpec.Env}}' | has STRAY && phase_is pair Running; }
wait_for 40 clean
docker service rm "$(name_of worker)" >/dev/null
wait_for 30 replicas_are worker 3/3

step "kill -9 of the controller in the middle of an apply"
sed 's/name: pair/name: pair2/' "$work/pair.yaml" >"$work/pair2.yaml"
zoe apply -f "$work/pair2.yaml"
kill_controller
start_controller
zoe wait execution pair2 --for=condition=Ready --timeout 60s
same "$(docker service ls --filter "label=zoe.name=pair2" -q | wc -l)" 2
zoe delete execution pair2 --timeout 60s

step "the engine restarts"
"$top/test/docker_fixture/dockerd.sh" engine-stop "$engine_dir"
wait_for 20 sh -c "! curl -fsS -o /dev/null $ZOE_SERVER/readyz"
zoe get execution pair >/dev/null
"$top/test/docker_fixture/dockerd.sh" engine-start "$engine_dir"
wait_for 30 curl -fsS -o /dev/null "$ZOE_SERVER/readyz"
wait_for 60 phase_is pair Running

step "suspend, resume, restart"
zoe suspend pair
wait_for 30 phase_is pair Suspended
wait_for 30 sh -c "[ -z \"\$(docker service ls -q --filter label=zoe.name=pair)\" ]"
zoe resume pair
zoe wait execution pair --for=condition=Ready --timeout 60s
before=$(tasks_of web)
zoe restart pair
restarted() { [ -n "$(tasks_of web)" ] && [ "$(tasks_of web)" != "$before" ] && phase_is pair Running; }
wait_for 60 restarted

step "what fails says why"
sed 's/name: pair/name: nope/; s,zoe/mini:latest,zoe/nothing:latest,' "$work/pair.yaml" >"$work/nope.yaml"
zoe apply -f "$work/nope.yaml"
says() { zoe describe execution "$1" | has "$2"; }
wait_for 20 says nope "No such image"
zoe delete execution nope --timeout 60s
cat >"$work/fails.yaml" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: fails}
spec:
  application:
    services:
    - {name: job, image: "zoe/mini:latest", command: [sh, -c, "echo to no avail; exit 3"], monitor: true, restart: {policy: on-failure, maxAttempts: 1}}
Y
code=0; zoe apply -f "$work/fails.yaml" --wait --timeout 60s 2>"$work/err" || code=$?
same $code 1
grep -q 'exit code 3\|exit (3)' "$work/err" || fail "no exit code in: $(cat "$work/err")"
grep -q 'to no avail' "$work/err" || fail "no log lines in: $(cat "$work/err")"
same "$(zoe get execution fails -o 'jsonpath={.status.services[0].restarts}')" 1
sed 's/name: fails/name: waits/; s/exit 3/exit 0/; s/image:/resources: {requests: {memory: 4Ti}}, image:/' "$work/fails.yaml" >"$work/waits.yaml"
zoe apply -f "$work/waits.yaml"
wait_for 20 says waits "no node is large enough for one replica of job: it wants memory=4096Gi"
same "$(phase waits)" Queued

step "deletion in every state, and nothing is left"
zoe delete executions --all --timeout 90s
wait_for 40 nothing_left
same "$(docker service inspect stranger -f '{{.Version.Index}} {{.ID}}')" "$stranger"
stop_controller
