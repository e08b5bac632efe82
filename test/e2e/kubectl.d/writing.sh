# create, replace, patch, edit, label, annotate, scale, wait, delete.
walk_writing() {
  local file=$work/writing.yaml invalid=$work/invalid.yaml unknown=$work/unknown.yaml old=$work/old.yaml edit=$work/edit
  execution a >"$file"
  sed 's/priority: 0/priority: 5000000000/; s/name: a/name: bad/' "$file" >"$invalid"
  sed 's/priority: 0/nothing: 0/; s/name: a/name: unknown/' "$file" >"$unknown"

  x 0 '=execution.zoe/a created (dry run)' create -f "$file" --dry-run=client
  x 0 '=execution.zoe/a created (server dry run)' create -f "$file" --dry-run=server
  x 1 '~NotFound' get execution a
  x 0 '=execution.zoe/a created' create -f "$file"
  x 1 "~Error from server \(AlreadyExists\): error when creating \"$file\": executions\.zoe \"a\" already exists" create -f "$file"
  x 1 '~[Ii]nvalid' create -f "$invalid" --validate=false
  x 1 '~The Execution "bad" is invalid: ' create -f <(sed 's/name: main/name: "No DNS label"/; s/name: a/name: bad/' "$file") --validate=false
  x 1 '~unknown field "(spec\.)?nothing"' create -f "$unknown"
  if since 25; then
    x 0 '~execution.zoe/unknown created' create -f "$unknown" --validate=false
  else  # which doesn't tell the server, and that is strict unless it is told
    x 1 '~spec\.nothing' create -f "$unknown" --validate=false
    k create -f <(execution unknown) >/dev/null || failed "create unknown"
  fi
  ! since 25 || x 0 '~Warning: unknown field "spec\.nothing"' create -f <(sed 's/name: unknown/name: warned/' "$unknown") --validate=warn
  x 0 '~execution.zoe/g-[a-z0-9]{5} created' create -f <(sed 's/name: a,/generateName: g-,/' "$file")
  x 0 '~execution.zoe/m1 created'$'\n''execution.zoe/m2 created' create -f <(execution m1; execution m2)
  x 0 '~execution.zoe/j created' create -f <(k create -f <(execution j) --dry-run=client -o json)
  x 1 '~no matches for kind "Nothing" in version "zoe/v1"' create -f <(sed 's/kind: Execution/kind: Nothing/' "$file")
  x 1 '~Error from server \((MethodNotAllowed|Forbidden)\)' create namespace elsewhere
  x 0 '=execution.zoe/a created (dry run)' create -f "$file" --dry-run=client

  k get execution a -o yaml >"$old"
  x 0 '=execution.zoe/a labeled' label execution a app=b --overwrite
  x 1 "~error: '?app'? already has a value \(b\), and --overwrite is false" label execution a app=c
  x 0 '~execution.zoe/a (un)?labeled' label execution a app-
  x 0 '~execution.zoe/a labeled' label execution a dry=yes --dry-run=server
  x 0 '=' get execution -l dry -o name
  x 0 '~^execution.zoe/a annotated?' annotate execution a note='an example'
  x 0 '=an example' get execution a -o jsonpath='{.metadata.annotations.note}'
  x 0 '~annotated?' annotate execution a note-
  x 1 '~invalid label value|Invalid value' label execution a 'app=no label value'

  x 1 '~Error from server \(Conflict\): error when replacing ".*": Operation cannot be fulfilled on executions\.zoe "a": the object has been modified; please apply your changes to the latest version and try again' \
    replace -f "$old"
  sed 's/priority: 0/priority: 7/' "$file" >"$file.7"
  x 0 '=execution.zoe/a replaced' replace -f "$file.7"
  x 0 '=7' get execution a -o jsonpath='{.spec.priority}'
  x 1 '~Error from server \(NotFound\): error when replacing' replace -f <(execution nothing)
  x 0 '~execution.zoe "a" deleted.*'$'\n''execution.zoe/a replaced' replace --force -f "$file"

  x 0 '=execution.zoe/a patched' patch execution a --type merge -p '{"spec": {"priority": 1}}'
  x 0 '=execution.zoe/a patched (no change)' patch execution a --type merge -p '{"spec": {"priority": 1}}'
  x 0 '=execution.zoe/a patched' patch execution a --type json -p '[{"op": "test", "path": "/spec/priority", "value": 1}, {"op": "replace", "path": "/spec/priority", "value": 2}]'
  x 0 '=2' get execution a -o jsonpath='{.spec.priority}'
  x 1 '' patch execution a --type json -p '[{"op": "test", "path": "/spec/priority", "value": 1}]'
  x 1 '~the server rejected our request due to an error in our request|[Ii]nvalid' patch execution a --type json -p '[{"op": "remove", "path": "/spec/nothing"}]'
  x 1 '~the body of the request was in an unknown format - accepted media types include: application/json-patch\+json, application/merge-patch\+json' \
    patch execution a -p '{"spec": {"priority": 3}}'
  x 1 '~Error from server \(NotFound\): executions\.zoe "nothing" not found' patch execution nothing --type merge -p '{}'
  x 0 '=execution.zoe/a patched' patch execution a --type merge -p '{"spec": {"priority": 9}}' --dry-run=server
  x 0 '=2' get execution a -o jsonpath='{.spec.priority}'
  if since 24; then
    x 0 '~^execution.zoe/a patched' patch execution a --subresource=status --type merge -p '{"status": {"queuePosition": 0}, "spec": {"priority": 8}}'
    x 0 '=2' get execution a -o jsonpath='{.spec.priority}'
  fi

  printf '#!/bin/sh\nsed -i "s/priority: 2/priority: 4/" "$1"\n' >"$edit"; chmod +x "$edit"
  EDITOR=$edit x 0 '=execution.zoe/a edited' edit execution a
  x 0 '=4' get execution a -o jsonpath='{.spec.priority}'
  EDITOR=true x 0 '~Edit cancelled, no changes made' edit execution a
  printf '#!/bin/sh\nsed -i "s/priority: 4/priority: many/" "$1"\n' >"$edit"
  EDITOR=$edit x 1 '~Edit cancelled, no valid changes were saved|is invalid|not valid' edit execution a

  walk_waiting
  walk_deleting
}

walk_waiting() {
  sed 's/suspend: true/suspend: false/' <(execution runs) | k apply -f - >/dev/null || failed "apply runs"
  x 0 '=execution.zoe/runs condition met' wait execution runs --for=condition=Ready --timeout=20s
  x 0 '=execution.zoe/runs condition met' wait --for=condition=Ready=true execution/runs --timeout=5s
  x 1 '~error: timed out waiting for the condition on executions/runs' wait execution runs --for=condition=Complete --timeout=1s
  ! since 23 || x 0 '=execution.zoe/runs condition met' wait execution runs --for=jsonpath='{.status.phase}'=Running --timeout=5s
  x 1 '~executions\.zoe "nothing" not found' wait execution nothing --for=condition=Ready --timeout=5s
  # The number of tasks of an execution's scalable service.
  x 0 '=execution.zoe/runs scaled' scale execution runs --replicas=2
  x 0 '=execution.zoe/runs condition met' wait execution runs --for=condition=Ready --timeout=20s
  x 1 '~Expected replicas to be 5, was 2' scale execution runs --current-replicas=5 --replicas=1
  # Held back until the wait has begun.
  x 0 '' patch execution runs --type json -p '[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/held"}]'
  x 0 '~execution.zoe "runs" deleted' delete execution runs --wait=false
  in_background "$work/waited" wait execution runs --for=delete --timeout=20s -v=6
  local pid=$! code=0
  holds "wait --for=delete watches" soon 15 grep -q 'watch=true' "$work/waited"
  x 0 '' patch execution runs --type json -p '[{"op": "test", "path": "/metadata/finalizers/0", "value": "example.com/held"}, {"op": "remove", "path": "/metadata/finalizers/0"}]'
  wait $pid || code=$?
  is "wait --for=delete" "$code $(grep 'condition met' "$work/waited")" "0 execution.zoe/runs condition met"
}

walk_deleting() {
  x 0 '~execution.zoe "m1" deleted.*\(server dry run\)' delete execution m1 --dry-run=server
  x 0 '=execution.zoe/m1' get execution m1 -o name
  x 0 '~execution.zoe "m1" deleted' delete execution m1
  x 1 '~Error from server \(NotFound\): executions\.zoe "m1" not found' delete execution m1
  x 0 '' delete execution m1 --ignore-not-found
  x 0 '~execution.zoe "m2" deleted' delete execution m2 --cascade=foreground
  x 0 '~execution.zoe "j" deleted' delete execution/j --cascade=orphan --grace-period=5
  x 0 '~execution.zoe "unknown" (force )?deleted' delete execution unknown --grace-period=0 --force
  k create -f <(execution l1 'set: l'; execution l2 'set: l'; execution l3 'set: other') >/dev/null || failed "create three"
  x 0 '~"l1" deleted.*"l2" deleted' delete executions -l set=l --now
  x 0 '=execution.zoe/l3' get execution -l set -o name
  x 0 '~execution.zoe "l3" deleted' delete -f <(execution l3)
  x 0 '~"a" deleted' delete executions --all
  x 0 '~No resources found' get executions
  x 0 '~No resources found' delete executions --all
  k create -f <(execution r1 'set: r'; execution r2 'set: r'; execution r3 'set: other') >/dev/null || failed "create three more"
  x 0 '' delete --raw '/apis/zoe/v1/namespaces/default/executions?labelSelector=set%3Dr'
  holds "deletecollection takes what the selector names" soon 10 is_listed 'execution.zoe/r3'
  x 0 '~"r3" deleted' delete executions --all
}
is_listed() { [ "$(k get executions -o name)" = "$1" ]; }
