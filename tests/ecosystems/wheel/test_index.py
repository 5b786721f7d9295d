"""An index of one's own that wants a name and a password."""

import base64
import http.server
import threading

import pytest

from .making import wheel

ALLOWED = "Basic " + base64.b64encode(b"me:canary-7").decode()
DATA = wheel("secret")


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") != ALLOWED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.end_headers()
            return
        name = "secret-1.0-py3-none-any.whl"
        body = DATA if self.path == f"/f/{name}" else f'<a href="/f/{name}">{name}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if body is DATA else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def index():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def test_credentials_come_from_netrc_and_go_nowhere(tree, index, tmp_path, monkeypatch):
    text = '[workspace]\n[packages.p]\necosystem = "wheel"\ninstall = ["secret"]\nindex = "{}"\n[image.i]\nlayers = [":p"]\n'
    tree.write("BUILD.toml", text.format(index))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    status, _, err = tree.run("lock")
    assert status != 0 and err.count("\n") == 1 and "wrong" not in err
    netrc.write_text("machine 127.0.0.1 login me password canary-7\n")
    status, out, err = tree.run("image", "//:i", "--progress", "plain")
    assert status == 0, err
    kept = [path for path in [*tree.root.rglob("*"), *(tmp_path / "store").rglob("*")] if path.is_file()]
    assert len(kept) > 8 and not [path for path in kept if b"canary-7" in path.read_bytes()]
    assert "canary-7" not in out + err


def test_credentials_in_a_url_are_refused(tree):
    tree.write("BUILD.toml", '[workspace]\n[packages.p]\necosystem = "wheel"\ninstall = ["x"]\nindex = "https://me:canary-7@example.org/simple"\n')
    status, _, err = tree.run("lock")
    assert status == 2 and err.startswith("BUILD.toml:5:9: ") and "netrc" in err and "canary-7" not in err
