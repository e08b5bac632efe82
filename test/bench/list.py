#!/usr/bin/env python3
"""list.py [EXECUTIONS] [SECONDS]: the list of all executions as JSON, from the cache: megabytes (10^6 bytes) for each second of the server's CPU time.

Whoever reads throws it away, so that the server's CPU time, taken from /proc, is what is measured."""
import json
import re
import socket
import sys
import threading
import time

from lib import Controller, call

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
PATH = "/apis/zoe/v1/executions"


def execution(i):
    return {"apiVersion": "zoe/v1", "kind": "Execution",
            "metadata": {"name": f"wordcount-{i}", "namespace": f"ns{i % 20}", "labels": {"project": "books", "half": str(i % 2)}},
            "spec": {"suspend": True, "application": {"services": [
                {"name": "master", "image": "zoe/mini:latest", "command": ["sleep", "infinity"],
                 "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}},
                {"name": "worker", "image": "zoe/mini:latest", "command": ["sleep", "infinity"], "replicas": {"total": 3, "essential": 1}}]}}}


def fill(controller):
    def post(part):
        connection = controller.connect()
        for i in part:
            call(connection, "POST", f"/apis/zoe/v1/namespaces/ns{i % 20}/executions", execution(i))

    threads = [threading.Thread(target=post, args=(range(k, count, 8),)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    connection, revision = controller.connect(), None
    while revision != (revision := call(connection, "GET", PATH + "?limit=1")["metadata"]["resourceVersion"]):
        time.sleep(2)


def drain(controller, path, accept):
    """Lists until `seconds` are over: requests, bytes of bodies, the controller's CPU time."""
    connection = socket.create_connection((controller.host, controller.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode()
    buffer, requests, total = bytearray(4 << 20), 0, 0
    cpu, end = controller.cpu_seconds(), time.time() + seconds
    while time.time() < end:
        connection.sendall(request)
        got = connection.recv_into(buffer)
        while (head := buffer[:got].find(b"\r\n\r\n")) < 0:
            got += connection.recv_into(memoryview(buffer)[got:])
        assert buffer.startswith(b"HTTP/1.1 200"), bytes(buffer[:300])
        length = int(re.search(rb"Content-Length: (\d+)", bytes(buffer[:head]), re.I)[1])
        left = length - (got - head - 4)
        while left > 0:
            left -= connection.recv_into(buffer)
        requests, total = requests + 1, total + length
    return requests, total, controller.cpu_seconds() - cpu


def show(controller, what, path, accept="application/json"):
    drain_once = drain(controller, path, accept)
    requests, total, cpu = drain_once
    print(f"{what}: {requests} lists of {total / requests / 1e6:.2f} MB, {total / seconds / 1e6:.0f} MB/s, {total / cpu / 1e6:.0f} MB/s per core", flush=True)


def changing(controller, stop):
    connection = controller.connect()
    i = 0
    while not stop.is_set():
        connection.request("PATCH", f"/apis/zoe/v1/namespaces/ns{i % 20}/executions/wordcount-{i}", json.dumps({"metadata": {"labels": {"n": str(time.time_ns())}}}),
                           {"Content-Type": "application/merge-patch+json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        response.read()
        i = (i + 1) % count
        stop.wait(0.05)


controller = Controller("sim:nodes=3,cpus=64,memory=256Gi")
try:
    fill(controller)
    assert len(call(controller.connect(), "GET", PATH)["items"]) == count
    show(controller, "all, nothing changes", PATH)
    stop = threading.Event()
    thread = threading.Thread(target=changing, args=(controller, stop))
    thread.start()
    show(controller, "all, 20 changes a second", PATH)
    stop.set()
    thread.join()
    show(controller, "half of them, by label", PATH + "?labelSelector=half%3D1")
    show(controller, "pages of 500", PATH + "?limit=500")
    show(controller, "as a Table", PATH, "application/json;as=Table;v=v1;g=meta.k8s.io")
finally:
    controller.close()
