"""Real services for tests: Debian's docker-registry, on a port of its own, with whatever access it is to have."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DockerRegistry:
    """A registry that serves a folder. user: (name, password) for htpasswd; tls: (certificate, key) files."""

    def __init__(self, folder: Path, user=None, tls=None, host="127.0.0.1") -> None:
        self.folder, self.port = folder, free_port()
        self.host = f"{host}:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "access.log"
        auth = ""
        if user:
            done = subprocess.run(["htpasswd", "-Bbn", *user], capture_output=True, text=True, check=True)
            (folder / "htpasswd").write_text(done.stdout)
            auth = f"auth:\n  htpasswd:\n    realm: test\n    path: {folder / 'htpasswd'}\n"
        secure = f"  tls:\n    certificate: {tls[0]}\n    key: {tls[1]}\n" if tls else ""
        (folder / "config.yml").write_text(
            f"version: 0.1\nlog:\n  level: warn\n  accesslog:\n    disabled: false\nstorage:\n  filesystem:\n"
            f"    rootdirectory: {folder / 'data'}\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{self.port}\n"
            f"  secret: test\n{secure}{auth}"
        )
        self.start()

    def start(self) -> None:
        self._log = open(self.log_file, "ab")  # noqa: SIM115  closed by stop
        command = ["docker-registry", "serve", str(self.folder / "config.yml")]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log_file.read_text())

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        self._process.wait()
        self._log.close()

    def requests(self) -> list[tuple[str, str, int]]:
        """(method, path with query, status) of every request so far, in the order they ended."""
        time.sleep(0.1)
        lines = self.log_file.read_text(errors="replace").splitlines()
        found = [re.search(r'"(\w+) (/v2/\S*) HTTP/[\d.]+" (\d+)', line) for line in lines]
        return [(hit[1], hit[2], int(hit[3])) for hit in found if hit]

    def forget(self) -> None:
        """Begin the access log anew."""
        time.sleep(0.1)
        with open(self.log_file, "r+b") as file:
            file.truncate(0)
