"""A private index over HTTP, with a password: credentials from the netrc file, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading

import pytest

from .conftest import layout_files
from .making import wheel

SECRET = "s3cret-pass"
HEADER = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
ONE = wheel("one", metadata="Requires-Dist: two\n")
FILES = {"one-1.0-py3-none-any.whl": ONE, "two-1.0-py3-none-any.whl": wheel("two")}


class Index:
    """A simple index (PEP 503) of two wheels, with hashes or without, for who knows the password."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bool]] = []
        self.hashes = True
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                allowed = self.headers.get("Authorization") == HEADER
                outer.requests.append((self.path, allowed))
                body = outer.body(self.path) if allowed else b""
                self.send_response(401 if not allowed else 404 if body is None else 200)
                if not allowed:
                    self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/zip")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

            do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def body(self, path: str) -> bytes | None:
        name = path.strip("/").rpartition("/")[2]
        if name in FILES:
            return FILES[name]
        file = f"{name}-1.0-py3-none-any.whl"
        if not path.startswith("/simple/") or file not in FILES:
            return None
        mark = f"#sha256={hashlib.sha256(FILES[file]).hexdigest()}" if self.hashes else ""
        return f'<a href="/files/{file}{mark}">{file}</a>'.encode()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def index(tree, tmp_path, monkeypatch):
    found = Index()
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ann password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    tree.write(
        "BUILD.toml",
        f'[workspace]\n[packages.d]\necosystem = "wheel"\ninstall = ["one"]\nindex = "{found.url}"\n[image.i]\nlayers = [":d"]\n',
    )
    yield found
    found.stop()


def test_installs_with_the_password_of_the_netrc_file(tree, index):
    digest = tree.image("//:i")["digest"]
    names = {path.split("/")[-2] for path in layout_files(tree.root / "dist/i") if path.endswith("__init__.py")}
    assert names == {"one", "two"}
    for path in [*tree.root.rglob("*"), *(tree.root.parent / "store").rglob("*")]:
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    index.stop()
    index.requests.clear()
    assert tree.image("//:i", "--locked")["digest"] == digest
    assert index.requests == []


def test_nothing_is_asked_again_by_a_second_build(tree, index):
    tree.image("//:i")
    count = len(index.requests)
    tree.image("//:i")
    tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text().replace("[image.i]", 'to = "/x"\n[image.i]'))
    tree.image("//:i")
    assert len(index.requests) == count


def test_a_wrong_password_is_one_line_that_does_not_hold_it(tree, index, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password wrong-one\n")
    status, _, err = tree.run("lock")
    assert status in (1, 2) and len(err.splitlines()) == 1 and "wrong-one" not in err
    assert err.startswith("BUILD.toml:4:11: ")


def test_an_index_without_hashes_is_hashed_when_locked(tree, index):
    index.hashes = False
    assert tree.run("lock")[0] == 0
    text = (tree.root / "stackbuild.lock").read_text()
    assert hashlib.sha256(ONE).hexdigest() in text


def test_bytes_that_changed_since_are_refused(tree, index, monkeypatch):
    assert tree.run("lock")[0] == 0
    monkeypatch.setitem(FILES, "one-1.0-py3-none-any.whl", wheel("one", metadata="Requires-Dist: two\nX: evil\n"))
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    assert status == 1 and "one 1.0: cannot fetch http://127.0.0.1:" in err and SECRET not in err


def test_the_lock_is_the_same_every_time(tree, index):
    texts = set()
    for _ in range(5):
        (tree.root / "stackbuild.lock").unlink(missing_ok=True)
        assert tree.run("lock")[0] == 0
        texts.add((tree.root / "stackbuild.lock").read_bytes())
    assert len(texts) == 1
