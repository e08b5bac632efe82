"""nemesis.py: what goes wrong, chosen by a seed. Run in the main thread: it starts processes (see fixture.py).

Never more than one ZooKeeper server, one Swarm manager and two controllers suffer at a time, but for one loss of ZooKeeper's quorum.
"""
import collections
import http.client
import random
import threading
import time

from fixture import NODES, SERVERS, Failure, wait_until

EVERY_SECONDS = 1.6  # on average a fault begins, where nothing is in its way


class Fault:
    """begin() harms, end() mends. `whom` is what only one fault at a time may harm. `seconds`: how long, from and to."""

    def __init__(self, name, whom, seconds, begin, end):
        self.name, self.whom, self.seconds, self.begin, self.end = name, whom, seconds, begin, end


class Nemesis:
    def __init__(self, seed, swarm, servers, controllers, tend, log):
        self.random, self.swarm, self.servers, self.controllers = random.Random(seed), swarm, servers, controllers
        self.tend, self.log = tend, log  # tend(): called all the time
        self.active = {}  # whom -> [fault, when it ends, the thread that mends]
        self.counts, self.last_over = collections.Counter(), time.monotonic()

    def store_fault(self):
        server = self.random.choice(self.servers)
        return self.random.choice([
            Fault(f"zookeeper {server.k} killed", "zookeeper", (1, 8), server.kill, server.start),
            Fault(f"zookeeper {server.k} paused", "zookeeper", (2, 14), server.pause, server.resume),
            Fault(f"zookeeper {server.k} partitioned", "zookeeper", (2, 14), server.cut, server.plug)])

    def controller_fault(self):
        c = self.random.choice(self.controllers)
        whom, name = f"controller {c.k}", f"controller {c.k} "
        return self.random.choice(2 * [Fault(name + "killed", whom, (0, 8), c.kill, c.start)] + [
            Fault(name + "stopped", whom, (0, 4), c.stop, c.start),
            Fault(name + "paused", whom, (1, 12), c.pause, c.resume),
            Fault(name + "cut off", whom, (2, 10), c.cut, c.plug),
            Fault(name + "cut from zookeeper", whom, (2, 10), lambda: c.separate(SERVERS), c.join),
            Fault(name + "cut from docker", whom, (2, 10), lambda: c.separate(NODES), c.join)])

    def node_fault(self):
        node, sh = self.random.choice(NODES), self.swarm.sh
        return self.random.choice([
            Fault(f"engine of node {node} killed", "node", (1, 8), lambda: sh("engine-kill", node), lambda: sh("engine-start", node)),
            Fault(f"node {node} cut off", "node", (3, 14), lambda: sh("cut", node), lambda: sh("plug", node)),
            Fault(f"node {node} without power", "node", (1, 8), lambda: sh("node-stop", node), lambda: sh("node-start", node))])

    def hand_fault(self):
        name, act = self.random.choice([("service scaled by hand", self.scale), ("service's environment changed by hand", self.change),
                                        ("service's image changed by hand", self.change_image), ("service removed by hand", self.remove),
                                        ("container killed", self.kill_container), ("container killed", self.kill_container)])
        return Fault(name, None, None, act, None)

    def some_service(self):
        services = [s for s in self.swarm.services() if s["Spec"]["Labels"].get("zoe.name") != "aside"]
        if not services:
            raise Failure("no service")
        return self.random.choice(services)

    def update(self, alter):
        service = self.some_service()
        alter(service["Spec"])
        self.swarm.manager("POST", f"/services/{service['ID']}/update?version={service['Version']['Index']}", service["Spec"])

    def scale(self):
        self.update(lambda spec: spec["Mode"]["Replicated"].update(Replicas=self.random.randint(0, 4)))

    def change(self):
        self.update(lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=["VALUE=by-hand"]))

    def change_image(self):
        self.update(lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Image="zoe-test:by-hand"))

    def remove(self):
        self.swarm.manager("DELETE", f"/services/{self.some_service()['ID']}")

    def kill_container(self):
        node = self.random.choice(self.swarm.trusted)
        containers = [c for c in self.swarm.containers(node) if c["Labels"].get("zoe.name") != "aside"]
        if not containers:
            raise Failure("no container")
        self.swarm.engine(node, "POST", f"/containers/{self.random.choice(containers)['Id']}/kill?signal=KILL")

    def strike(self, fault):
        suffering = sum(whom.startswith("controller") for whom in self.active)
        if fault.whom in self.active or (suffering > 1 and fault.whom and fault.whom.startswith("controller")):
            return
        self.last_over = time.monotonic()
        if fault.whom == "node":
            self.swarm.trusted = [n for n in NODES if f"node {n} " not in fault.name + " "]
        try:
            fault.begin()
        except (Failure, OSError, http.client.HTTPException):
            if fault.whom:
                raise
            return  # by hand: there was nothing to do it to, or no manager that leads
        words = fault.name.split()
        self.counts[" ".join(w for w in words if not w.isdigit())] += 1
        self.log(fault.name)
        if fault.whom:
            self.active[fault.whom] = [fault, time.monotonic() + self.random.uniform(*fault.seconds), None]

    def mend(self, now, wait=False):
        """Ends what is due, and frees what has recovered. `wait`: ends everything, and waits."""
        for whom, entry in list(self.active.items()):
            fault, due, thread = entry
            if thread is None and (wait or now >= due):
                self.log(f"  over: {fault.name}")
                if whom == "node":
                    entry[2] = threading.Thread(target=self.end, args=(fault,), daemon=True)  # what it starts is not bound to this thread
                    entry[2].start()
                else:
                    self.end(fault)
                    entry[2] = threading.current_thread()
            elif thread is not None and (thread is threading.current_thread() or not thread.is_alive()) and self.recovered(whom):
                del self.active[whom]
                if whom == "node":
                    self.swarm.trusted = list(NODES)

    def end(self, fault):
        fault.end()
        self.last_over = time.monotonic()

    def recovered(self, whom):
        if whom == "zookeeper":
            return all(s.mode() for s in self.servers)
        return whom != "node" or self.swarm.healthy()

    def rage(self, seconds, kinds, lose_quorum=False):
        """Faults for so long; those that go on then stay to be mended by calm()."""
        end, following = time.monotonic() + seconds, 0
        quorum_at = time.monotonic() + seconds * 0.2 if lose_quorum else end
        while (now := time.monotonic()) < end:
            self.tend()
            self.mend(now)
            if now >= quorum_at and "zookeeper" not in self.active:
                quorum_at = end
                self.strike(self.quorum_loss())
            if now >= following and now < quorum_at - 2 * (quorum_at < end):
                following = now + self.random.expovariate(1 / EVERY_SECONDS)
                self.strike(self.random.choice(kinds)())
            time.sleep(0.1)

    def quorum_loss(self):
        lost = self.random.sample(self.servers, 2)
        return Fault("zookeeper without a quorum", "zookeeper", (20, 20), lambda: [s.kill() for s in lost], lambda: [s.start() for s in lost])

    def calm(self):
        """Ends all faults and waits until what they harmed is whole: then the world has its time to converge."""
        def quiet():
            self.tend()
            self.mend(time.monotonic(), wait=True)
            return not self.active
        wait_until(quiet, 150, f"recovery from {[f.name for f, _, _ in self.active.values()]}", every=0.3)

    def kinds(self, swarm_too):
        control = [self.store_fault, self.controller_fault, self.controller_fault]
        return control + [self.node_fault, self.hand_fault, self.hand_fault, self.hand_fault] if swarm_too else control
