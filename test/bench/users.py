#!/usr/bin/env python3
"""users.py [USERS]: creates users on a simulated Swarm, SQLite store, and times until all are Ready, then until all are gone."""
import json
import sys
import threading
import time

from lib import Controller, call, condition, watch

count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
CLIENTS = 4

controller = Controller("sim:nodes=10,cpus=64,memory=256Gi")
try:
    ready, gone, stop = {}, set(), threading.Event()
    all_ready, all_gone = threading.Event(), threading.Event()

    def seen(event, when):
        name = event["object"]["metadata"].get("name")
        if event["type"] == "DELETED":
            gone.add(name)
            if len(gone) == count:
                all_gone.set()
        elif event["type"] in ("ADDED", "MODIFIED") and condition(event["object"], "Ready"):
            ready.setdefault(name, when)
            if len(ready) == count:
                all_ready.set()

    threading.Thread(target=watch, args=(controller, 0, stop, seen, "users"), daemon=True).start()

    def each(act):
        def part(k):
            connection = controller.connect()
            for i in range(k, count, CLIENTS):
                act(connection, f"user{i}")

        threads = [threading.Thread(target=part, args=(k,)) for k in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def create(connection, name):
        body = {"apiVersion": "zoe/v1", "kind": "User", "metadata": {"name": name}, "spec": {}}
        call(connection, "POST", "/apis/zoe/v1/users", json.dumps(body).encode())

    began = time.time()
    each(create)
    created = time.time() - began
    if not all_ready.wait(60):
        raise RuntimeError(f"only {len(ready)} of {count} became Ready")
    total = max(ready.values()) - began
    print(f"{count} users: created {created:.2f} s, all Ready {total:.2f} s, controller CPU {controller.cpu_seconds():.2f} s")

    connection = controller.connect()
    users = call(connection, "GET", "/apis/zoe/v1/users")["items"]
    subnets = {u["status"]["subnet"] for u in users if u["metadata"]["name"].startswith("user")}
    if len(subnets) != count:
        raise RuntimeError(f"{len(subnets)} subnets for {count} users")

    began = time.time()
    each(lambda c, name: call(c, "DELETE", f"/apis/zoe/v1/users/{name}"))
    if not all_gone.wait(60):
        raise RuntimeError(f"only {len(gone)} of {count} have gone")
    print(f"deleted, all gone {time.time() - began:.2f} s")
    stop.set()
finally:
    controller.close()
