#!/usr/bin/env python3
"""sim.py [EXECUTIONS] [SERVICES]: applies executions to a simulated Swarm, SQLite store, and times until all are Ready; then looks at rest."""
import json
import sys
import threading
import time

from lib import Controller, call, condition, watch

count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
services = int(sys.argv[2]) if len(sys.argv) > 2 else 5
REST_SECONDS = 20


def execution(i):
    return {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": f"e{i}", "namespace": f"ns{i % 20}"}, "spec": {"application": {"services": [
        {"name": f"s{k}", "image": "zoe/mini:latest", "command": ["sleep", "infinity"],
         "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}} for k in range(services)]}}}


controller = Controller(f"sim:nodes={max(3, count // 20)},cpus=64,memory=256Gi")
try:
    bodies = [(f"/apis/zoe/v1/namespaces/ns{i % 20}/executions", json.dumps(execution(i)).encode()) for i in range(count)]
    ready, done, stop = set(), threading.Event(), threading.Event()

    def seen(event, _):
        if event["type"] in ("ADDED", "MODIFIED") and condition(event["object"], "Ready"):
            ready.add((event["object"]["metadata"]["namespace"], event["object"]["metadata"]["name"]))
            if len(ready) == count:
                done.set()

    threading.Thread(target=watch, args=(controller, 0, stop, seen), daemon=True).start()

    def post(part):
        connection = controller.connect()
        for path, body in part:
            call(connection, "POST", path, body)

    began = time.time()
    threads = [threading.Thread(target=post, args=(bodies[k::8],)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    applied = time.time() - began
    if not done.wait(120):
        raise RuntimeError(f"only {len(ready)} of {count} became Ready")
    total = time.time() - began
    cpu = controller.cpu_seconds()
    connection = controller.connect()

    def rest():
        text = call(connection, "GET", "/metrics").decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}

    revision = lambda: call(connection, "GET", "/apis/zoe/v1/executions?limit=1")["metadata"]["resourceVersion"]
    settled = revision()
    while True:  # events are written behind
        time.sleep(1)
        if settled == (settled := revision()):
            break
    writes, cpu_before = revision(), controller.cpu_seconds()
    time.sleep(REST_SECONDS)
    cpu_rest = (controller.cpu_seconds() - cpu_before) / REST_SECONDS
    writes = int(revision()) - int(writes)
    print(f"{count} executions of {services} services: applied {applied:.2f} s, all Ready {total:.2f} s, controller CPU {cpu:.2f} s")
    print(f"at rest for {REST_SECONDS} s: store writes {writes}, CPU {100 * cpu_rest:.2f} % of a core, RSS {controller.memory_mib():.0f} MiB "
          f"(peak {controller.memory_mib('VmHWM'):.0f})")
    stop.set()
finally:
    controller.close()
