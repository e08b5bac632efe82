# The views of core/v1: namespaces, nodes, pods, events; logs of what the simulated Swarm runs; auth can-i and whoami without login.
walk_views() {
  local pod file=$work/views.yaml pid
  cat >"$file" <<'Y'
apiVersion: zoe/v1
kind: Execution
metadata: {name: pair, labels: {project: views}}
spec:
  application:
    services:
    - {name: web, image: "zoe/mini:latest", command: [sleep, infinity], ports: [{name: web, port: 8080}]}
    - {name: worker, image: "zoe/mini:latest", command: [sleep, infinity], replicas: {total: 2}}
Y
  x 0 '=execution.zoe/pair created' apply -f "$file"
  x 0 '=execution.zoe/pair condition met' wait execution pair --for=condition=Ready --timeout=20s
  x 0 '~NAME +STATUS +AGE'$'\n''.*default +Active ' get namespaces
  x 0 '=namespace/default' get ns default -o name
  x 0 '~Name: +default.*Status: +Active' describe namespace default
  x 0 '~NAME +STATUS +ROLES +AGE +VERSION'$'\n''[^ ]+ +Ready ' get nodes
  x 0 '~NAME .*INTERNAL-IP.*' get nodes -o wide
  x 0 '~Name: .*Roles: .*Capacity:.*cpu:.*Allocatable:.*' describe nodes
  x 0 '~condition met' wait node --all --for=condition=Ready --timeout=5s
  x 1 '~Error from server \((MethodNotAllowed|Forbidden)\)' label nodes --all zone=a
  x 1 '~Error from server \(NotFound\): nodes "nothing" not found' get node nothing

  x 0 '~NAME +READY +STATUS +RESTARTS +AGE'$'\n''pair-web-1-[a-z0-9]{5} +1/1 +Running +0 .*'$'\n''pair-worker-1-[a-z0-9]{5} .*'$'\n''pair-worker-2-[a-z0-9]{5} ' get pods
  x 0 '~NAME .* IP .*NODE .*' get pods -o wide
  x 0 '~^pod/pair-web-1-[a-z0-9]{5}' get pods -l zoe.service=web -o name
  pod=${out#pod/}
  x 0 '~pair-web.*pair-worker.*pair-worker' get pods -l project=views -o name
  x 0 '=Running Execution/pair' get pod "$pod" -o jsonpath='{.status.phase} {.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}'
  x 0 "=pod/$pod" get pods --field-selector metadata.name="$pod" -o name
  x 0 '~pod/' get pods --field-selector status.phase=Running -o name
  x 0 '=' get pods --field-selector status.phase=Failed -o name
  x 0 "~Name: +$pod.*Namespace: +default.*Node: .*Labels: .*Status: +Running.*Controlled By: +Execution/pair.*Containers:.*Image: +zoe/mini:latest.*State: +Running.*Restart Count: +0.*Conditions:.*Ready +True.*Events:" describe pod "$pod"
  x 0 "=pod/$pod condition met" wait pod "$pod" --for=condition=Ready --timeout=10s
  x 0 '~default +pair-web' get pods -A
  x 0 '~pod/pair-web.*execution.zoe/pair' get pods,executions
  x 1 '~Error from server \(NotFound\): pods "nothing" not found' get pod nothing
  x 1 '~Error from server \((MethodNotAllowed|Forbidden)\)' delete pod "$pod" --wait=false
  x 0 '' logs "$pod"
  x 0 '' logs "$pod" --tail=1 --timestamps
  x 1 '~[Ee]rror from server \(NotFound\): pods "nothing" not found' logs nothing

  holds "what pods use is measured" soon 20 sh -c "'$kubectl' top pods 2>/dev/null | grep -q ^pair-web"
  x 0 '~NAME +CPU\(cores\) +MEMORY\(bytes\).*'$'\n''pair-web-1-[a-z0-9]{5} +[0-9]+m +[0-9]+Mi.*pair-worker' top pods
  x 0 "~^$pod|NAME.*$pod +[0-9]+m" top pod "$pod"
  x 0 '~POD +NAME +CPU.*'$'\n''pair-web.* web ' top pods --containers -l zoe.service=web
  x 0 '~default +pair-web' top pods -A
  x 0 '~NAME +CPU\(cores\) +CPU.* +MEMORY\(bytes\).*'$'\n''[^ ]+ +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%' top nodes
  x 1 '~Error from server \(NotFound\)' top pod nothing

  x 0 '~LAST SEEN +TYPE +REASON +OBJECT +MESSAGE'$'\n''.*execution/pair' get events
  x 0 '~execution/pair' get events --field-selector involvedObject.name=pair
  x 0 '~(No resources found|^.?$)' get events --field-selector involvedObject.name=nothing
  x 0 '~execution/pair' get events --sort-by=.lastTimestamp
  x 0 '~Normal' get events --field-selector type=Normal,involvedObject.kind=Execution
  if since 26; then
    x 0 '~LAST SEEN +TYPE +REASON +OBJECT +MESSAGE'$'\n''.*Execution/pair' events
    x 0 '~Execution/pair' events --for execution/pair
    x 0 '~No events found|Normal|Warning' events --types=Warning
  fi
  x 0 '~Kind: +Execution.*Events:.*(Normal|Warning) ' describe execution pair

  in_background "$work/pods" get pods -w
  pid=$!
  holds "get pods -w begins" soon 10 grep -q '^pair-web-1' "$work/pods"
  k patch execution pair --type merge -p '{"spec": {"suspend": true}}' >/dev/null || failed "suspend"
  holds "its pod ends" soon 30 is_gone "$pod"
  holds "get pods -w shows the end" soon 10 sh -c "[ \$(grep -c '^$pod' '$work/pods') -ge 2 ]"
  end_background $pid

  x 0 '=yes' auth can-i create executions
  x 0 '=yes' auth can-i '*' '*'
  x 0 '~Resources +.*Verbs' auth can-i --list
  ! since 28 || x 0 '~ATTRIBUTE +VALUE'$'\n''Username +' auth whoami
  x 0 '~"pair" deleted' delete execution pair
  x 0 '~No resources found in default namespace' get pods
}
is_gone() { ! k get pod "$1"; }
