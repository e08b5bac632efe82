#!/bin/bash
# Runs every `sh` block of the docs that can run without Docker, in order, against a controller on a simulated Swarm.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
swarm=sim:nodes=3,cpus=8,memory=16Gi
start_controller; stop_controller  # leaves state.db, the store that the operator guide backs up
store=memory:
start_controller
for page in user-guide operator-guide operations cli; do
  step "docs/$page.md"
  mkdir "$work/$page"; ln -s "$top/samples" "$work/$page/samples"; cp "$work/state.db" "$work/$page/"
  awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$top/docs/$page.md" >"$work/$page/commands"
  [ -s "$work/$page/commands" ] || fail "no sh block in docs/$page.md"
  (cd "$work/$page" && bash -euo pipefail -x commands >output 2>&1) || { tail -15 "$work/$page/output" >&2; fail "a command of docs/$page.md fails"; }
done
step "what docs/operations.md names is there"
curl -fsS "$ZOE_SERVER/metrics" >"$work/metrics"
for metric in $(grep -oh 'zoe_[a-z_]*[a-z]' "$top/docs/operations.md" | sort -u); do
  grep -q "^# TYPE $metric " "$work/metrics" || fail "docs/operations.md speaks of the metric $metric, which there is not"
done
"$top/test/e2e/log_lines.py" "$top" docs/operations.md || fail "docs/operations.md cites what no program logs"
for command in $(grep -oh '^    zoe [a-z-]*' "$top/docs/cli.md" | awk '{ print $2 }' | sort -u); do
  zoe "$command" --help >/dev/null || fail "docs/cli.md speaks of zoe $command, which there is not"
done
for link in $(grep -oh '](\([^)#]*\)' "$top"/README.md | sed 's/](//' | grep -v '^http'); do
  [ -e "$top/$link" ] || fail "README.md links to $link, which is not there"
done
stop_controller
