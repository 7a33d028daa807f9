"""A browser and a raw WebSocket that can misbehave, and access to the mails of a node that writes them to files.

Standard library only. Everything talks to 127.0.0.0/8 alone. A "client" is a loopback address, so an attack from many
clients needs no proxy.
"""

import base64
import email
import email.policy
import glob
import http.client
import json
import os
import re
import secrets
import socket
import struct
import time
import uuid
from urllib.parse import urlencode

PASSWORD = "nine purple lanterns"
# 4,000 characters of four bytes each: the largest possible message.
HEAVY = "\U0001f40c" * 4000


class Person:
    """A browser that keeps its cookies. `source` is the loopback address from which it connects."""

    def __init__(self, node, source="127.0.0.1"):
        self.node, self.source, self.cookies = node, source, {}

    def cookie(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, method, path, body=None, form=None, headers=None, timeout=30):
        """Sends one request. Returns the status, the body (parsed if it is JSON), and the headers in lower case."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.node.port, timeout=timeout, source_address=(self.source, 0)
        )
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = self.cookie()
        data = None
        if form is not None:
            data, sent["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        elif body is not None:
            data, sent["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, kept = value.split(";", 1)[0].split("=", 1)
                if "Max-Age=0" in value:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = kept
        try:
            parsed = json.loads(raw) if raw else None
        except ValueError:
            parsed = raw
        return answer.status, parsed, {name.lower(): value for name, value in answer.getheaders()}

    def create(self, room_type="group", preserve=False, nickname="Eve"):
        status, body, _ = self.ask(
            "POST", "/api/rooms/create", {"type": room_type, "preserve": preserve, "nickname": nickname}
        )
        assert status == 201, (status, body)
        return body

    def join(self, code, nickname="Eve"):
        return self.ask("POST", "/api/rooms/join", {"code": code, "nickname": nickname})

    def say(self, code, text):
        return self.ask("POST", "/api/messages", {"code": code, "id": str(uuid.uuid4()), "body": text})

    def register(self, address, name="Eve", password=PASSWORD):
        return self.ask("POST", "/api/auth/register", {"name": name, "email": address, "password": password})

    def log_in(self, address, password=PASSWORD):
        return self.ask("POST", "/api/auth/login", {"email": address, "password": password})

    def room(self, code):
        return self.ask("GET", f"/api/rooms/{code}")[1]

    def socket(self, **options):
        return Socket(self.node, self.cookie(), self.source, **options)


class Socket:
    """A WebSocket without a library. `status` is the status of the answer to the upgrade."""

    def __init__(self, node, cookie="", source="127.0.0.1", origin=None, host=None, receive_buffer=None):
        self.connection = socket.socket()
        if receive_buffer:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(10)
        self.connection.bind((source, 0))
        self.connection.connect(("127.0.0.1", node.port))
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: {host or f'127.0.0.1:{node.port}'}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        lines += [f"Cookie: {cookie}"] if cookie else []
        lines += [f"Origin: {origin}"] if origin else []
        self.connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            got = self.connection.recv(1)
            if not got:
                break
            head += got
        self.status = int(head.split(b" ", 2)[1]) if head else 0

    @staticmethod
    def frame(opcode, payload=b"", fin=True):
        length, mask = len(payload), secrets.token_bytes(4)
        head = bytes([(0x80 if fin else 0) | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", length)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", length)
        return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def send(self, what):
        self.connection.sendall(self.frame(1, json.dumps(what).encode()))

    def pong(self):
        self.connection.sendall(self.frame(10))

    def receive(self, timeout=10):
        """Returns the next text frame as JSON. None if none arrives in time, or if the socket is closed."""
        self.connection.settimeout(timeout)
        try:
            while True:
                first, second = self._read(2)
                length = second & 127
                if length == 126:
                    length = struct.unpack(">H", self._read(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", self._read(8))[0]
                payload = self._read(length)
                if first & 15 == 1:
                    return json.loads(payload)
                if first & 15 == 9:
                    self.connection.sendall(self.frame(10, payload))
                if first & 15 == 8:
                    self.close_code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
                    return None
        except (EOFError, OSError):
            return None

    def until(self, kind, timeout=15):
        """Returns the next frame of a kind. None if it does not arrive in time."""
        end = time.time() + timeout
        while time.time() < end:
            frame = self.receive(max(0.1, end - time.time()))
            if frame is None or kind in frame:
                return frame
        return None

    def close(self):
        self.connection.close()

    def _read(self, count):
        out = b""
        while len(out) < count:
            got = self.connection.recv(count - len(out))
            if not got:
                raise EOFError
            out += got
        return out


def letters(node, to=None):
    """Returns (to, subject, text) of the mails that the node wrote to files, oldest first."""
    out = []
    for path in sorted(glob.glob(os.path.join(node.folder, "mail", "*.eml"))):
        with open(path, "rb") as file:
            message = email.message_from_binary_file(file, policy=email.policy.default)
        text = message.get_body(("plain",)).get_content()
        if to is None or message["To"] == to:
            out.append((str(message["To"]), str(message["Subject"]), text))
    return out


def letter(node, to, number, patience=10):
    """Waits for the mail with this number to an address, and returns its text."""
    end = time.time() + patience
    while len(letters(node, to)) < number:
        assert time.time() < end, f"mail {number} to {to} did not come"
        time.sleep(0.05)
    return letters(node, to)[number - 1][2]


def token(text):
    return re.search(r"token=([A-Za-z0-9_-]+)", text).group(1)


def address(name):
    return f"{name}-{secrets.token_hex(4)}@example.org"


def in_parallel(work, count):
    """Runs `work(0)` … `work(count - 1)`, each in its own thread, and returns their results."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count)))
