# get in all its forms, describe, watch.
walk_reading() {
  local pid list file=$work/reading.yaml
  x 0 '~No resources found in default namespace\.' get executions
  x 1 '~Error from server \(NotFound\): executions\.zoe "nothing" not found' get execution nothing
  x 0 '=' get execution nothing --ignore-not-found
  x 1 "~error: the server doesn't have a resource type \"nothings\"" get nothings
  { execution a 'app: a, tier: front' 3; execution b 'app: b, tier: back' 1; execution c 'app: c, tier: back' 2; execution d; execution e; } >"$file"
  k create -f "$file" >/dev/null || failed "create five executions"
  x 0 '~NAME +.*AGE.*'$'\n''a +.*'$'\n''b +' get executions
  x 0 '~(^|'$'\n'')a +' get exec --no-headers
  x 0 '=execution.zoe/a'$'\n''execution.zoe/b'$'\n''execution.zoe/c'$'\n''execution.zoe/d'$'\n''execution.zoe/e' get executions -o name
  x 0 '=execution.zoe/a'$'\n''execution.zoe/c' get execution a c -o name
  x 0 '=execution.zoe/a' get execution/a -o name
  x 0 '=execution.zoe/a' get executions.zoe a -o name
  x 0 '=execution.zoe/a' get executions.v1.zoe a -o name
  x 1 '~Error from server \(NotFound\): executions\.zoe "nothing" not found' get execution a nothing
  x 0 '~NAMESPACE +NAME.*'$'\n''default +a ' get executions -A
  x 0 '~NAME.*' get executions -o wide
  x 0 '~app=a,tier=front' get execution a --show-labels
  x 0 '~NAME .* TIER'$'\n''a .* front'$'\n' get executions -L tier
  x 0 '~execution\.zoe/a' get executions --show-kind
  x 0 '~"apiVersion": "zoe/v1".*"kind": "Execution"' get execution a -o json
  x 0 '~apiVersion: zoe/v1.*kind: Execution.*uid: ' get execution a -o yaml
  x 0 '~"kind": "List"' get executions -o json
  x 0 '=a Execution zoe/v1' get execution a -o jsonpath='{.metadata.name} {.kind} {.apiVersion}'
  x 0 '=a b c d e' get executions -o jsonpath='{.items[*].metadata.name}'
  x 0 '~N +T'$'\n''a +front'$'\n''d +<none>' get execution a d -o custom-columns=N:.metadata.name,T:.metadata.labels.tier
  x 0 '=3' get execution a -o go-template='{{.spec.priority}}'
  x 0 '=execution.zoe/b'$'\n''execution.zoe/c' get executions -l tier=back -o name
  x 0 '=execution.zoe/a'$'\n''execution.zoe/b' get executions -l 'app in (a,b)' -o name
  x 0 '=execution.zoe/c' get executions -l 'tier,tier!=front,app notin (b)' -o name
  x 1 '~Unable to find "zoe/v1, Resource=executions" that match label selector "tier=\("' get executions -l 'tier=('
  x 0 '=execution.zoe/b' get executions --field-selector metadata.name=b -o name
  x 0 '~execution.zoe/b' get executions --field-selector metadata.namespace=default,metadata.name!=a -o name
  x 1 '~Error from server \(BadRequest\).*field label not supported: spec.nothing' get executions --field-selector spec.nothing=1
  x 0 '=a b c d e' get executions --chunk-size=2 -o jsonpath='{.items[*].metadata.name}'
  x 0 '~a .*'$'\n''b .*'$'\n''c .*'$'\n''d .*'$'\n''e ' get executions --chunk-size=2
  x 0 '~'$'\n''b .*'$'\n''c .*'$'\n''a ' get executions -l tier --sort-by=.spec.priority
  x 0 '~execution\.zoe/a' get executions,applications
  x 0 '~execution\.zoe/a' get all
  is "get all has no events" "$(grep -c 'LAST SEEN' <<<"$out")" 0
  x 0 '=execution.zoe/a' get -f <(execution a) -o name
  ! since 24 || x 0 '~Suspended|Pending|phase' get execution a --subresource=status -o yaml
  x 0 '~"kind": *"ExecutionList"' get --raw /apis/zoe/v1/namespaces/default/executions
  x 0 '~"reason"|a' get --raw '/apis/zoe/v1/namespaces/default/executions?limit=1'

  x 0 '~Name: +a'$'\n''Namespace: +default'$'\n''Labels: +app=a' describe execution a
  x 0 '~Kind: +Execution.*Spec:.*Priority: +3.*Status:.*Events:' describe execution a
  x 0 '~Name: +b' describe execution -l tier=back
  x 1 '~executions\.zoe "nothing" not found' describe execution nothing

  in_background "$work/watch" get executions -w --output-watch-events
  pid=$!
  holds "get -w begins with what there is" soon 10 grep -Eq 'ADDED +e ' "$work/watch"
  k label execution b seen=yes >/dev/null || failed "label b"
  k delete execution e --wait=false >/dev/null || failed "delete e"
  k create -f <(execution f) >/dev/null || failed "create f"
  holds "get -w shows a change" soon 10 grep -Eq 'MODIFIED +b ' "$work/watch"
  holds "get -w shows a deletion" soon 10 grep -Eq 'DELETED +e ' "$work/watch"
  holds "get -w shows an addition" soon 10 grep -Eq 'ADDED +f ' "$work/watch"
  end_background $pid
  in_background "$work/watch" get executions -w -l app=a
  pid=$!
  holds "get -w -l prints a table" soon 10 grep -Eq '^a ' "$work/watch"
  k label execution a seen=yes >/dev/null || failed "label a"
  k label execution b seen=no --overwrite >/dev/null || failed "label b again"
  holds "get -w -l shows a change as a row" soon 10 sh -c "[ \$(grep -c '^a ' '$work/watch') -ge 2 ]"
  holds "get -w -l shows nothing else" sh -c "! grep -q '^b ' '$work/watch'"
  end_background $pid
  x 0 '~execution.zoe "a" deleted' delete executions --all
}
