#!/bin/bash
# ./quickstart from nothing, again in under 30 seconds, and --down, which leaves nothing.
cd "$(dirname "$(readlink -f "$0")")" && . ./lib.sh
use_engine
deployment=zoe
export ZOE_QUICKSTART_DIR=$work/quickstart ZOE_LISTEN=127.0.0.1:0
before=$(docker image ls -q | sort)
cd "$top"
trap 'code=$?; ./quickstart --down >/dev/null 2>&1 || true; cleanup $code' EXIT
./quickstart | tee "$work/first"
grep -q '^== done: Dask and coreutils counted the same' "$work/first"
began=$SECONDS
./quickstart | has '^== done'
took=$((SECONDS - began))
[ $took -lt 30 ] || fail "the second run took $took s"
ZOE_SERVER=$(sed -n 's/^ *export ZOE_SERVER=\([^ ]*\).*/\1/p' "$work/first") zoe get executions | has '^wordcount '
./quickstart --down
wait_for 20 nothing_left
same "$(docker image ls -q | sort)" "$before"
[ ! -e "$ZOE_QUICKSTART_DIR" ] || fail "left: $(find "$ZOE_QUICKSTART_DIR")"
