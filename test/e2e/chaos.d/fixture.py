"""fixture.py: what is broken and looked at: ZooKeeper servers, controllers, nodes, each in a network of its own that swarm.sh has made.

Every process is started by the main thread and ends with it (PR_SET_PDEATHSIG counts the thread that started it).
"""
import contextlib
import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SWARM_SH = os.path.join(TOP, "test/docker_fixture/swarm.sh")
DEPLOYMENT, NAMESPACE = "e2e-chaos", "chaos"
NODES, SERVERS, CONTROLLERS = (1, 2, 3), (11, 12, 13), (21, 22, 23)
JAVA, JARS = "/usr/bin/java", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"
CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What is wrong, for people."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, seconds, what, every=0.1):
    """Returns what `condition` says as soon as that is true."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(every)


@contextlib.contextmanager
def network_of(path):
    """This thread's new sockets belong to that network; a socket stays in the one that it was made in."""
    with open("/proc/thread-self/ns/net") as own, open(path) as other:
        if LIBC.setns(other.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), path)
        try:
            yield
        finally:
            if LIBC.setns(own.fileno(), CLONE_NEWNET):
                os._exit(70)  # this thread would go on in the wrong network


class PlaceConnection(http.client.HTTPConnection):
    """As if asked on that place's own machine: reaches it while its cable is cut."""

    def __init__(self, network, port, timeout):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.network = network

    def connect(self):
        with network_of(self.network):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect((self.host, self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, method, path, body=None, kind="application/json"):
    """(status, decoded or raw body) of one request on a connection of its own. OSError or HTTPException: no answer."""
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind})
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    is_json = response.headers.get("Content-Type", "").startswith("application/json") and data
    return response.status, json.loads(data) if is_json else data.decode(errors="replace")


class Process:
    """One that runs in place `k`, is killed, paused and started again; its files are in `folder`."""

    def __init__(self, swarm, k, folder):
        self.swarm, self.k, self.folder, self.process = swarm, k, folder, None
        self.network = f"/proc/{swarm.place(k)}/ns/net"
        self.log = f"{folder}/log"
        os.makedirs(folder)

    def run(self, words, stdout):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(["nsenter", f"--net={self.network}", "--", *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=log,
                                            preexec_fn=die_with_parent)

    def signal(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def cut(self):
        self.swarm.sh("cut", self.k)

    def plug(self):
        self.swarm.sh("plug", self.k)

    def tail(self, lines=15):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-lines:])


class ZooKeeper(Process):
    """One server of three. Ticks of 0.5 s: a follower that is silent for 2 s is out; sessions from 1 s to 60 s."""

    def __init__(self, swarm, k):
        super().__init__(swarm, k, f"{swarm.dir}/zookeeper-{k}")
        os.makedirs(f"{self.folder}/data")
        with open(f"{self.folder}/data/myid", "w") as file:
            file.write(str(k))
        with open(f"{self.folder}/zoo.cfg", "w") as file:
            file.write(f"tickTime=500\ninitLimit=20\nsyncLimit=4\nminSessionTimeout=1000\nmaxSessionTimeout=60000\ndataDir={self.folder}/data\n"
                       "clientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n"
                       + "".join(f"server.{s}=10.88.0.{s}:2888:3888\n" for s in SERVERS))

    def start(self):
        self.run([JAVA, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
                  "-cp", JARS, "org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{self.folder}/zoo.cfg"], subprocess.DEVNULL)

    def mode(self):
        """leader, follower, or empty: serves nobody."""
        try:
            with network_of(self.network):
                server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            with server:
                server.settimeout(2)
                server.connect(("127.0.0.1", 2181))
                server.sendall(b"srvr")
                said = b""
                while data := server.recv(4096):
                    said += data
        except OSError:
            return ""
        found = re.search(rb"^Mode: (\w+)", said, re.M)
        return found[1].decode() if found else ""


class Controller(Process):
    """Ends by itself when it can't reach the store at its start: then its supervisor, `tend`, starts it again."""

    def __init__(self, swarm, k, binary):
        super().__init__(swarm, k, f"{swarm.dir}/controller-{k}")
        self.binary, self.wanted, self.exits = binary, False, 0
        said = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
        self.options = ["--state-dir", f"{self.folder}/state"] if "--state-dir" in said else []

    def start(self):
        self.wanted = True
        servers = ",".join(f"10.88.0.{s}:2181" for s in SERVERS)
        managers = ",".join(f"tcp://10.88.0.{n}:2375" for n in NODES)
        with open(f"{self.folder}/out", "w") as out:
            self.run([self.binary, "--auth", "none", "--listen", "127.0.0.1:4850", "--deployment", DEPLOYMENT, "--store", f"zk://{servers}/zoe",
                      "--swarm", managers, "--workspace-root", f"{self.swarm.dir}/workspaces", *self.options], out)

    def kill(self):
        self.wanted = False
        super().kill()

    def stop(self):
        """In order, as a supervisor does it: must end with 0."""
        self.wanted = False
        self.signal(signal.SIGTERM)
        code = self.process.wait(20)
        if code:
            raise Failure(f"controller {self.k} exited with {code} on SIGTERM: {self.tail()}")

    def tend(self):
        code = self.process.poll() if self.wanted and self.process else None
        if code is None:
            return
        if code < 0:
            raise Failure(f"controller {self.k} died of signal {-code}: {self.tail()}")
        self.exits += 1
        self.start()

    def ask(self, method, path, body=None, kind="application/json", timeout=15):
        return ask(PlaceConnection(self.network, 4850, timeout), method, path, body, kind)

    def serves(self):
        with open(f"{self.folder}/out") as out:
            return "listening on" in out.read()

    def ready(self):
        try:
            return self.ask("GET", "/readyz", timeout=3)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def metrics(self):
        """Name with labels -> value; empty: no answer."""
        try:
            status, text = self.ask("GET", "/metrics", timeout=2)
        except (OSError, http.client.HTTPException):
            return {}
        lines = (line.rpartition(" ") for line in text.splitlines() if status == 200 and line and line[0] != "#")
        return {name: float(value) for name, _, value in lines}

    def leads(self):
        return self.metrics().get("zoe_leader") == 1

    def separate(self, others):
        """Drops what comes from and goes to those addresses, without a word."""
        for k in others:
            for chain, side in (("INPUT", "-s"), ("OUTPUT", "-d")):
                self.swarm.sh("run", self.k, "iptables", "-w", "-A", chain, side, f"10.88.0.{k}", "-j", "DROP")

    def join(self):
        for chain in ("INPUT", "OUTPUT"):
            self.swarm.sh("run", self.k, "iptables", "-w", "-F", chain)


class Swarm:
    """Three managers below `folder`, made by swarm.sh. Asked on the engines' own sockets, which no cut cable concerns."""

    def __init__(self, folder):
        self.dir = folder
        self.trusted = list(NODES)  # those that nothing is done to now

    def sh(self, command, *words):
        said = subprocess.run([SWARM_SH, command, self.dir, *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if said.returncode:
            raise Failure(f"swarm.sh {command} {words}: {said.stderr}")

    def place(self, k):
        with open(f"{self.dir}/{k}/place.pid") as file:
            return int(file.read())

    def engine(self, node, method, path, body=None, timeout=5):
        """Failure for an answer that isn't a success; OSError, HTTPException: none."""
        status, said = ask(UnixConnection(f"{self.dir}/{node}/docker.sock", timeout), method, "/v1.41" + path, body)
        if status >= 300:
            raise Failure(f"{method} {path} on node-{node}: {status} {said}")
        return said

    def manager(self, method, path, body=None, timeout=5):
        """By the first manager that answers."""
        said = Failure("no manager")
        for node in self.trusted:
            try:
                return self.engine(node, method, path, body, timeout)
            except (OSError, http.client.HTTPException, Failure) as error:
                said = error
        raise Failure(f"{method} {path}: {said}")

    def services(self):
        return self.manager("GET", labelled("/services"))

    def containers(self, node, name=None):
        return self.engine(node, "GET", labelled("/containers/json", name), timeout=10)

    def healthy(self):
        """All three are ready and can vote."""
        try:
            nodes = self.manager("GET", "/nodes")
        except Failure:
            return False
        return sum(n["Status"]["State"] == "ready" and n.get("ManagerStatus", {}).get("Reachability") == "reachable" for n in nodes) == len(NODES)


def labelled(path, name=None):
    labels = [f"zoe.deployment={DEPLOYMENT}"] + ([f"zoe.name={name}"] if name else [])
    return path + "?filters=" + json.dumps({"label": labels}).replace('"', "%22").replace(" ", "")
