"""observe.py: follows what the API and the Swarm say while the faults go on, and notes what must never be seen."""
import http.client
import json
import threading
import time

from fixture import NAMESPACE, Failure, PlaceConnection
from workload import MARK, PATH

ENDED = ("Succeeded", "Failed")


def version_of(item):
    """What one version of an object is compared by."""
    meta, status = item["metadata"], item.get("status", {})
    return {"name": meta["name"], "uid": meta["uid"], "mark": meta.get("labels", {}).get(MARK, ""), "generation": meta.get("generation"),
            "spec": json.dumps(item.get("spec"), sort_keys=True), "phase": status.get("phase", "")}


class History:
    """Every version that any watcher has seen, by its resourceVersion, and what was wrong."""

    def __init__(self):
        self.lock, self.versions, self.deleted, self.problems, self.relists, self.leaders = threading.Lock(), {}, {}, [], 0, set()

    def problem(self, what):
        with self.lock:
            if what not in self.problems:
                self.problems.append(what)

    def saw(self, revision, version, deleted, who):
        with self.lock:
            known = self.deleted if deleted else self.versions
            other = known.setdefault(revision, version)
        if not deleted and other != version:
            self.problem(f"controller {who} shows another version {revision} than before: {version} and {other}")


class Watcher(threading.Thread):
    """An informer on one controller: lists, watches, resumes where it was; lists again only when it is told to (410)."""

    def __init__(self, controller, history):
        super().__init__(daemon=True)
        self.controller, self.history, self.over = controller, history, threading.Event()
        self.revision, self.objects, self.listed = 0, {}, False

    def run(self):
        while not self.over.is_set():
            try:
                if not self.listed:
                    self.list()
                self.stream()
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                self.over.wait(0.3)

    def problem(self, what):
        self.history.problem(f"the watch of controller {self.controller.k}: {what}")

    def list(self):
        code, said = self.controller.ask("GET", PATH, timeout=5)
        if code != 200:
            self.over.wait(0.3)
            return
        revision = int(said["metadata"]["resourceVersion"])
        if revision < self.revision:
            self.problem(f"a list is of {revision}, after {self.revision} had been seen")
        self.objects = {}
        for item in said["items"]:
            self.take(int(item["metadata"]["resourceVersion"]), item)
        self.revision, self.listed = revision, True

    def stream(self):
        if not self.listed:
            return
        connection = PlaceConnection(self.controller.network, 4850, 40)
        try:
            connection.request("GET", f"{PATH}?watch=1&allowWatchBookmarks=1&timeoutSeconds=30&resourceVersion={self.revision}")
            response = connection.getresponse()
            if response.status == 410:
                self.expired()
                return
            if response.status != 200:
                self.over.wait(0.3)
                return
            while self.listed and not self.over.is_set() and (line := response.readline()):
                self.event(json.loads(line))
        finally:
            connection.close()

    def expired(self):
        self.listed = False
        with self.history.lock:
            self.history.relists += 1

    def event(self, event):
        item = event["object"]
        if event["type"] == "ERROR":
            if item.get("code") == 410:
                self.expired()
            return
        revision = int(item["metadata"]["resourceVersion"])
        if revision < self.revision or (revision == self.revision and event["type"] != "BOOKMARK"):
            self.problem(f"{event['type']} {item['metadata'].get('name')} of {revision} after {self.revision}")
        self.revision = max(self.revision, revision)
        if event["type"] == "DELETED":
            self.history.saw(revision, version_of(item), True, self.controller.k)
            if self.objects.pop(item["metadata"]["name"], None) is None:
                self.problem(f"{item['metadata']['name']} is deleted at {revision}, and wasn't there")
        elif event["type"] != "BOOKMARK":
            self.take(revision, item)

    def take(self, revision, item):
        version = version_of(item)
        self.history.saw(revision, version, False, self.controller.k)
        _, before = self.objects.get(version["name"], (0, None))
        self.objects[version["name"]] = (revision, version)
        if before is None:
            return
        if before["uid"] != version["uid"]:
            self.problem(f"{version['name']} became another object at {revision} without a DELETED in between")
        elif before["phase"] in ENDED and version["phase"] not in (*ENDED, "Terminating") and before["generation"] == version["generation"]:
            self.problem(f"{version['name']} went from {before['phase']} to {version['phase']} at {revision}")

    def knows(self):
        return {name: revision for name, (revision, _) in list(self.objects.items())}


class LeaderSampler(threading.Thread):
    """Asks one controller again and again whether it leads. While it has said so twice within a second, nobody else may say so."""

    def __init__(self, controller, history, claims):
        super().__init__(daemon=True)
        self.controller, self.history, self.claims, self.over = controller, history, claims, threading.Event()

    def run(self):
        last = None
        while not self.over.wait(0.2):
            asked = time.monotonic()
            leads, answered = self.controller.leads(), time.monotonic()
            with self.history.lock:
                self.claims.append((self.controller.k, asked, answered, leads))
                claims = self.claims[-60:]
                if leads:
                    self.history.leaders.add((self.controller.k, self.controller.process.pid))
            if leads and last and asked - last < 1:
                for k, other_asked, other_answered, other_leads in claims:
                    if other_leads and k != self.controller.k and last < other_asked and other_answered < asked:
                        self.history.problem(f"controllers {k} and {self.controller.k} both say that they lead")
            last = answered if leads else None


class SwarmWatcher(threading.Thread):
    """No service is ever there twice, and what is foreign stays as it is."""

    def __init__(self, swarm, history):
        super().__init__(daemon=True)
        self.swarm, self.history, self.over, self.foreign, self.samples = swarm, history, threading.Event(), {}, 0

    def adopt(self):
        """A service without labels, one of another deployment, a network: nobody's business."""
        template = {"TaskTemplate": {"ContainerSpec": {"Image": "zoe-test:1", "Command": ["sleep", "infinity"]}}, "Mode": {"Replicated": {"Replicas": 1}}}
        others = {"zoe.deployment": "another", "zoe.namespace": NAMESPACE, "zoe.kind": "Execution", "zoe.name": "aside", "zoe.uid": "1", "zoe.service": "main"}
        for name, labels in (("foreign", {}), ("foreign-labelled", others)):
            made = self.swarm.manager("POST", "/services/create", {"Name": name, "Labels": labels, **template})
            self.foreign[f"/services/{made['ID']}"] = None
        made = self.swarm.manager("POST", "/networks/create", {"Name": "foreign", "Driver": "overlay"})
        self.foreign[f"/networks/{made['Id']}"] = None
        for path in self.foreign:
            self.foreign[path] = self.fingerprint(path)

    def fingerprint(self, path):
        said = self.swarm.manager("GET", path)
        return json.dumps([said.get("Version"), said.get("Spec"), said.get("Name"), said.get("Created"), said.get("Labels")], sort_keys=True)

    def run(self):
        while not self.over.wait(0.5):
            try:
                services = self.swarm.services()
                self.samples += 1
            except Failure:
                continue
            seen = {}
            for service in services:
                labels = service["Spec"]["Labels"]
                key = labels["zoe.uid"], labels.get("zoe.service")
                other = seen.setdefault(key, service["ID"])
                if other != service["ID"]:
                    self.history.problem(f"service {key} is there twice: {other} and {service['ID']}")

    def touched(self):
        """What of the foreign things isn't as it was made."""
        problems = []
        for path, was in self.foreign.items():
            now = self.fingerprint(path)
            if now != was:
                problems.append(f"foreign {path}: was {was}, is {now}")
        return problems
