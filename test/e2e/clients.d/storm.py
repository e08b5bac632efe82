"""storm.py SECONDS: creates, changes and deletes objects for so long, while the controller is ended (SIGTERM, kill -9) and started again on the
same store; then each informer has to know what a fresh list knows, resourceVersions included. Started by ../clients.sh."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ["ZOE_BIN"]
KINDS = {"executions": "/apis/zoe/v1/executions", "applications": "/apis/zoe/v1/applications", "pods": "/api/v1/pods"}
SETTLE_SECONDS = 30


class Controller:
    def __init__(self, folder):
        self.folder, self.port, self.process = folder, 0, None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [os.path.join(BIN, "zoe-controller"), "--auth", "none", "--listen", f"127.0.0.1:{self.port}", "--store", f"sqlite:{self.folder}/state.db",
             "--swarm", "sim:nodes=3,cpus=64,memory=64Gi", "--deployment", "e2e-clients", "--workspace-root", f"{self.folder}/ws"],
            stdout=subprocess.PIPE, stderr=open(f"{self.folder}/controller.log", "a"), text=True)
        for line in self.process.stdout:
            if found := re.match(r"listening on http://127.0.0.1:(\d+)", line):
                self.port = int(found[1])
                return
        raise SystemExit("the controller does not start: " + open(f"{self.folder}/controller.log").read()[-2000:])

    def end(self, with_signal):
        self.process.send_signal(with_signal)
        code = self.process.wait(20)
        if with_signal == signal.SIGTERM and code:
            raise SystemExit(f"the controller exited with {code} on SIGTERM")


class Storm(threading.Thread):
    """Writes over one connection, opened again when it breaks. Refusals such as 404 and 409 are part of it."""

    def __init__(self, controller, seed):
        super().__init__(daemon=True)
        self.controller, self.random, self.over = controller, random.Random(seed), threading.Event()
        self.done = {}

    def run(self):
        connection = None
        while not self.over.is_set():
            method, path, body = self.deed()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.controller.port, timeout=10)
                kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
                connection.request(method, path, body and json.dumps(body), {"Content-Type": kind})
                response = connection.getresponse()
                response.read()
                self.done[method, response.status] = self.done.get((method, response.status), 0) + 1
            except (OSError, http.client.HTTPException):
                connection = None
            self.over.wait(self.random.expovariate(60))

    def deed(self):
        """One of 40 executions, some of which run, or of 40 applications."""
        i = self.random.randrange(40)
        kind, plural = ("Execution", "executions") if self.random.random() < 0.7 else ("Application", "applications")
        path = f"/apis/zoe/v1/namespaces/storm{i % 3}/{plural}"
        services = [{"name": "main", "image": "zoe/mini:latest", "command": ["sleep", "infinity"]}]
        spec = {"services": services} if kind == "Application" else {"suspend": i % 4 > 0, "application": {"services": services}}
        chance = self.random.random()
        if chance < 0.4:
            return "POST", path, {"apiVersion": "zoe/v1", "kind": kind, "metadata": {"name": f"o{i}", "labels": {"n": "0"}}, "spec": spec}
        if chance < 0.8:
            return "PATCH", f"{path}/o{i}", {"metadata": {"labels": {"n": str(self.random.randrange(1 << 30))}}}
        return "DELETE", f"{path}/o{i}", None


class Informer:
    """A program that prints what it knows for each line that it reads: {"executions": {"NAMESPACE/NAME": RESOURCE-VERSION}, ...}."""

    def __init__(self, name, words, port, folder):
        self.name = name
        self.log = f"{folder}/{name}.log"
        self.process = subprocess.Popen([*words, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.log, "w"), text=True)

    def knows(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} has ended: " + open(self.log).read()[-2000:])
        return json.loads(line)


def fresh(port):
    """What a new list of each kind says."""
    lists = {}
    for plural, path in KINDS.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        body = json.loads(response.read())
        if response.status != 200:
            raise SystemExit(f"GET {path}: {body}")
        lists[plural] = {f"{i['metadata']['namespace']}/{i['metadata']['name']}": i["metadata"]["resourceVersion"] for i in body["items"]}
    return lists


def difference(knows, lists):
    return {plural: {name: (knows[plural].get(name), want.get(name)) for name in knows[plural].keys() | want.keys()
                     if knows[plural].get(name) != want.get(name)} for plural, want in lists.items() if plural in knows and knows[plural] != want}


def features(port):
    return subprocess.run(["/usr/bin/python3", f"{HERE}/features.py", str(port)]).returncode == 0


def main(seconds, folder):
    controller = Controller(folder)
    informers = []
    try:
        ok = features(controller.port)
        informers = [Informer("javascript", ["node", f"{HERE}/informer.mjs"], controller.port, folder),
                     Informer("python", ["/usr/bin/python3", f"{HERE}/informer.py"], controller.port, folder)]
        storms = [Storm(controller, seed) for seed in (1, 2)]
        for storm in storms:
            storm.start()
        end, restarts = time.time() + seconds, 0
        while time.time() + 3 < end:
            time.sleep(min(random.uniform(3, 12), end - time.time()))
            controller.end(signal.SIGKILL if restarts % 2 else signal.SIGTERM)
            controller.start()
            restarts += 1
        for storm in storms:
            storm.over.set()
            storm.join()
        print(f"{restarts} restarts, {sum(sum(s.done.values()) for s in storms)} writes answered: {[dict(sorted(s.done.items())) for s in storms]}")
        deadline = time.time() + SETTLE_SECONDS
        while True:
            lists = fresh(controller.port)
            differences = {i.name: difference(i.knows(), lists) for i in informers}
            if not any(differences.values()) and lists == fresh(controller.port):
                break
            if time.time() > deadline:
                raise SystemExit(f"FAILED: known and listed: {json.dumps(differences)[:3000]}")
            time.sleep(0.5)
        for informer in informers:
            knows = informer.knows()
            print(f"{informer.name}: knows what a fresh list knows ({', '.join(f'{len(v)} {k}' for k, v in knows.items() if k in KINDS)}); {knows['story']}")
        controller.end(signal.SIGTERM)
        if not ok:
            raise SystemExit("FAILED: see above")
    finally:
        for informer in informers:
            informer.process.kill()
            informer.process.wait()
        if controller.process.poll() is None:
            controller.process.kill()
            controller.process.wait()


if __name__ == "__main__":
    place = tempfile.mkdtemp(prefix="zoe-clients-")
    try:
        main(float(sys.argv[1]), place)
    finally:
        shutil.rmtree(place)
