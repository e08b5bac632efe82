# What there is: api-versions, api-resources, version, explain, config, proxy, get --raw.
walk_discovery() {
  local group=$'zoe' served named pid port
  x 0 '~(^|'$'\n'')v1'$'\n''(.*'$'\n'')?zoe/v1' api-versions
  x 0 '~NAME +SHORTNAMES +API(VERSION|GROUP) +NAMESPACED +KIND' api-resources
  x 0 '~executions +exec +zoe(/v1)? +true +Execution' api-resources
  x 0 '~users +zoe(/v1)? +false +User' api-resources --namespaced=false
  x 0 '~(^|'$'\n'')nodes'$'\n' api-resources -o name --api-group=
  x 0 '' api-resources -o name --api-group=zoe
  named=$(sed 's/\.zoe$//' <<<"$out" | sort)
  x 0 '' get --raw /apis/zoe/v1
  served=$(python3 -c 'import json,sys; print("\n".join(sorted(r["name"] for r in json.load(sys.stdin)["resources"] if "/" not in r["name"])))' <<<"$out")
  is "api-resources -o name has what /apis/zoe/v1 has" "$named" "$served"
  x 0 '~executions +exec .*create.*delete.*deletecollection.*get.*list.*patch.*update.*watch' api-resources -o wide --api-group=zoe
  x 0 '~(^|'$'\n'')executions\.zoe' api-resources -o name --verbs=list,watch,patch
  ! since 27 || x 0 '~(^|'$'\n'')executions\.zoe' api-resources -o name --categories=all
  x 0 '~Server Version' version
  x 0 '~"serverVersion": \{' version -o json
  x 0 '~"groupVersion": *"zoe/v1"' get --raw /apis/zoe/v1
  x 0 '~"APIVersions"|"kind": *"APIVersions"' get --raw /api
  x 0 '=ok' get --raw /readyz
  x 1 '~Error from server \(NotFound\): the server could not find the requested resource' get --raw /apis/nothing/v1
  x 0 '~"swagger": *"2.0"' get --raw /openapi/v2

  x 0 '~KIND: +Execution' explain executions
  x 0 '~VERSION: +(zoe/)?v1' explain executions
  x 0 '~spec'$'\t''.*status'$'\t' explain exec
  x 0 '~FIELD: +priority <integer>' explain executions.spec.priority
  x 0 '~FIELDS:.*image'$'\t''+<string>' explain execution.spec.application.services
  x 0 '~(RESOURCE|FIELD): +metadata <(ObjectMeta|Object)>' explain execution.metadata
  x 0 '~resourceVersion' explain execution --recursive
  x 0 '~KIND: +Pod' explain pods
  x 0 '~FIELD: +phase <string>' explain pods.status.phase
  x 1 '~error: field "nothing" does not exist' explain execution.spec.nothing
  x 1 '~(the server doesn.t have a resource type "nothing"|couldn.t find resource for)' explain nothing

  x 0 '=here' config current-context
  x 0 '~server: http' config view --minify
  x 0 '~\* +here +here' config get-contexts
  in_background "$work/proxy-$version" proxy --port=0
  pid=$!
  holds "kubectl proxy starts" soon 10 grep -q 'Starting to serve on' "$work/proxy-$version"
  port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/proxy-$version")
  holds "kubectl proxy leads to the API" sh -c "curl -fsS http://127.0.0.1:$port/apis/zoe/v1/executions | grep -q ExecutionList"
  end_background $pid
}
