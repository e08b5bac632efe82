#!/usr/bin/env python3
"""gateway.py [ROUNDS]: from POST of a User to its first Gateway being Ready on a real Swarm, against concurrent raw Engine API calls that make the
same (network, secrets, service, task running) in the same run, in turn. Needs DOCKER_HOST=unix://… of a Swarm manager with the image
zoe/gateway:latest (test/e2e/engine up)."""
import base64
import json
import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from lib import Controller, UnixConnection, call, condition

rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
docker_host = os.environ["DOCKER_HOST"]
local = threading.local()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ bench"


def docker(method, path, body=None):
    if not hasattr(local, "connection"):
        local.connection = UnixConnection(docker_host.removeprefix("unix://"))
    return call(local.connection, method, "/v1.41" + path, body)


def labelled(kind, label):
    return docker("GET", f"/{kind}?filters=" + quote(json.dumps({"label": [label]})))


def wait(done):
    deadline = time.time() + 60
    while not done():
        if time.time() > deadline:
            raise RuntimeError("waited for a minute")
        time.sleep(0.02)


def raw(number, service, secrets, subnet, pool):
    """The same as `service` of the gateway: its network, its secrets, itself. Seconds to its task's running."""
    label = {"raw": f"g{number}"}
    began = time.time()
    network = pool.submit(docker, "POST", "/networks/create", {"Name": f"raw-{number}", "Driver": "overlay", "Labels": label, "Attachable": False,
                                                              "CheckDuplicate": True, "IPAM": {"Config": [{"Subnet": subnet}]}})
    made = list(pool.map(lambda s: docker("POST", "/secrets/create", {"Name": f"raw-{number}-{s[0]}", "Labels": label,
                                                                      "Data": base64.b64encode(s[1].encode()).decode()}), secrets.items()))
    spec = json.loads(json.dumps(service))
    spec["Name"], spec["Labels"] = f"raw-{number}", label
    spec["TaskTemplate"]["Networks"] = [{"Target": network.result()["Id"] if "Id" in network.result() else network.result()["ID"]}]
    files = dict(zip(secrets, made))
    for secret in spec["TaskTemplate"]["ContainerSpec"]["Secrets"]:
        secret["SecretID"], secret["SecretName"] = files[secret["File"]["Name"]]["ID"], f"raw-{number}-{secret['File']['Name']}"
    spec["TaskTemplate"]["ContainerSpec"]["Env"] = [f"ZOE_SUBNET={subnet}", "ZOE_SHELL=0"]
    docker("POST", "/services/create", spec)
    wait(lambda: any(t["Status"]["State"] == "running" for t in labelled("tasks", f"raw=g{number}")))
    return time.time() - began


def remove_raw():
    for service in labelled("services", "raw"):
        docker("DELETE", f"/services/{service['ID']}")
    wait(lambda: not labelled("tasks", "raw"))
    for secret in labelled("secrets", "raw"):
        docker("DELETE", f"/secrets/{secret['ID']}")
    for network in labelled("networks", "raw"):
        docker("DELETE", f"/networks/{network['Id']}")


def ready(path):
    seen = call(connection, "GET", path, ok=(200, 404))
    return seen["kind"] == "Gateway" and condition(seen, "Ready")


def ours():
    return [labelled(kind, "zoe.deployment=bench") for kind in ("services", "tasks", "secrets", "networks")]


controller = Controller(docker_host)
connection = controller.connect()
pool = ThreadPoolExecutor(8)
users, zoe_times, raw_times = "/apis/zoe/v1/users", [], []
try:
    for number in range(rounds + 1):
        name = f"user{number}"
        began = time.time()
        call(connection, "POST", users, {"apiVersion": "zoe/v1", "kind": "User", "metadata": {"name": name}, "spec": {"sshKeys": [KEY], "uid": 1001}})
        gateway = f"/apis/zoe/v1/namespaces/{name}/gateways/{name}"
        wait(lambda: ready(gateway))
        took = time.time() - began
        service = labelled("services", f"zoe.name={name}")[0]["Spec"]
        host_key = os.popen("d=$(mktemp -d) && ssh-keygen -q -t ed25519 -N '' -f $d/k && cat $d/k; rm -r $d").read()
        secrets = {"accounts": "user:1001:1001:*\n", "authorized_keys": KEY + "\n", "host_key": host_key}
        took_raw = raw(number, service, secrets, f"10.100.{number}.0/24", pool)
        print(f"round {number}{' (warm-up)' if number == 0 else ''}: zoe {took:.2f} s, raw API {took_raw:.2f} s", flush=True)
        if number > 0:
            zoe_times.append(took), raw_times.append(took_raw)
        call(connection, "DELETE", f"{users}/{name}")
        wait(lambda: not any(ours()))
        remove_raw()
    median = statistics.median
    print(f"a user's first gateway, {rounds} rounds (medians): zoe {median(zoe_times):.2f} s, raw API {median(raw_times):.2f} s, "
          f"ratio {median([a / b for a, b in zip(zoe_times, raw_times)]):.3f}")
finally:
    remove_raw()
    controller.close()
