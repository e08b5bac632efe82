#!/usr/bin/env python3
"""kernel.py BASE-URL TOKEN USER PASSWORD CODE: runs CODE in a new kernel of the notebook at BASE-URL and prints what it prints. HTTP with Basic
login of USER; the kernel's channels over a WebSocket (RFC 6455). Standard library only."""
import base64
import http.client
import json
import os
import socket
import struct
import sys
import uuid
from urllib.parse import urlsplit

url, token, user, password, code = sys.argv[1:]
base = urlsplit(url)
login = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def call(method, path, body=None):
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=20)
    connection.request(method, f"{base.path}{path}?token={token}", body, {**login, "Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read()
    assert response.status < 300, f"{method} {path}: {response.status} {data[:300]!r}"
    return json.loads(data) if data else None


class WebSocket:
    def __init__(self, path):
        self.socket = socket.create_connection((base.hostname, base.port), timeout=30)
        self.file = self.socket.makefile("rb")
        lines = [f"GET {base.path}{path} HTTP/1.1", f"Host: {base.netloc}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()] + [f"{k}: {v}" for k, v in login.items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        status = self.file.readline().decode().strip()
        while self.file.readline().strip():
            pass
        assert " 101 " in status, status

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        self.socket.sendall(struct.pack("!BBH", 0x81, 0x80 | 126, len(data)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        parts = b""
        while True:
            first, size = self.file.read(2)
            size = struct.unpack("!H", self.file.read(2))[0] if size == 126 else struct.unpack("!Q", self.file.read(8))[0] if size == 127 else size
            data = self.file.read(size)
            opcode = first & 0x0F
            assert opcode != 8, "the server closed the channel"
            if opcode in (0, 1, 2):
                parts += data
                if first & 0x80:
                    return parts


kernel = call("POST", "/api/kernels", "{}")["id"]
channel = WebSocket(f"/api/kernels/{kernel}/channels?token={token}")
message = uuid.uuid4().hex
channel.send(json.dumps({"header": {"msg_id": message, "username": user, "session": message, "msg_type": "execute_request", "version": "5.3"},
                         "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
                         "content": {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}}))
printed, replied, idle = "", False, False
while not (replied and idle):
    seen = json.loads(channel.receive())
    if seen["parent_header"].get("msg_id") != message:
        continue
    if seen["msg_type"] == "stream":
        printed += seen["content"]["text"]
    replied |= seen["msg_type"] == "execute_reply"
    idle |= seen["msg_type"] == "status" and seen["content"]["execution_state"] == "idle"
print(printed, end="")
call("DELETE", f"/api/kernels/{kernel}")
