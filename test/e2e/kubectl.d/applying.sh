# apply in both ways, diff.
walk_applying() {
  local file=$work/applying.yaml other=$work/other.yaml prune shown
  execution a >"$file"
  x 0 '=execution.zoe/a created (dry run)' apply -f "$file" --dry-run=client
  x 0 '=execution.zoe/a created (server dry run)' apply -f "$file" --dry-run=server
  x 1 '~\+  priority: 0' diff -f "$file"
  x 0 '=execution.zoe/a created' apply -f "$file"
  x 0 '=execution.zoe/a unchanged' apply -f "$file"
  x 0 '=' diff -f "$file"
  sed -i 's/priority: 0/priority: 5/' "$file"
  x 1 '~-  priority: 0.*\+  priority: 5' diff -f "$file"
  x 0 '=execution.zoe/a configured (server dry run)' apply -f "$file" --dry-run=server
  x 0 '=0' get execution a -o jsonpath='{.spec.priority}'
  x 0 '=execution.zoe/a configured' apply -f "$file"
  x 0 '=5' get execution a -o jsonpath='{.spec.priority}'
  sed '/priority/d' "$file" >"$other"
  x 0 '=execution.zoe/a configured' apply -f "$other"
  x 0 '=0' get execution a -o jsonpath='{.spec.priority}'
  x 0 '~kind: Execution' apply view-last-applied execution a
  x 0 '=execution.zoe/a configured' apply set-last-applied -f "$file"
  x 1 '' apply -f <(sed 's/name: main/name: "No DNS label"/' "$file")
  x 0 '~execution.zoe/b created'$'\n''execution.zoe/c created' apply -f <(execution b; execution c)
  x 2 '' diff -f /nothing
  mkdir -p "$work/folder-$version/in"
  execution f1 >"$work/folder-$version/1.yaml"; execution f2 >"$work/folder-$version/in/2.yaml"
  x 0 '=execution.zoe/f1 created' apply -f "$work/folder-$version"
  x 0 '=execution.zoe/f1 unchanged'$'\n''execution.zoe/f2 created' apply -R -f "$work/folder-$version"

  prune=--prune-whitelist=zoe/v1/Execution
  ! since 26 || prune=--prune-allowlist=zoe/v1/Execution
  k apply -f <(execution p1 'set: p'; execution p2 'set: p') >/dev/null || failed "apply a set"
  x 0 '~execution.zoe/p1 unchanged.*execution.zoe/p2 pruned' apply --prune -l set=p "$prune" -f <(execution p1 'set: p')
  x 1 '~executions\.zoe "p2" not found' get execution p2

  execution s >"$file"
  x 0 '=execution.zoe/s serverside-applied (server dry run)' apply --server-side -f "$file" --dry-run=server
  x 0 '=execution.zoe/s serverside-applied' apply --server-side -f "$file"
  x 0 '=execution.zoe/s serverside-applied' apply --server-side -f "$file"
  shown=(); ! since 21 || shown=(--show-managed-fields)
  x 0 '~kubectl Apply' get execution s "${shown[@]}" -o jsonpath='{range .metadata.managedFields[*]}{.manager} {.operation}{"\n"}{end}'
  sed -i 's/priority: 0/priority: 3/' "$file"
  x 1 '~-  priority: 0.*\+  priority: 3' diff --server-side -f "$file"
  x 1 '~error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.priority' apply --server-side --field-manager=other -f "$file"
  x 1 '~(Please review the fields above|conflict)' apply --server-side --field-manager=other -f "$file"
  x 0 '=execution.zoe/s serverside-applied' apply --server-side --field-manager=other --force-conflicts -f "$file"
  x 0 '=3' get execution s -o jsonpath='{.spec.priority}'
  x 1 '~conflict with "other"' apply --server-side -f <(execution s)
  x 0 '=execution.zoe/s serverside-applied' apply --server-side -f <(execution s | sed '/priority/d')
  x 0 '=3' get execution s -o jsonpath='{.spec.priority}'
  x 0 '=execution.zoe/s serverside-applied' apply --server-side --field-manager=other -f <(execution s | sed '/priority/d')
  x 0 '=0' get execution s -o jsonpath='{.spec.priority}'
  x 0 '=execution.zoe/s patched' patch execution s --type merge -p '{"spec": {"priority": 6}}'
  x 1 '~conflict with "kubectl-patch" using zoe/v1: \.spec\.priority' apply --server-side -f <(execution s)
  # An object of client-side apply changes over without a conflict with itself.
  x 0 '~execution.zoe/b serverside-applied' apply --server-side -f <(execution b 'app: b' 2) --force-conflicts
  x 0 '=2' get execution b -o jsonpath='{.spec.priority}'
  x 0 '~"s" deleted' delete executions --all
}
