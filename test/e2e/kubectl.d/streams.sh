# What needs containers: logs, exec, attach, cp, port-forward.
serve_streams() {
  start_controller
  cat >"$work/pods.yaml" <<'Y'
apiVersion: zoe/v1
kind: Gateway
metadata: {name: default, namespace: default}
---
apiVersion: zoe/v1
kind: Execution
metadata: {name: talk}
spec:
  application:
    services:
    - name: web
      image: zoe/mini:latest
      command: [python3, -u, -c, "import http.server\nprint('one'); print('two'); print('three')\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=8080)"]
      ports: [{name: web, port: 8080, scheme: http}]
      readiness: {http: {port: 8080}, periodSeconds: 1}
      stopGracePeriodSeconds: 1
    - {name: echo, image: "zoe/mini:latest", command: [sh, -c, "while sleep 0.2; do echo tick; done"], stopGracePeriodSeconds: 1}
    - {name: flaky, image: "zoe/mini:latest", command: [sh, -c, "echo life; sleep 2; exit 3"], restart: {policy: always}, stopGracePeriodSeconds: 1,
       replicas: {total: 1, essential: 0}}
Y
  zoe apply -f "$work/pods.yaml"
  zoe wait execution talk --for=condition=EssentialReady --timeout 60s
  zoe wait gateway default --for=condition=Ready --timeout 60s
}
end_streams() {
  if /usr/bin/python3 -c 'import kubernetes' 2>/dev/null; then
    step "the Python client: exec and a port"
    checks=$((checks + 1))
    timeout 60 /usr/bin/python3 clients.d/streams.py "$ZOE_SERVER" default "$(pod_of web)" || failed "the Python client's streams"
  else
    skip "the Python client's streams: python3-kubernetes is not installed"
  fi
  zoe delete execution talk --timeout 60s
  zoe delete gateway default --timeout 60s
}
pod_of() { k get pods -l "zoe.service=$1" --field-selector status.phase=Running -o name | head -1 | cut -d/ -f2; }

walk_streams() {
  local web echo flaky pid port file=$work/sent
  web=$(pod_of web) echo=$(pod_of echo)
  holds "there are pods" [ -n "$web" ]

  x 0 '~^one'$'\n''two'$'\n''three' logs "$web"
  x 0 '~three' logs "$web" -c web
  x 0 '=tick' logs "$echo" --tail=1
  x 0 '~^20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9:]{5}) tick' logs "$echo" --tail=1 --timestamps
  x 0 '~tick' logs "$echo" --since=2s
  x 0 '' logs "$web" --since-time="$(date -u -d '+1 hour' +%FT%TZ)"
  is "nothing old was said in an hour" "$(grep -c three <<<"$out")" 0
  x 0 '~^\[pod/.*\] tick' logs -l zoe.service=echo --prefix --tail=1
  in_background "$work/follow" logs -f "$echo" --tail=1
  pid=$!
  holds "logs -f follows" soon 10 sh -c "[ \$(grep -c tick '$work/follow') -ge 4 ]"
  end_background $pid
  x 1 '~container nothing is not valid for pod' logs "$web" -c nothing
  holds "there is a pod that ended" soon 30 has_ended
  x 0 '~life' logs -p "$(has_ended)"
  x 1 '~Error from server \(BadRequest\): previous terminated container .* not found' logs -p "$web"

  x 0 '=hello' exec "$web" -- echo hello
  x 0 '~talk-web' exec "$web" -c web -- sh -c 'hostname; echo talk-web'
  x 3 '~command terminated with exit code 3' exec "$web" -- sh -c 'exit 3'
  x 0 '~err' exec "$web" -- sh -c 'echo err >&2'
  is "exec keeps stderr apart" "$out" ""
  x 0 '=5' exec -i "$web" -- wc -c <<<"four"
  checks=$((checks + 1)); k exec "$web" -- nothing-here >"$work/no" 2>&1 && failed "exec of a program that isn't there"
  grep -q 'nothing-here' "$work/no" || failed "exec says which program isn't there: $(cat "$work/no")"
  head -c 3000000 /dev/urandom >"$file"
  is "exec carries bytes both ways" "$(k exec -i "$web" -- cat <"$file" | cksum)" "$(cksum <"$file")"
  timeout 20 script -qec "$kubectl exec -it $web -- sh -c 'test -t 0 && stty size >/dev/null && echo ter\$((1))minal'" /dev/null </dev/null >"$work/terminal" || true
  holds "exec -t is a terminal" grep -q ter1minal "$work/terminal"
  x 1 '~pods "nothing" not found' exec nothing -- true
  x 1 '~container .*nothing' exec "$web" -c nothing -- true

  in_background "$work/attached" attach "$echo"
  pid=$!
  holds "attach shows what is said from now on" soon 10 grep -q tick "$work/attached"
  end_background $pid

  if k exec "$web" -- tar --version >/dev/null 2>&1; then
    x 0 '' cp "$file" "$web:/tmp/sent"
    x 0 '' cp "$web:/tmp/sent" "$work/back"
    holds "cp there and back" cmp "$file" "$work/back"
  else
    skip "cp: there is no tar in the image"
  fi

  in_background "$work/forward" port-forward "pod/$web" :8080
  pid=$!
  holds "port-forward starts" soon 10 grep -q '^Forwarding from 127.0.0.1' "$work/forward"
  port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$work/forward")
  holds "port-forward carries HTTP" sh -c "curl -fsS -m 10 http://127.0.0.1:$port/ | grep -q 'Directory listing'"
  holds "port-forward carries several at once" bash -c "for i in 1 2 3 4; do curl -fsS -m 10 -o /dev/null http://127.0.0.1:$port/ & pids+=(\$!); done; for pid in \${pids[@]}; do wait \$pid || exit 1; done"
  end_background $pid
}
has_ended() {  # prints the pod
  local pod
  pod=$(k get pods -l zoe.service=flaky -o jsonpath='{.items[?(@.status.containerStatuses[0].restartCount>0)].metadata.name}')
  [ -n "$pod" ] && echo "${pod%% *}"
}
