#!/bin/sh
# Requests a second of the HTTP API on this machine: http.sh BUILD_DIR [SECONDS]. Needs a release build and wrk, which shares the cores.
set -eu
build=${1:?usage: http.sh BUILD_DIR [SECONDS]}
seconds=${2:-5}
work=$(mktemp -d)
mkfifo "$work/stdin"
"$build/bin/bench_http_server" 0 1000 <"$work/stdin" >"$work/out" 2>"$work/err" &
server=$!
exec 3>"$work/stdin"
trap 'exec 3>&-; wait $server || true; rm -rf "$work"' EXIT
until grep -q listening "$work/out"; do
  kill -0 $server || { cat "$work/err"; exit 1; }
  sleep 0.1
done
url=$(sed 's/listening on //' "$work/out")/apis/zoe/v1/namespaces/alice/executions

run() {
  printf '%-32s' "$1"
  wrk -t1 -c"$2" -d"${seconds}s" --latency "$3" |
    awk '/Requests\/sec/ {r=$2} /99%/ {p=$2} /Transfer/ {t=$2} /Non-2xx/ {e=" errors: " $NF} END {print r " req/s  p99 " p "  " t "/s" e}'
}
run "GET one object, c=10" 10 "$url/wordcount-7"
run "GET one object, c=100" 100 "$url/wordcount-7"
run "GET one object, c=1000" 1000 "$url/wordcount-7"
run "LIST of 1000, c=10" 10 "$url"
run "LIST of 1000 by label, c=10" 10 "$url?labelSelector=project%3Dbooks"
run "LIST page of 100, c=10" 10 "$url?limit=100"
