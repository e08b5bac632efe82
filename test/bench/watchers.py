#!/usr/bin/env python3
"""watchers.py [WATCHERS] [CHANGES] [ROUNDS]: many watchers of all executions, each of which is to get every change; then the memory of idle ones.

The watchers are `watch_load`'s, in a process of its own. SQLite store, every write synced."""
import json
import os
import subprocess
import sys
import time

from lib import BIN, Controller, call

watchers = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
changes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
MANY = 4  # times as many for the difference of memory


class Load:
    def __init__(self, controller, path, count):
        words = [controller.host, str(controller.port), path, str(count)] + (["tls"] if controller.tls else [])
        self.process = subprocess.Popen([os.path.join(BIN, "watch_load"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"open\n":
            raise RuntimeError("the watches did not open")

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, events, seconds):
        self.ask(f"wait {events} {seconds}")
        return json.loads(self.process.stdout.readline())

    def stream(self):
        self.ask("stream")
        return [json.loads(line) for line in self.process.stdout.read(int(self.process.stdout.readline())).splitlines()]

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def execution(i):
    return {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": f"e{i}", "namespace": "bench", "labels": {"change": "none"}},
            "spec": {"suspend": True, "application": {"services": [
                {"name": "main", "image": "zoe/mini:latest", "command": ["sleep", "infinity"]}]}}}


def settled(connection):
    """The newest revision, once nothing changes any more."""
    revision = None
    while revision != (revision := call(connection, "GET", "/apis/zoe/v1/executions?limit=1")["metadata"]["resourceVersion"]):
        time.sleep(0.5)
    return revision


def delivery(controller):
    connection = controller.connect()
    path = "/apis/zoe/v1/namespaces/bench/executions"
    for i in range(changes):
        call(connection, "POST", path, execution(i))
    for number in range(rounds):
        load = Load(controller, f"/apis/zoe/v1/executions?watch=1&resourceVersion={settled(connection)}", watchers)
        cpu, began = controller.cpu_seconds(), time.time()
        for i in range(changes):
            connection.request("PATCH", f"{path}/e{i}", json.dumps({"metadata": {"labels": {"change": f"{number}-{i}"}}}),
                               {"Content-Type": "application/merge-patch+json"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()
        written = time.time() - began
        got = load.wait(changes, 30)
        seen = [event["object"]["metadata"]["labels"]["change"] for event in load.stream()]
        load.close()
        if seen != [f"{number}-{i}" for i in range(changes)] or got["differing"] or got["least"] != changes:
            raise RuntimeError(f"not every watcher saw every change: {got}, the stream: {seen}")
        print(f"{watchers} watchers, {changes} changes: written {written:.3f} s, the last seen by the last watcher {got['last'] - began:.3f} s after the first "
              f"write began; CPU of the controller {controller.cpu_seconds() - cpu:.2f} s", flush=True)


def memory(controller, what):
    connection = controller.connect()
    used = []
    for count in (watchers, MANY * watchers):
        load = Load(controller, f"/apis/zoe/v1/executions?watch=1&resourceVersion={settled(connection)}", count)
        time.sleep(1)
        used.append(controller.memory_mib() * 1024)
        load.close()
    each = (used[1] - used[0]) / ((MANY - 1) * watchers)
    print(f"{what}: RSS with {watchers} idle watchers {used[0] / 1024:.1f} MiB, with {MANY * watchers} {used[1] / 1024:.1f} MiB: {each:.1f} KiB each", flush=True)


controller = Controller("sim:nodes=3,cpus=8,memory=16Gi")
try:
    delivery(controller)
finally:
    controller.close()
for tls in (False, True):
    controller = Controller("sim:nodes=3,cpus=8,memory=16Gi", tls=tls)
    try:
        memory(controller, "TLS" if tls else "plain")
    finally:
        controller.close()
