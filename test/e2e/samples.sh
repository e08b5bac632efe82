#!/bin/bash
# Every file of samples/ is applied, becomes Ready or Complete, and is deleted; nothing is left.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
use_engine
start_controller

for file in "$top"/samples/*.yaml; do
  step "$(basename "$file")"
  zoe validate -f "$file"
  zoe apply -f "$file" --wait --timeout 120s
  zoe apply -f "$file" | has -v ' unchanged$' && fail "applied again, $file is not unchanged"
  case $file in
    */wordcount.yaml)
      zoe logs wordcount -s client >"$work/client"; zoe logs wordcount -s coreutils >"$work/coreutils"
      diff "$work/client" "$work/coreutils" || fail "Dask and coreutils do not agree"
      grep -q ' words, ' "$work/client" || fail "no result: $(cat "$work/client")" ;;
    */dask.yaml)
      zoe logs primes -s client | has '^664579 primes below 10000000$' || fail "no such number: $(zoe logs primes -s client)" ;;
    */mpi-pi.yaml)
      zoe logs pi -s launcher | has '^pi=3\.14159265[0-9]* ranks=3 ' || fail "not pi: $(zoe logs pi -s launcher)" ;;
    */notebook.yaml)
      zoe logs notebook 2>&1 | has 'token=' || fail "the notebook prints no token: $(zoe logs notebook)"
      same "$(zoe get execution notebook -o 'jsonpath={.status.endpoints[0].address}')" \
        http://notebook.notebook.default:8888/apis/zoe/v1/namespaces/default/executions/notebook/endpoints/web/proxy/tree
      same "$(zoe get execution notebook -o 'jsonpath={.status.endpoints[0].url}')" \
        http://notebook.notebook.default:8888/apis/zoe/v1/namespaces/default/executions/notebook/endpoints/web/proxy/tree ;;
  esac
  zoe delete -f "$file" --timeout 60s
done
wait_for 40 nothing_left
same "$(zoe get executions,applications -A 2>/dev/null)" ""
stop_controller
