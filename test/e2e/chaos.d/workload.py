"""workload.py: clients that create, change and delete executions through any controller, and the ledger of what they were told."""
import http.client
import json
import random
import threading
import time

from fixture import NAMESPACE

PATH = f"/apis/zoe/v1/namespaces/{NAMESPACE}/executions"
SLEEPERS = [f"sleeper-{i}" for i in range(6)]
JOBS = [f"job-{i}" for i in range(3)]
MARK = "write"  # label: the number of the write that made this version of the object
REFUSALS = (400, 404, 409, 410, 422, 429, 503)  # nothing has been written; any other failure may have been


def sleeper(name, replicas, value, labels=None):
    services = [{"name": "main", "image": "zoe-test:1", "command": ["sleep", "infinity"], "env": [{"name": "VALUE", "value": value}],
                 "replicas": {"total": replicas}, "stopGracePeriodSeconds": 1}]
    return execution(name, services, labels)


def job(name, value):
    return execution(name, [{"name": "main", "image": "zoe-test:1", "command": ["sleep", "2"], "env": [{"name": "VALUE", "value": value}],
                             "monitor": True, "restart": {"policy": "on-failure"}, "stopGracePeriodSeconds": 1}], None)


def execution(name, services, labels):
    return {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels or {})},
            "spec": {"application": {"services": services}}}


class Write:
    """One write and what became of it. `outcome`: acknowledged (then `revision`, `uid` and `spec` are the answer's), refused, unknown."""

    def __init__(self, number, method, name, controller, base, uid):
        self.number, self.method, self.name, self.controller, self.base, self.uid = number, method, name, controller, base, uid
        self.sent, self.outcome, self.code, self.revision, self.spec = time.monotonic(), "unknown", 0, 0, None

    def __str__(self):
        return (f"#{self.number} {self.method} {self.name} by controller {self.controller} over {self.base}: {self.outcome} {self.code}"
                f" revision {self.revision}")


class Ledger:
    def __init__(self):
        self.lock, self.writes = threading.Lock(), []

    def begin(self, method, name, controller, base, uid):
        with self.lock:
            self.writes.append(Write(len(self.writes) + 1, method, name, controller, base, uid))
            return self.writes[-1]

    def count(self, outcome):
        return sum(w.outcome == outcome for w in self.writes)


def send(ledger, controller, method, name, body, kind="application/json", base=0, uid=""):
    """Sends a marked write and enters its outcome."""
    write = ledger.begin(method, name, controller.k, base, uid)
    if body is not None and method != "DELETE":
        body["metadata"].setdefault("labels", {})[MARK] = str(write.number)
    try:
        code, said = controller.ask(method, PATH if method == "POST" else f"{PATH}/{name}", body, kind)
    except ConnectionRefusedError:
        write.outcome = "refused"
        return write
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        return write
    write.code = code
    if code < 300:
        write.outcome = "acknowledged"
        if said.get("kind") == "Execution":
            write.revision, write.uid = int(said["metadata"]["resourceVersion"]), said["metadata"]["uid"]
            write.spec = said.get("spec")
    elif code in REFUSALS:
        write.outcome = "refused"
    return write


class Client(threading.Thread):
    """Reads from one controller and writes over what it has read through another, as people with kubectl behind a balancer do."""

    def __init__(self, ledger, controllers, seed, pause):
        super().__init__(daemon=True)
        self.ledger, self.controllers, self.random, self.pause = ledger, controllers, random.Random(seed), pause
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.random.expovariate(1 / self.pause)):
            self.act()

    def act(self):
        name = self.random.choice(SLEEPERS * 2 + JOBS)
        reader, writer = self.random.choice(self.controllers), self.random.choice(self.controllers)
        try:
            code, known = reader.ask("GET", f"{PATH}/{name}", timeout=5)
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return
        if code == 404:
            value = str(self.random.randrange(1 << 30))
            body = job(name, value) if name in JOBS else sleeper(name, self.random.randint(1, 3), value)
            send(self.ledger, writer, "POST", name, body)
        elif code == 200:
            self.change(writer, name, known)

    def change(self, writer, name, known):
        revision, chance = known["metadata"]["resourceVersion"], self.random.random()
        base, uid, service = int(revision), known["metadata"]["uid"], known["spec"]["application"]["services"][0]
        if chance < 0.2 or (name in JOBS and chance < 0.6):
            send(self.ledger, writer, "DELETE", name, {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}, uid=uid)
        elif chance < 0.35:
            suspend = not known["spec"].get("suspend", False)
            send(self.ledger, writer, "PATCH", name, {"metadata": {}, "spec": {"suspend": suspend}}, "application/merge-patch+json")
        elif chance < 0.5 or name in JOBS:
            send(self.ledger, writer, "PATCH", name, {"metadata": {}}, "application/merge-patch+json")
        else:
            if chance < 0.75:
                service["replicas"] = {"total": self.random.randint(1, 3)}
            else:
                service["env"] = [{"name": "VALUE", "value": str(self.random.randrange(1 << 30))}]
            known.pop("status", None)
            send(self.ledger, writer, "PUT", name, known, base=base)
