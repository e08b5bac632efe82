#!/usr/bin/env python3
"""swarm.py [ROUNDS]: one execution of 21 containers on a real Swarm, against the same services made by concurrent raw Engine API calls in the
same run, in turn. Needs DOCKER_HOST=unix://… of a Swarm manager with the image zoe/mini:latest (test/e2e/engine up)."""
import json
import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import quote

from lib import Controller, UnixConnection, call, condition, watch

rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
docker_host = os.environ["DOCKER_HOST"]
local = threading.local()


def docker(method, path, body=None):
    if not hasattr(local, "connection"):
        local.connection = UnixConnection(docker_host.removeprefix("unix://"))
    return call(local.connection, method, "/v1.41" + path, body)


def labelled(kind, label):
    return docker("GET", f"/{kind}?filters=" + quote(json.dumps({"label": [label]})))


def stamp(text):
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def wait_tasks(label, done):
    while True:
        tasks = labelled("tasks", label)
        if done(tasks):
            return tasks
        time.sleep(0.02)


def running(count):
    return lambda tasks: sum(t["Status"]["State"] == "running" for t in tasks) == count


def service(name, replicas=1):
    return {"name": name, "image": "zoe/mini:latest", "command": ["sleep", "infinity"], "replicas": {"total": replicas}, "stopGracePeriodSeconds": 1,
            "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}}}


SHAPES = {"21 services of one replica": [service("master")] + [service(f"w{i}") for i in range(20)],
          "1 service + 1 of 20 replicas": [service("master"), service("worker", 20)]}
controller = Controller(docker_host)
connection = controller.connect()
executions = "/apis/zoe/v1/namespaces/bench/executions"
pool = ThreadPoolExecutor(16)
try:
    # A first execution makes the namespace's network, which both sides then share.
    call(connection, "POST", executions, {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": "keep"},
                                          "spec": {"application": {"services": [service("keep")]}}})
    wait_tasks("zoe.name=keep", running(1))
    for shape, services in SHAPES.items():
        zoe_up, raw_up, zoe_down, raw_down, sent, told = [], [], [], [], [], []
        for number in range(rounds + 1):
            ready, stop = [], threading.Event()

            def seen(event, now):
                if event["object"]["metadata"]["name"] == f"run{number}" and condition(event["object"], "Ready") and not ready:
                    ready.append(now)

            since = call(connection, "GET", executions)["metadata"]["resourceVersion"]
            threading.Thread(target=watch, args=(controller, since, stop, seen), daemon=True).start()
            began = time.time()
            call(connection, "POST", executions, {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": f"run{number}"},
                                                  "spec": {"application": {"services": services}}})
            answered = time.time()
            tasks = wait_tasks(f"zoe.name=run{number}", running(21))
            up = time.time() - began
            while not ready:
                time.sleep(0.005)
            stop.set()
            made = labelled("services", f"zoe.name=run{number}")
            last_sent = max(stamp(s["CreatedAt"]) for s in made) - answered
            last_running = max(stamp(t["Status"]["Timestamp"]) for t in tasks)
            began = time.time()
            call(connection, "DELETE", f"{executions}/run{number}")
            wait_tasks(f"zoe.name=run{number}", lambda t: not t)
            down = time.time() - began

            specs = []
            for made_service in made:
                spec = made_service["Spec"]
                spec["Name"] = f"raw-{number}-{spec['Name']}"[:63]
                spec["Labels"] = {"raw": f"run{number}"}
                specs.append(spec)
            began = time.time()
            ids = list(pool.map(lambda spec: docker("POST", "/services/create", spec)["ID"], specs))
            wait_tasks(f"raw=run{number}", running(21))
            up_raw = time.time() - began
            began = time.time()
            list(pool.map(lambda i: docker("DELETE", f"/services/{i}"), ids))
            wait_tasks(f"raw=run{number}", lambda t: not t)
            down_raw = time.time() - began
            if number == 0:
                continue  # warm-up
            zoe_up.append(up), raw_up.append(up_raw), zoe_down.append(down), raw_down.append(down_raw)
            sent.append(1000 * last_sent), told.append(1000 * (ready[0] - last_running))
        med = statistics.median
        print(f"{shape}, {rounds} rounds (medians):")
        print(f"  apply -> all running: zoe {med(zoe_up):.2f} s, raw API {med(raw_up):.2f} s, ratio {med([a / b for a, b in zip(zoe_up, raw_up)]):.3f}")
        print(f"  delete -> all gone:   zoe {med(zoe_down):.2f} s, raw API {med(raw_down):.2f} s, ratio {med([a / b for a, b in zip(zoe_down, raw_down)]):.3f}")
        print(f"  apply answered -> last service created {med(sent):.1f} ms; last task running -> status says Ready {med(told):.0f} ms")
finally:
    try:
        call(connection, "DELETE", executions + "/keep", ok=(200, 404))
        wait_tasks("zoe.deployment=bench", lambda t: not t)
    finally:
        controller.close()
