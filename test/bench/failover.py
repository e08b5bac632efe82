#!/usr/bin/env python3
"""failover.py [--rounds N] [--servers 1|3] [--tick MS]: how long nobody leads when the leader of three controllers on a real ZooKeeper is killed, stopped
in order, cut off, paused, or killed and started again on its host. Each controller has a simulated Swarm, a state directory (so: a host) and a TCP
proxy to ZooKeeper of its own. Prints min, median and max of N rounds each. Needs Java and Debian's zookeeper."""
import argparse
import http.client
import os
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from lib import BIN

SESSION_TIMEOUT = 6.0
JARS = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(done, what, seconds=60, every=0.005):
    deadline = time.time() + seconds
    while not (result := done()):
        if time.time() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(every)
    return result


class Ensemble:
    def __init__(self, count, tick):
        self.dir = tempfile.mkdtemp(prefix="zoe-failover-")
        ports = [(free_port(), free_port(), free_port()) for _ in range(count)]
        self.ports = [client for client, _, _ in ports]
        self.processes = []
        for i in range(count):
            data = f"{self.dir}/{i}"
            os.mkdir(data)
            with open(f"{data}/myid", "w") as f:
                f.write(str(i + 1))
            peers = "".join(f"server.{j + 1}=127.0.0.1:{a}:{b}\n" for j, (_, a, b) in enumerate(ports)) if count > 1 else ""
            with open(f"{data}/zoo.cfg", "w") as f:
                f.write(f"tickTime={tick}\ninitLimit=10\nsyncLimit=5\ndataDir={data}\nclientPort={self.ports[i]}\nclientPortAddress=127.0.0.1\n"
                        f"admin.enableServer=false\n4lw.commands.whitelist=srvr\n{peers}")
            self.processes.append(subprocess.Popen(
                ["java", "-Xmx192m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", JARS, "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                 f"{data}/zoo.cfg"], stdout=subprocess.DEVNULL, stderr=open(f"{data}/log", "w")))
        for port in self.ports:
            wait(lambda: self.serves(port), "ZooKeeper", every=0.1)

    @staticmethod
    def serves(port):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(b"srvr")
                return b"Mode:" in s.recv(4096)
        except OSError:
            return False

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.dir)


class Proxy:
    """A cable. Cut, it loses nothing that TCP does not send again, and tells nobody."""

    def __init__(self, target):
        self.target, self.cut = target, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        while True:
            if self.cut:
                time.sleep(0.002)
                continue
            for key, _ in selector.select(0.02):
                if self.cut:
                    break
                if key.fileobj is self.listener:
                    client = self.listener.accept()[0]
                    try:
                        server = socket.create_connection(("127.0.0.1", self.target))
                    except OSError:
                        client.close()
                        continue
                    selector.register(client, selectors.EVENT_READ, server)
                    selector.register(server, selectors.EVENT_READ, client)
                    continue
                source, sink = key.fileobj, key.data
                try:
                    data = source.recv(65536)
                    sink.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    for s in (source, sink):
                        try:
                            selector.unregister(s)
                        except (KeyError, ValueError):
                            pass
                        s.close()
                    break  # what was selected with it may be gone


class Controller:
    def __init__(self, ensemble, number):
        self.dir = f"{ensemble.dir}/controller-{number}"
        os.mkdir(self.dir)
        self.proxies = [Proxy(port) for port in ensemble.ports]
        self.log = open(f"{self.dir}/log", "w")
        self.start()

    def start(self):
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        self.connection = None
        self.up_at = None
        self.process = subprocess.Popen(
            [os.path.join(BIN, "zoe-controller"), "--auth", "none", "--listen", "127.0.0.1:0", "--swarm", "sim:nodes=1,cpus=4,memory=8Gi", "--store",
             f"zk://{hosts}/failover", "--state-dir", f"{self.dir}/state", "--workspace-root", f"{self.dir}/ws"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.match(r"listening on http://127.0.0.1:(\d+)", line):
                self.up_at = time.time()
                self.port = int(found[1])
                return
        raise RuntimeError(open(self.log.name).read())

    def leads(self):
        """False also of one that is gone or does not answer at once."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=0.5)
            self.connection.request("GET", "/metrics")
            return b"\nzoe_leader 1\n" in self.connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return False

    def cut(self, cut):
        for proxy in self.proxies:
            proxy.cut = cut


def leader_of(controllers):
    return wait(lambda: next((c for c in controllers if c.leads()), None), "a leader")


def candidates(controllers):
    connection = http.client.HTTPConnection("127.0.0.1", controllers[0].port, timeout=20)
    connection.request("GET", "/controllers")
    return connection.getresponse().read().count(b'"id"')


def measure(name, controllers, strike, mend):
    """strike(leader) returns when its time begins; mend(leader) brings all three back."""
    seconds = []
    for _ in range(args.rounds):
        leader = leader_of(controllers)
        others = [c for c in controllers if c is not leader]
        began = strike(leader)
        if name.startswith("restart"):
            leader_of(controllers)
        else:
            leader_of(others)
        seconds.append(max(0.0, time.time() - (began if began is not None else leader.up_at)))
        mend(leader)
        wait(lambda: candidates(controllers) == 3, "three candidates", every=0.1)
        wait(lambda: sum(c.leads() for c in controllers) == 1, "one leader")
    print(f"{name:34} min {min(seconds):6.3f}  median {statistics.median(seconds):6.3f}  max {max(seconds):6.3f} s  of {len(seconds)}", flush=True)
    return max(seconds)


def kill(controller):
    began = time.time()
    controller.process.kill()
    controller.process.wait()
    return began


def stop(controller):
    began = time.time()
    controller.process.send_signal(signal.SIGTERM)
    return began


def start_after_stop(controller):
    if controller.process.wait(20) != 0:
        raise RuntimeError("an orderly stop ended with " + str(controller.process.returncode))
    controller.start()


def cut(controller):
    controller.cut(True)
    return time.time()


def pause(controller):
    controller.process.send_signal(signal.SIGSTOP)
    return time.time()


def resume(controller):
    controller.process.send_signal(signal.SIGCONT)
    wait(lambda: not controller.leads(), "who was paused to know", 2)


def restart(controller):
    kill(controller)
    controller.start()


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rounds", type=int, default=20)
parser.add_argument("--servers", type=int, default=1, choices=(1, 3))
parser.add_argument("--tick", type=int, default=1000, help="ZooKeeper's tickTime in ms: sessions end up to one tick late")
args = parser.parse_args()
ensemble = Ensemble(args.servers, args.tick)
controllers = []
try:
    controllers += [Controller(ensemble, i) for i in range(3)]
    wait(lambda: candidates(controllers) == 3, "three candidates", every=0.1)
    print(f"session timeout {SESSION_TIMEOUT:g} s, ticks of {args.tick} ms, {args.servers} ZooKeeper server{'s' * (args.servers > 1)}", flush=True)
    late = [measure("kill -9", controllers, kill, lambda c: c.start()) > SESSION_TIMEOUT + 1,
            measure("cut off from ZooKeeper", controllers, cut, lambda c: c.cut(False)) > SESSION_TIMEOUT + 1,
            measure("paused (SIGSTOP)", controllers, pause, resume) > SESSION_TIMEOUT + 1,
            measure("orderly stop (SIGTERM)", controllers, stop, start_after_stop) > 1,
            measure("restart on its host, from being up", controllers, restart, lambda c: None) > 1]
    if any(late):
        raise SystemExit("too late")
finally:
    for controller in controllers:
        controller.process.kill()
        controller.process.wait()
    ensemble.close()
