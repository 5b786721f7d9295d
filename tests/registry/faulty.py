"""A registry that does as the distribution spec says, except where a test tells it not to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What to send back. length: the Content-Length to claim; cut: bytes of the body after which to break off."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None


class Reset(Exception):
    """Break the connection off without an answer. after: let the request take effect first."""

    def __init__(self, after: bool = False) -> None:
        self.after = after


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def is_(self, method: str, part: str) -> bool:
        return self.method == method and part in self.path


class FaultyRegistry:
    """Serves on a port of its own. before: may give an Answer, or raise Reset, instead of what is right;
    after: may change the right Answer. auth: "", "basic" or "token"; every request is kept in `seen`.
    """

    def __init__(self, auth="", user=("me", "canary-7f3a")) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytes] = {}
        self.seen: list[Request] = []
        self.broken_promises: list[str] = []
        self.auth, self.user = auth, user
        self.tokens: dict[str, int] = {}
        self.uses = 10**9
        self.realm = ""
        self.before = lambda request: None
        self.after = lambda request, answer: answer
        self.lock = threading.RLock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_): ...
            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (ConnectionError, OSError):
                    self.close_connection = True

            def serve(self):
                outer.serve(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = serve

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_): ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- one request

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        url = urllib.parse.urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.command, url.path, dict(urllib.parse.parse_qsl(url.query)), headers, b"")
        with self.lock:
            self.seen.append(request)
        try:
            answer = self.before(request)
            if answer is None:
                request.body = handler.rfile.read(length)
                with self.lock:
                    answer = self.after(request, self.refused(request) or self.right(request))
            elif length:
                handler.rfile.read(length)
            self.send(handler, request, answer)
        except Reset as reset:
            if reset.after:
                request.body = handler.rfile.read(length)
                with self.lock:
                    self.right(request)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, request: Request, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])
            handler.wfile.flush()
        if answer.cut is not None:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True

    def refused(self, request: Request) -> Answer | None:
        sent = request.headers.get("authorization", "")
        right = "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        if request.path == "/token":
            if sent != right:
                return Answer(401)
            token = f"token-{len(self.tokens)}-canary-token"
            self.tokens[token] = self.uses
            return Answer(200, json.dumps({"token": token, "expires_in": 300}).encode())
        if not self.auth or request.path == "/v2/":
            return None
        if self.auth == "basic":
            challenge, fine = 'Basic realm="test"', sent == right
        else:
            realm = self.realm or f"http://{self.host}/token"
            challenge = f'Bearer realm="{realm}",service="test",scope="repository:x:pull"'
            token = sent.removeprefix("Bearer ")
            fine = self.tokens.get(token, 0) > 0
            if fine:
                self.tokens[token] -= 1
        return None if fine else Answer(401, b"", {"WWW-Authenticate": challenge})

    def right(self, request: Request) -> Answer:
        if request.path == "/v2/":
            return Answer(200)
        found = re.fullmatch(r"/v2/(.+?)/(manifests|blobs)/(.+)", request.path)
        if not found:
            return Answer(404)
        repository, kind, rest = found.groups()
        if kind == "manifests":
            return self.manifest(request, repository, rest)
        if rest.startswith("uploads/"):
            return self.upload(request, repository, rest.removeprefix("uploads/"))
        data = self.blobs.get((repository, rest))
        if data is None:
            return Answer(404, json.dumps({"errors": [{"code": "BLOB_UNKNOWN", "message": "no such blob"}]}).encode())
        if wanted := re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", "")):
            start = int(wanted[1])
            return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})
        return Answer(200, data)

    def manifest(self, request: Request, repository: str, name: str) -> Answer:
        if request.method == "PUT":
            digest = "sha256:" + hashlib.sha256(request.body).hexdigest()
            document = json.loads(request.body)
            needed = [document["config"], *document["layers"]] if "layers" in document else []
            lacking = [item["digest"] for item in needed if (repository, item["digest"]) not in self.blobs]
            lacking += [item["digest"] for item in document.get("manifests", ()) if (repository, item["digest"]) not in self.manifests]
            if lacking:
                self.broken_promises.append(f"{repository}:{name} lacks {lacking}")
            self.manifests[repository, name] = self.manifests[repository, digest] = (request.headers["content-type"], request.body)
            return Answer(201, b"", {"Docker-Content-Digest": digest})
        if (repository, name) not in self.manifests:
            return Answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such manifest"}]}).encode())
        media_type, data = self.manifests[repository, name]
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        return Answer(200, data, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def upload(self, request: Request, repository: str, session: str) -> Answer:
        if request.method == "POST":
            source = (request.query.get("from", ""), request.query.get("mount", ""))
            if source in self.blobs:
                self.blobs[repository, source[1]] = self.blobs[source]
                return Answer(201)
            session = f"s{len(self.uploads)}"
            self.uploads[session] = b""
        elif session not in self.uploads:
            return Answer(404)
        elif request.method == "PATCH":
            start = int(request.headers.get("content-range", "0-").partition("-")[0])
            if start != len(self.uploads[session]):
                return Answer(416, b"", {"Range": f"0-{max(0, len(self.uploads[session]) - 1)}"})
            self.uploads[session] += request.body
        elif request.method == "PUT":
            data = self.uploads[session] + request.body
            if "sha256:" + hashlib.sha256(data).hexdigest() != request.query["digest"]:
                return Answer(400, json.dumps({"errors": [{"code": "DIGEST_INVALID", "message": "digest"}]}).encode())
            self.blobs[repository, request.query["digest"]] = data
            return Answer(201)
        headers = {"Location": f"/v2/{repository}/blobs/uploads/{session}", "Range": f"0-{max(0, len(self.uploads[session]) - 1)}"}
        return Answer(204 if request.method == "GET" else 202, b"", headers)
