"""A node to attack: the release build, with its own data folder, on a free port of 127.0.0.1."""

import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("ANONCHAT_BIN", os.path.join(ROOT, "target", "release", "anonchat"))


class Node:
    """One server process. With `services` it uses the MongoDB and Redis of script/services."""

    def __init__(self, services=False, **settings):
        self.folder = tempfile.mkdtemp(prefix="anonchat-attack.")
        self.port = free_port()
        self.log_path = os.path.join(self.folder, "log")
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LEPTOS_SITE_ROOT")}
        environment |= {"LISTEN_ADDR": f"127.0.0.1:{self.port}", "DATA_DIR": self.folder}
        if services:
            name = f"attack_{secrets.token_hex(6)}"
            environment |= {
                "MONGO_URI": os.environ["TEST_MONGO_URI"],
                "MONGO_DB": name,
                "REDIS_URL": os.environ["TEST_REDIS_URL"],
                "REDIS_PREFIX": name,
                "JWT_SECRET": secrets.token_hex(32),
            }
        environment |= settings
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([BINARY], env=environment, cwd=ROOT, stdout=log, stderr=log)
        self._wait_until_ready()

    def _wait_until_ready(self):
        end = time.time() + 30
        while time.time() < end:
            assert self.process.poll() is None, f"the node did not start:\n{self.log()}"
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the node did not answer:\n{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def memory(self):
        """Resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) // 1024

    def cpu(self):
        """CPU time used so far, in seconds."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            ticks = stat.read().rsplit(")", 1)[1].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def open_connections(self, connections):
        """The number of our connections that are still open at the node's end."""
        theirs = {}
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                fields = line.split()
                if int(fields[1].split(":")[1], 16) == self.port:
                    theirs[int(fields[2].split(":")[1], 16)] = fields[3] == "01"
        return sum(theirs.get(connection.getsockname()[1], False) for connection in connections)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
