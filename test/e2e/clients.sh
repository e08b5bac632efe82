#!/bin/bash
# Clients that others wrote, against a controller that is killed and restarted again and again: the Python client of Debian and the informer of
# the JavaScript client, which npm brings into ${ZOE_CLIENT_CACHE:-/var/cache/zoe/clients}. For ${ZOE_CLIENTS_SECONDS:-120} seconds.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
cache=${ZOE_CLIENT_CACHE:-/var/cache/zoe/clients}
/usr/bin/python3 -c 'import kubernetes' 2>/dev/null || { echo "skipped: python3-kubernetes is not installed"; exit 77; }
for tool in node npm; do command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }; done
modules=$cache/javascript-$(cat "$here"/clients.d/package*.json | cksum | cut -d' ' -f1)
if [ ! -e "$modules/complete" ]; then
  mkdir -p "$modules" && cp "$here"/clients.d/package*.json "$modules/"
  (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund) >"$modules/log" 2>&1 || { tail -5 "$modules/log"; echo "skipped: npm can't bring the client"; exit 77; }
  touch "$modules/complete"
fi
export ZOE_BIN=${ZOE_BIN:-$here/../../build/release/bin} ZOE_MODULES=$modules
exec /usr/bin/python3 "$here/clients.d/storm.py" "${ZOE_CLIENTS_SECONDS:-120}"
