"""check.py: what has to be true at the end: every acknowledged write is there, and the Swarm is what the objects say."""
import collections
import http.client
import time

from fixture import NODES, Failure
from observe import ENDED
from workload import JOBS, MARK, PATH


def wrong_writes(ledger, history, items):
    """What became of acknowledged writes, and of refused ones, against the objects that are left and all versions ever seen."""
    problems = []
    left = {i["metadata"]["uid"]: i for i in items}
    mark_of = {str(w.number): w for w in ledger.writes}
    for write in ledger.writes:
        if write.outcome != "acknowledged":
            continue
        item = left.get(write.uid)
        if write.method == "DELETE":
            if item:
                problems.append(f"lost: {write}: the object is there")
        elif not item:
            if not any(w.method == "DELETE" and w.name == write.name and w.outcome != "refused" and w.uid == write.uid for w in ledger.writes):
                problems.append(f"lost: {write}: the object is gone, and nobody deleted it")
        else:
            final = mark_of[item["metadata"]["labels"][MARK]]
            if final is write:
                if item["spec"] != write.spec:
                    problems.append(f"lost: {write}: acknowledged as {write.spec}, stored is {item['spec']}")
            elif final.outcome == "acknowledged" and final.revision < write.revision:
                problems.append(f"lost: {write}: what is stored is of {final}")
    return problems + contradictions(ledger, history)


def contradictions(ledger, history):
    """Acknowledged writes that the watches tell otherwise, lost updates, refused writes that were done."""
    problems, marks = [], {v["mark"] for v in history.versions.values()}
    of_object = collections.defaultdict(list)
    for revision, version in history.versions.items():
        of_object[version["uid"]].append(revision)
    for write in ledger.writes:
        if write.outcome == "refused" and str(write.number) in marks:
            problems.append(f"refused, but done: {write}")
        if write.outcome != "acknowledged" or not write.revision or write.method == "DELETE":
            continue
        seen = history.versions.get(write.revision)
        if seen and seen["mark"] != str(write.number):
            problems.append(f"{write}: the watches show {seen}")
        between = [r for r in of_object[write.uid] if write.base < r < write.revision]
        if write.base and between:
            problems.append(f"{write} went over {between}, which its author had not seen")
    return problems


def unseen(ledger, history):
    """Acknowledged versions that no watch has shown: a later one came in their place."""
    return sum(w.outcome == "acknowledged" and w.revision not in history.versions for w in ledger.writes if w.revision and w.method != "DELETE")


class World:
    """The objects, the Swarm and the nodes at one moment. `differences`: what isn't as declared; `versions`: must not change at rest."""

    def __init__(self, swarm, controllers, watchers):
        self.differences, self.versions = [], {}
        lists = {}
        for c in controllers:
            code, said = c.ask("GET", PATH, timeout=5)
            if code != 200:
                raise Failure(f"controller {c.k}: list: {code}")
            lists[c.k] = {i["metadata"]["name"]: i for i in said["items"]}
        self.items = list(lists.values())[0]
        revisions = {n: int(i["metadata"]["resourceVersion"]) for n, i in self.items.items()}
        for k, items in lists.items():
            if {n: int(i["metadata"]["resourceVersion"]) for n, i in items.items()} != revisions:
                self.differences.append(f"controllers list different things: {k} {items.keys()}")
        for watcher in watchers:
            if watcher.knows() != revisions:
                self.differences.append(f"the watch of controller {watcher.controller.k} knows {watcher.knows()}, a list {revisions}")
        self.services = swarm.services()
        tasks = swarm.manager("GET", "/tasks")
        self.tasks = [t for t in tasks if t["DesiredState"] == "running"]
        self.ending = [t for t in tasks if t["DesiredState"] == "remove"]
        self.containers = [c for node in NODES for c in swarm.containers(node)]
        self.versions = {"objects": revisions, "services": {s["ID"]: s["Version"]["Index"] for s in self.services}}
        for item in self.items.values():
            self.compare(item)
        known = {i["metadata"]["uid"] for i in self.items.values()}
        self.differences += [f"service {s['Spec']['Name']} belongs to nothing" for s in self.services if s["Spec"]["Labels"]["zoe.uid"] not in known]
        running = {s["ID"] for s in self.services}
        self.differences += [f"container {c['Names']} belongs to nothing" for c in self.containers
                             if c["Labels"]["com.docker.swarm.service.id"] not in running]
        networks = [n["Name"] for n in swarm.manager("GET", "/networks") if (n.get("Labels") or {}).get("zoe.deployment") == "e2e-chaos"]
        if len(networks) != 1:
            self.differences.append(f"networks: {networks}")

    def compare(self, item):
        meta, spec, status = item["metadata"], item["spec"], item.get("status", {})
        name, phase = meta["name"], status.get("phase")
        say = lambda what: self.differences.append(f"{name}: {what}")
        services = [s for s in self.services if s["Spec"]["Labels"]["zoe.uid"] == meta["uid"]]
        if meta.get("deletionTimestamp"):
            ending = [(t["ID"], t["NodeID"], t["Status"]) for t in self.ending if t["Spec"]["ContainerSpec"].get("Labels", {}).get("zoe.uid") == meta["uid"]]
            return say(f"deleted and still there, finalizers {meta.get('finalizers')}, {len(services)} services, tasks that end: {ending}")
        if status.get("observedGeneration") != meta["generation"]:
            say(f"generation {meta['generation']}, observed {status.get('observedGeneration')}")
        if phase in ENDED or spec.get("suspend"):
            if name not in JOBS and phase in ENDED:
                say(f"has ended: {status.get('conditions')}")
            if phase == "Failed" or (phase not in ENDED and phase != "Suspended"):
                say(f"phase {phase}")
            # What has ended by itself stays for its log.
            going = [t for t in self.tasks if t["ServiceID"] in {s["ID"] for s in services}]
            if going or (services and name not in JOBS):
                say(f"{phase} with {len(services)} services, {len(going)} tasks")
            return None
        if name in JOBS:
            return say(f"phase {phase}")
        if phase != "Running" or len(services) != 1:
            return say(f"phase {phase}, {len(services)} services")
        return self.compare_service(say, spec["application"]["services"][0], services[0], status["services"][0])

    def compare_service(self, say, wanted, service, status):
        total, value = wanted["replicas"]["total"], f"VALUE={wanted['env'][0]['value']}"
        container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
        if (replicas := service["Spec"]["Mode"]["Replicated"]["Replicas"]) != total:
            say(f"{replicas} replicas, declared {total}")
        if value not in container["Env"] or container["Image"] != wanted["image"]:
            say(f"service has {container['Image']} {container['Env']}, declared {value}")
        if (status["running"], status["ready"], status["total"]) != (total, total, total):
            say(f"status {status}, declared {total}")
        tasks = [t for t in self.tasks if t["ServiceID"] == service["ID"]]
        good = [t for t in tasks if t["Status"]["State"] == "running" and value in t["Spec"]["ContainerSpec"]["Env"]]
        if len(tasks) != total or len(good) != total:
            say(f"tasks {[(t['Slot'], t['Status']['State']) for t in tasks]}, {len(good)} as declared, declared {total}")
        containers = [c for c in self.containers if c["Labels"]["com.docker.swarm.service.id"] == service["ID"]]
        if len(containers) != total:
            say(f"{len(containers)} containers, declared {total}")


def look(swarm, controllers, watchers):
    try:
        return World(swarm, controllers, watchers)
    except (Failure, OSError, http.client.HTTPException) as error:
        world = World.__new__(World)
        world.differences, world.versions, world.items = [f"can't be looked at: {error}"], {}, {}
        return world


def rest(swarm, controllers, watchers, tend, began, quiet=20, within=120, log=print):
    """Waits until the world is as declared and stays exactly so for `quiet` seconds. Returns (the world, seconds from `began` until it was)."""
    since, before, said = None, None, time.monotonic()
    while True:
        tend()
        world, now = look(swarm, controllers, watchers), time.monotonic()
        if world.differences or (since and world.versions != before.versions):
            if since:
                log(f"  not at rest: {world.differences or changed(before.versions, world.versions)}")
            since = None
        if not world.differences and not since:
            since, before = now, world
        if since and now - since >= quiet:
            return world, since - began
        if not since and now - began > within:
            raise Failure("the world isn't as declared:\n  " + "\n  ".join(world.differences or [changed(before.versions, world.versions)]))
        if world.differences and now - said > 10:
            said = now
            log(f"  {now - began:.0f} s: {len(world.differences)} differences, such as {world.differences[0]}")
        time.sleep(max(0.0, now + (2 if since else 1) - time.monotonic()))


def changed(before, after):
    return {kind: {k: (before[kind].get(k), after[kind].get(k)) for k in before[kind].keys() | after[kind].keys()
                   if before[kind].get(k) != after[kind].get(k)} for kind in before if before[kind] != after.get(kind)}
