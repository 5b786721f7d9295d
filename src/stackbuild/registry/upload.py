"""One blob on its way up (OCI distribution spec, "Pushing blobs" and "Resumable Push")."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from ..errors import RegistryError
from .failures import Broken
from .reference import Repository
from .session import Session, push
from .transport import PIECE, Answer

CHUNK = 64 << 20  # bytes of one PATCH: less than proxies let pass, far more than a request costs
SMALL = 1 << 20  # bytes of a blob that goes with the request that ends its upload
_PASSING = (404, 408, 416, 429)  # a session that is gone, or that stands elsewhere than we thought
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})\Z")


@dataclass
class Upload:
    """An upload session. sent: bytes that the registry has acknowledged; progress: told of bytes as they go
    out, and of fewer when some must go again.

    On success the count is ours, not the registry's: some report a Range that lags behind (ECR). Only after
    a failure is the registry asked where it stands; when its answer is of no use, the upload begins anew.
    """

    session: Session
    repository: Repository
    digest: str
    size: int
    open_blob: Callable[[], BinaryIO]
    progress: Callable[[int], None]
    sent: int = field(default=0, init=False)
    _shown: int = field(default=0, init=False)
    _location: str = field(default="", init=False)
    _taken_up: bool = field(default=False, init=False)

    def run(self, location: str) -> None:
        """Send all of it. Raises RegistryError."""
        failures = furthest = 0
        while True:
            try:
                self._send(location or self._start())
                return
            except Broken as error:
                failures = 1 if self.sent > furthest else failures + 1
                furthest = max(furthest, self.sent)
                transport = self.session.transport
                if failures >= transport.tries or not transport.pause(failures, error.retry_after):
                    raise
                location = self._recover()

    def _send(self, location: str) -> None:
        self._location = location
        if self.size <= SMALL:
            self._finish(self._read(0, self.size))
            return
        while self.sent < self.size:
            self._patch()
        self._finish(b"")

    def _start(self) -> str:
        self._location, self._taken_up = "", False
        self._set_sent(0)
        answer = self._request("POST", self.session.url(self.repository, "blobs/uploads/"), {}, b"")
        self.session.expect(answer, self.repository, 202).close()
        return self.session.location(answer)

    def _patch(self) -> None:
        """Send the next chunk."""
        start, end = self.sent, min(self.sent + CHUNK, self.size)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(end - start),
            "Content-Range": f"{start}-{end - 1}",
        }
        answer = self._request("PATCH", self._location, headers, lambda: self._pieces(start, end))
        self._check(answer, 201, 202, 204)
        self._set_sent(end)
        self._location = self.session.location(answer)

    def _finish(self, body: bytes) -> None:
        """End the upload, with all of a small blob or with nothing more of a large one."""
        joint = "&" if "?" in self._location else "?"
        url = f"{self._location}{joint}{urllib.parse.urlencode({'digest': self.digest})}"
        headers = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
        try:
            self._check(self._request("PUT", url, headers, body), 201, 204)
        except Broken:
            blob = self._request("HEAD", self.session.url(self.repository, f"blobs/{self.digest}"), {})
            blob.close()
            if blob.status != 200:
                raise
            # It did arrive; only the answer to it was lost.
        self._set_sent(self.size)

    def _check(self, answer: Answer, *statuses: int) -> None:
        """Raises Broken when it may go better another time, else RegistryError when it went wrong."""
        if answer.status in _PASSING or answer.status >= 500 or (answer.status == 400 and self._taken_up):
            answer.close()
            raise Broken(
                f"the registry answered {answer.status} after {self.sent} of {self.size} bytes",
                answer.headers.get("Retry-After"),
            )
        self.session.expect(answer, self.repository, *statuses).close()

    def _recover(self) -> str:
        """Where to go on after a failure, `sent` being how far the upload got; "" begins it anew."""
        if not self._location or self.size <= SMALL:
            return ""
        answer = self._request("GET", self._location, {})
        answer.close()
        found = _RANGE.match(answer.headers.get("Range", ""))
        have = int(found[1]) + 1 if found else 0
        # "0-0" is said of nothing too. What has arrived whole, yet could not be ended, is not worth a guess.
        if answer.status not in (202, 204) or not 1 < have < self.size:
            return ""
        self._taken_up = True
        self._set_sent(have)
        return self.session.location(answer) if answer.headers.get("Location") else self._location

    def _request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | Callable[[], Iterator[bytes]] | None = None,
    ) -> Answer:
        tries = 1 if method in ("PATCH", "PUT") else None  # `run` sends a body again, from where it broke
        return self.session.request(
            method, url, self.repository, push(self.repository), headers, body, tries=tries
        )

    def _set_sent(self, sent: int) -> None:
        self.progress(sent - self._shown)
        self.sent = self._shown = sent

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        with self._opened() as file:
            file.seek(start)
            while start < end:
                self.session.transport.check_open()
                piece = file.read(min(PIECE, end - start))
                if not piece:
                    raise RegistryError(f"the blob {self.digest} is shorter than {self.size} bytes")
                start += len(piece)
                yield piece
                self._shown += len(piece)
                self.progress(len(piece))

    def _opened(self) -> BinaryIO:
        try:
            return self.open_blob()
        except OSError as error:  # not to be taken for a failure of the connection
            raise RegistryError(f"the blob cannot be read: {error.strerror}") from error

    def _read(self, start: int, end: int) -> bytes:
        return b"".join(self._pieces(start, end))
