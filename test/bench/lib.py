"""Shared by the benchmarks: a controller in a temporary place, HTTP over TCP and over Docker's unix socket. Standard library only."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("ZOE_BIN", os.path.join(TOP, "build/release/bin"))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


def call(connection, method, path, body=None, ok=(200, 201, 204)):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode(), headers)
    response = connection.getresponse()
    data = response.read()
    if response.status not in ok:
        raise RuntimeError(f"{method} {path}: {response.status} {data[:300]!r}")
    return json.loads(data) if data[:1] in (b"{", b"[") else data


class Controller:
    """zoe-controller on a free port, with its own state. With `tls` under a certificate that nobody checks."""

    def __init__(self, swarm, store="sqlite", deployment="bench", tls=False):
        self.dir = tempfile.mkdtemp(prefix="zoe-bench-")
        self.tls = tls
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "zoe-controller"), "--auth", "none", "--listen", "127.0.0.1:0", "--deployment", deployment, "--swarm", swarm,
             "--store", "memory:" if store == "memory" else f"sqlite:{self.dir}/state.db", "--workspace-root", f"{self.dir}/ws", "--log-level", "warn",
             *(self.certificate() if tls else [])],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.match(r"listening on https?://([^:]+):(\d+)", line):
                self.host, self.port = found[1], int(found[2])
                break
        else:
            raise RuntimeError(open(self.log.name).read())
        deadline = time.time() + 20
        while time.time() < deadline:
            connection = self.connect()
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
            time.sleep(0.05)
        raise RuntimeError("not ready: " + open(self.log.name).read())

    def certificate(self):
        cert, key = f"{self.dir}/cert.pem", f"{self.dir}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
        return ["--tls-cert", cert, "--tls-key", key]

    def connect(self):
        connection = (http.client.HTTPSConnection(self.host, self.port, timeout=60, context=ssl._create_unverified_context()) if self.tls
                      else http.client.HTTPConnection(self.host, self.port, timeout=60))
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, field="VmRSS"):
        return int(re.search(field + r":\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) / 1024

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.log.close()
        text = open(self.log.name).read()
        shutil.rmtree(self.dir)
        if code:
            raise RuntimeError(f"the controller exited with {code}: {text[-2000:]}")


def watch(controller, since, stop, seen, plural="executions"):
    """Calls seen(event, time) for each change of executions (or other objects) after `since` until stop is set."""
    connection = controller.connect()
    connection.request("GET", f"/apis/zoe/v1/{plural}?watch=1&resourceVersion={since}")
    response = connection.getresponse()
    while not stop.is_set():
        line = response.readline()
        if not line:
            return
        seen(json.loads(line), time.time())


def condition(thing, name):
    return any(c["type"] == name and c["status"] == "True" for c in thing.get("status", {}).get("conditions", []))
