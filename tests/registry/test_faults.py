"""Registries that fail, lie or lead astray: each fault ends well, or with exit status 1 and one line."""

from __future__ import annotations

import functools
import json
import os
import random
import re
from pathlib import Path

import pytest

from stackbuild.registry.client import Registry

from .faulty import Answer, FaultyRegistry, Reset

CANARY = "canary"
BUILD = """
[files.one]
srcs = ["one"]
[files.big]
srcs = ["big"]
[image.img]
layers = [":one", ":big"]
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits for seconds."""
    monkeypatch.setattr(Registry, "__init__", functools.partialmethod(Registry.__init__, backoff=0.001))


@pytest.fixture
def faulty():
    servers = []

    def start(**options) -> FaultyRegistry:
        servers.append(FaultyRegistry(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Scene:
    """A workspace with an image to push to a faulty registry, and one to pull from it."""

    def __init__(self, tree, server, elsewhere) -> None:
        self.tree, self.server, self.elsewhere = tree, server, elsewhere
        tree.write("one", "one")
        tree.write("big", random.Random(5).randbytes(3 << 20))
        self.push_text = f'[workspace]\nrepository = "{server.host}/app"\n{BUILD}'
        tree.write("BUILD.toml", self.push_text)

    def push(self):
        return self.tree.run("push", "//:img", "--progress", "none")

    def pull(self):
        """Push without a fault, then pull as a base, with a store that knows nothing."""
        before, after, self.server.before, self.server.after = (
            self.server.before, self.server.after, lambda request: None, lambda request, answer: answer,
        )  # fmt: skip
        status, _, err = self.push()
        assert status == 0, err
        self.server.before, self.server.after = before, after
        self.server.seen.clear()
        return self.pull_again()

    def pull_again(self):
        os.environ["STACKBUILD_STORE"] += "-pull"
        self.tree.write("BUILD.toml", f'[workspace]\n[base.b]\nimage = "{self.server.host}/app:latest"\n[image.img]\nbase = ":b"\n')
        return self.tree.run("image", "//:img", "--progress", "none")


@pytest.fixture
def scene(tree, faulty, monkeypatch):
    def make(auth="basic") -> Scene:
        server, elsewhere = faulty(auth=auth), faulty()
        monkeypatch.setenv("STACKBUILD_REGISTRY_HOST", server.host)
        monkeypatch.setenv("STACKBUILD_REGISTRY_USERNAME", server.user[0])
        monkeypatch.setenv("STACKBUILD_REGISTRY_PASSWORD", server.user[1])
        monkeypatch.setenv("STACKBUILD_STORE", os.environ["STACKBUILD_STORE"])
        return Scene(tree, server, elsewhere)

    return make


def times(number, action):
    """A fault for the first `number` of the requests that it is about."""
    count = [0]

    def fault(request):
        count[0] += 1
        if count[0] <= number:
            if isinstance(action, Exception):
                raise action
            return action
        return None

    return fault


def on(method, part, fault):
    return lambda request: fault(request) if request.is_(method, part) else None


def changed(method, part, change, number=10**9):
    """Change the right answer to some requests."""
    count = [0]

    def fault(request, answer):
        if not request.is_(method, part) or answer.status >= 300:
            return answer
        count[0] += 1
        return change(answer) if count[0] <= number else answer

    return fault


def edited(**changes):
    def change(answer):
        document = json.loads(answer.body) | changes
        data = json.dumps({name: value for name, value in document.items() if value is not None}).encode()
        return Answer(200, data, {"Content-Type": answer.headers["Content-Type"]})

    return change


def body(data=None, **options):
    return lambda answer: Answer(answer.status, answer.body if data is None else data(answer.body), answer.headers, **options)


ALWAYS = 10**9
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SHA = "sha256:" + "0" * 64

PUSH_GOES_WELL = {
    "429 with Retry-After, once": on("POST", "/uploads/", times(1, Answer(429, headers={"Retry-After": "0"}))),
    "500 twice": on("HEAD", "/blobs/", times(2, Answer(500))),
    "503 at the end of an upload": on("PUT", "/uploads/", times(1, Answer(503))),
    "reset while a chunk is sent": on("PATCH", "", times(2, Reset())),
    "reset after a chunk arrived": on("PATCH", "", times(1, Reset(after=True))),
    "reset after an upload was ended": on("PUT", "/uploads/", times(1, Reset(after=True))),
    "reset at a manifest": on("PUT", "/manifests/", times(1, Reset())),
    "reset before any answer": times(3, Reset()),
    "the upload session is gone": on("PATCH", "", times(1, Answer(404))),
    "416 at a chunk": on("PATCH", "", times(1, Answer(416))),
}


@pytest.mark.parametrize("name", PUSH_GOES_WELL)
def test_a_push_that_goes_well_all_the_same(scene, name):
    scene = scene()
    scene.server.before = PUSH_GOES_WELL[name]
    status, out, err = scene.push()
    assert status == 0, err
    assert out.startswith(f"{scene.server.host}/app@sha256:") and not scene.server.broken_promises
    assert ("app", "latest") in scene.server.manifests


PUSH_FAILS = {
    "401 without a challenge": (on("HEAD", "", times(ALWAYS, Answer(401))), "401"),
    "403": (on("POST", "/uploads/", times(ALWAYS, Answer(403))), "403"),
    "404 for an upload": (on("POST", "/uploads/", times(ALWAYS, Answer(404))), "404"),
    "429 for an hour": (on("POST", "/uploads/", times(ALWAYS, Answer(429, headers={"Retry-After": "3600"}))), "429"),
    "503 for ever": (on("PATCH", "", times(ALWAYS, Answer(503))), "503"),
    "reset for ever": (on("PATCH", "", times(ALWAYS, Reset())), "PATCH http"),
    "no place to upload to": (on("POST", "/uploads/", times(ALWAYS, Answer(202))), "does not say where to upload"),
    "a place that is not https": (
        on("POST", "/uploads/", times(ALWAYS, Answer(202, headers={"Location": "http://192.0.2.1/x"}))), "which is not https",
    ),
    "a place of another kind": (
        on("POST", "/uploads/", times(ALWAYS, Answer(202, headers={"Location": "file:///etc/passwd"}))), "which is not https",
    ),
    "another digest stored": (on("PUT", "/manifests/", times(ALWAYS, Answer(201, headers={"Docker-Content-Digest": SHA}))), "the registry stored"),
    "a message with the password in it": (
        on("POST", "", times(ALWAYS, Answer(403, b'{"errors":[{"code":"DENIED","message":"no, canary-7f3a!"}]}'))), "DENIED: no, …!",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUSH_FAILS)
def test_a_push_that_fails(scene, name):
    scene = scene()
    scene.server.before, words = PUSH_FAILS[name]
    status, out, err = scene.push()
    assert (status, out) == (1, "") and words in err
    assert_one_line(err, scene)
    assert ("app", "latest") not in scene.server.manifests


def assert_one_line(err, scene):
    """Each fault is a line that names the registry and the repository; several blobs may fail at once."""
    lines = err.splitlines()
    assert lines and all(f"{scene.server.host}/app" in line for line in lines), err
    assert CANARY not in err and "Traceback" not in err and "stackbuild itself" not in err


PULL_GOES_WELL = {
    "blobs break off": changed("GET", "/blobs/", lambda answer: Answer(answer.status, answer.body, answer.headers, cut=1 << 20), 3),
    "blobs are cut short": changed("GET", "/blobs/", body(cut=10), 2),
    "Range is not known": changed("GET", "/blobs/", body(cut=1 << 20), 1),
    "500 twice": on("GET", "/manifests/", times(2, Answer(500))),
    "reset twice": on("GET", "/blobs/", times(2, Reset())),
}


@pytest.mark.parametrize("name", PULL_GOES_WELL)
def test_a_pull_that_goes_well_all_the_same(scene, name):
    scene = scene()
    fault = PULL_GOES_WELL[name]
    if name.startswith(("500", "reset")):
        scene.server.before = fault
    else:
        scene.server.after = fault
    if name == "Range is not known":
        ignored = lambda request: request.headers.pop("range", None) and None  # noqa: E731
        scene.server.before = ignored
    status, _, err = scene.pull()
    assert status == 0, err


PULL_FAILS = {
    "no such manifest": (on("GET", "/manifests/", times(ALWAYS, Answer(404))), "404"),
    "other bytes in a blob": (changed("GET", "/blobs/", body(lambda data: data[:-1] + bytes([data[-1] ^ 1]))), ""),
    "too many bytes in a blob": (changed("GET", "/blobs/", body(lambda data: data + b"more")), ""),
    "other bytes in the manifest": (changed("GET", "/manifests/", body(lambda data: data + b" ")), "expected sha256:"),
    "a Content-Length that is too small": (changed("GET", "/manifests/", body(length=20)), ""),
    "a Content-Length that is too large": (changed("GET", "/manifests/", body(length=10**6, cut=10**6)), "the answer broke off"),
    "no JSON": (changed("GET", "/manifests/", lambda answer: Answer(200, b"<html>", {"Content-Type": MANIFEST})), "not JSON"),
    "an ambiguous manifest": (changed("GET", "/manifests/", edited(manifests=[])), "ambiguous"),
    "a media type that contradicts the document": (
        changed("GET", "/manifests/", edited(mediaType="application/vnd.oci.image.index.v1+json")), "the media type is said to be",
    ),
    "a header that contradicts the document": (
        changed("GET", "/manifests/", lambda answer: Answer(200, answer.body, {"Content-Type": MANIFEST.replace("manifest", "index")})), "the media type",
    ),
    "schema version 1": (changed("GET", "/manifests/", edited(schemaVersion=1)), "schema version 2"),
    "a huge manifest": (changed("GET", "/manifests/", body(lambda data: b" " * (5 << 20) + data)), "larger than"),
    "a malformed digest": (
        changed("GET", "/manifests/", edited(layers=[{"mediaType": MANIFEST, "digest": "sha256:../../x", "size": 1}])), "",
    ),
    "a malformed digest of the configuration": (changed("GET", "/manifests/", edited(config={"digest": "../../etc/passwd", "size": 1})), "is not a digest"),
    "a huge configuration": (changed("GET", "/manifests/", edited(config={"digest": SHA, "size": 1 << 40})), "larger than"),
    "a digest of nothing in the header": (
        changed("GET", "/manifests/", lambda answer: Answer(200, answer.body, answer.headers | {"Docker-Content-Digest": "md5:1"})), "is not a digest",
    ),
    "a redirect to clear text": (on("GET", "/blobs/", times(ALWAYS, Answer(307, headers={"Location": "http://192.0.2.1/x"}))), "which is not https"),
    "redirects in a circle": (on("GET", "/blobs/", lambda request: Answer(307, headers={"Location": request.path})), "redirects more than 5 times"),
    "bytes from another place": (
        lambda request, answer: Answer(206, answer.body, {"Content-Range": "bytes 7-9/10"}) if answer.status == 206 else
        (Answer(200, answer.body, answer.headers, cut=1 << 19) if request.is_("GET", "/blobs/") else answer), "the server sends them from 7",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PULL_FAILS)
def test_a_pull_that_fails(scene, name):
    scene = scene()
    fault, words = PULL_FAILS[name]
    if fault.__code__.co_argcount == 1:
        scene.server.before = fault
    else:
        scene.server.after = fault
    status, out, err = scene.pull()
    assert status == 1 and not out and words in err, err
    assert len(err.splitlines()) == 1
    assert CANARY not in err and "stackbuild itself" not in err
    assert not list(scene.tree.root.glob("dist/**/index.json"))


def test_credentials_do_not_follow_a_redirect(scene):
    scene = scene()

    def to_elsewhere(request):
        _, _, digest = request.path.rpartition("/")
        scene.elsewhere.blobs["app", digest] = scene.server.blobs["app", digest]
        return Answer(307, headers={"Location": f"http://{scene.elsewhere.host}{request.path}"})

    scene.server.before = on("GET", "/blobs/", to_elsewhere)
    status, _, err = scene.pull()
    assert status == 0, err
    assert scene.elsewhere.seen and not [request for request in scene.elsewhere.seen if "authorization" in request.headers]


def test_credentials_do_not_follow_an_upload_elsewhere(scene):
    scene = scene()

    def elsewhere(answer):
        if "Location" not in answer.headers:
            return answer
        session = answer.headers["Location"].rpartition("/")[2]
        scene.elsewhere.uploads[session] = b""
        return Answer(answer.status, b"", {"Location": f"http://{scene.elsewhere.host}{answer.headers['Location']}"})

    scene.server.after = changed("POST", "/uploads/", elsewhere)
    scene.push()
    assert scene.elsewhere.seen and not [request for request in scene.elsewhere.seen if "authorization" in request.headers]


def test_tokens_are_fetched_and_fetched_again(scene):
    scene = scene("token")
    scene.server.uses = 3  # and refused after that, in the middle of a push
    status, _, err = scene.push()
    assert status == 0, err
    assert len(scene.server.tokens) > 2 and not scene.server.broken_promises


def test_a_realm_that_is_not_the_registrys_gets_no_password(scene):
    scene = scene("token")
    scene.server.realm = f"http://localhost:{scene.elsewhere.host.partition(':')[2]}/token"
    status, _, err = scene.push()
    assert status == 1 and "asks for its credentials to be sent to localhost" in err and "token_realms" in err
    assert not scene.elsewhere.seen and CANARY not in err


def test_a_realm_that_was_agreed_to_gets_it(scene, tree):
    scene = scene("token")
    port = scene.elsewhere.host.partition(":")[2]
    scene.server.realm = f"http://localhost:{port}/token"
    scene.elsewhere.tokens = scene.server.tokens
    tree.write("BUILD.toml", scene.push_text.replace("[workspace]", f'[workspace]\ntoken_realms = ["localhost:{port}"]'))
    status, _, err = scene.push()
    assert status == 0, err


@pytest.mark.parametrize("answer", [Answer(500), Answer(200, b"{}"), Answer(200, b"no JSON"), Answer(200, b'{"token":"a\\nb"}'), Answer(302)])
def test_a_token_server_that_gives_none(scene, answer):
    scene = scene("token")
    scene.server.before = on("GET", "/token", times(ALWAYS, answer))
    status, _, err = scene.push()
    assert status == 1 and "token server" in err
    assert_one_line(err, scene)


def test_foreign_layers_come_from_their_urls_without_credentials(scene):
    scene = scene()

    def foreign(answer):
        document = json.loads(answer.body)
        for layer in document["layers"]:
            scene.elsewhere.blobs["app", layer["digest"]] = scene.server.blobs["app", layer["digest"]]
            layer["urls"] = [f"http://{scene.elsewhere.host}/v2/app/blobs/{layer['digest']}"]
        document["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
        return Answer(200, json.dumps(document).encode(), {"Content-Type": document["mediaType"]})

    document = []

    def rewritten(request, answer):
        if request.is_("GET", "/manifests/latest") and answer.status == 200:
            document.append(foreign(answer))
            return document[0]
        return answer

    def gone(request):
        """The rewritten manifest by its digest; and no layer."""
        if request.is_("GET", "/manifests/sha256"):
            return document[0]
        layers = [digest for _, digest in scene.elsewhere.blobs]
        return Answer(404) if request.is_("GET", "/blobs/") and request.path.endswith(tuple(layers)) and layers else None

    scene.server.before, scene.server.after = gone, rewritten
    status, _, err = scene.pull()
    assert status == 0, err
    fetched = [request for request in scene.elsewhere.seen if request.method == "GET" and request.path != "/v2/"]
    assert len(fetched) == 2 and not [request for request in fetched if "authorization" in request.headers]


def test_a_mount_that_is_refused_is_an_upload(scene, tree):
    scene = scene()
    tree.write("BUILD.toml", scene.push_text + f'[image.two]\nlayers = [":big"]\nrepository = "{scene.server.host}/two"\n')
    for status in (401, 403, 404, 500):
        scene.server.blobs.clear()
        scene.server.manifests.clear()
        scene.server.before = lambda request, status=status: Answer(status) if "mount" in request.query else None
        assert tree.run("push", "//:img", "//:two", "--progress", "none")[0] == 0
        assert ("two", "latest") in scene.server.manifests and not scene.server.broken_promises


BACKSLASHES = ["http://{evil}\\@{host}{path}", "http://{evil}%5C@{host}{path}", "http://user@{host}{path}", "http://{evil}#@{host}{path}", "http://{evil}\\.{host}{path}"]


@pytest.mark.parametrize("location", BACKSLASHES)
def test_no_url_that_two_parsers_read_otherwise_carries_credentials(scene, location):
    scene = scene()

    def astray(request):
        return Answer(307, headers={"Location": location.format(evil=scene.elsewhere.host, host=scene.server.host, path=request.path)})

    scene.server.before = on("GET", "/blobs/", astray)
    status, _, err = scene.pull()
    assert status == 1 and CANARY not in err
    assert not [request for request in scene.elsewhere.seen if "authorization" in request.headers]


def test_no_realm_that_two_parsers_read_otherwise_gets_a_password(scene):
    scene = scene("token")
    scene.server.realm = f"http://{scene.elsewhere.host}\\\\.127.0.0.1/token"
    status, _, err = scene.push()
    assert status == 1 and not scene.elsewhere.seen and CANARY not in err


@pytest.mark.parametrize("digest", ["../../../../x?y=", "latest", "1", "sha256:12", ""])
def test_a_lock_with_what_is_no_digest_is_refused_before_anybody_is_asked(scene, tree, digest):
    scene = scene()
    assert scene.pull()[0] == 0
    lock = tree.root / "stackbuild.lock"
    lock.write_text(re.sub(r'"linux/amd64" = ".*"', f'"linux/amd64" = "{digest}"', lock.read_text()))
    scene.server.seen.clear()
    os.environ["STACKBUILD_STORE"] += "-again"
    status, _, err = tree.run("image", "//:img", "--locked", "--progress", "none")
    assert status == 2 and "which is no digest" in err and len(err.splitlines()) == 1
    assert not scene.server.seen


def test_an_empty_entry_of_the_lock_does_not_let_a_tag_through(scene, tree):
    scene = scene()
    assert scene.pull()[0] == 0
    tree.write("stackbuild.lock", f'version = 1\n[base."{scene.server.host}/app:latest"]\n')
    status, _, err = tree.run("image", "//:img", "--locked", "--progress", "none")
    assert status == 2 and "no entry of a lock file" in err


def test_bytes_that_were_kept_and_are_wrong_are_fetched_again(scene, tree):
    """What a power loss leaves of a partial file."""
    scene = scene()
    assert scene.pull()[0] == 0
    _, digest = max(scene.server.blobs, key=lambda name: len(scene.server.blobs[name]))
    os.environ["STACKBUILD_STORE"] += "-again"
    temp = Path(os.environ["STACKBUILD_STORE"], "tmp")
    temp.mkdir(parents=True, mode=0o700)
    (temp / f"partial-{digest.removeprefix('sha256:')}").write_bytes(bytes(4096))
    status, _, err = tree.run("image", "//:img", "--progress", "none")
    assert status == 0, err
    assert not list(temp.iterdir())


def test_a_mirror_that_sends_too_much_does_not_spoil_the_registrys_bytes(scene, tree):
    scene = scene()
    assert scene.pull()[0] == 0
    for (repository, digest), data in scene.server.blobs.items():
        scene.elsewhere.blobs[repository, digest] = data if len(data) < 1000 else bytes(len(data)) + b"more"
    scene.elsewhere.manifests |= scene.server.manifests
    text = (tree.root / "BUILD.toml").read_text()
    tree.write("BUILD.toml", text.replace("[base", f'[workspace.mirrors]\n"{scene.server.host}" = ["{scene.elsewhere.host}"]\n[base'))
    os.environ["STACKBUILD_STORE"] += "-again"
    status, _, err = tree.run("image", "//:img", "--progress", "none")
    assert status == 0, err


def test_retry_after_is_heeded_in_the_middle_of_an_upload(scene, monkeypatch):
    from stackbuild.registry.transport import Transport

    waited = []
    monkeypatch.setattr(Transport, "pause", lambda self, number, asked=None: waited.append(asked) or True)
    scene = scene()
    scene.server.before = on("PUT", "/uploads/", times(1, Answer(429, headers={"Retry-After": "7"})))
    assert scene.push()[0] == 0 and "7" in waited


NESTED = b"[" * 60_000
BOMBS = {
    "a refusal": on("POST", "/uploads/", lambda request: Answer(403, NESTED)),
    "a token": on("GET", "/token", lambda request: Answer(200, NESTED)),
    "a token that lasts for ever": on("GET", "/token", lambda request: Answer(200, b'{"token":"x","expires_in":1e999}')),
    "a time to wait": on("POST", "/uploads/", lambda request: Answer(429, headers={"Retry-After": "9" * 5000})),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_breaks_a_parser_is_one_line(scene, name):
    scene = scene("token")
    scene.server.before = BOMBS[name]
    status, _, err = scene.push()
    assert status == 1
    assert_one_line(err, scene)


@pytest.mark.parametrize("change", [{"config": {"digest": SHA, "size": 1e999}}, {"annotations": {"a": "\ud800"}}])
def test_numbers_and_texts_that_are_none(scene, change):
    scene = scene()
    scene.server.after = changed("GET", "/manifests/", edited(**change))
    status, _, err = scene.pull()
    assert status == 1 and "stackbuild itself" not in err and len(err.splitlines()) == 1


def test_a_break_in_the_middle_of_a_manifest_is_tried_again(scene):
    scene = scene()
    scene.server.after = changed("GET", "/manifests/", lambda answer: Answer(200, answer.body, answer.headers, cut=20), 2)
    status, _, err = scene.pull()
    assert status == 0, err


def test_a_manifest_that_was_deleted_from_under_an_index_is_pushed_again(scene, tree):
    scene = scene()
    tree.write("BUILD.toml", scene.push_text + 'platforms = ["linux/amd64", "linux/arm64"]\n')
    assert scene.push()[0] == 0
    gone = next(name for name, (kind, _) in scene.server.manifests.items() if "index" not in kind and name[1] != "latest")
    kept = scene.server.manifests.pop(gone)
    assert scene.push()[0] == 0 and scene.server.manifests[gone] == kept


def test_what_one_repository_has_is_mounted_in_another(scene, tree):
    scene = scene()
    assert scene.push()[0] == 0
    scene.server.seen.clear()
    both = [part for name in ("app", "other") for part in ("--repository", f"{scene.server.host}/{name}")]
    assert tree.run("push", "//:img", *both, "--progress", "none")[0] == 0
    posts = [request for request in scene.server.seen if request.method == "POST"]
    assert len(posts) == 3 and all(request.query.get("from") == "app" for request in posts)
    assert ("other", "latest") in scene.server.manifests


def test_an_index_without_platforms(scene, tree):
    scene = scene()
    tree.write("BUILD.toml", scene.push_text + 'platforms = ["linux/amd64", "linux/arm64"]\n')

    def bare(answer):
        document = json.loads(answer.body)
        for item in document.get("manifests", ()):
            item.pop("platform", None)
        return Answer(200, json.dumps(document).encode(), {"Content-Type": answer.headers["Content-Type"]})

    scene.server.after = lambda request, answer: (
        bare(answer) if request.is_("GET", "/manifests/latest") and answer.status == 200 else answer
    )
    status, _, err = scene.pull()
    assert status == 0, err
    assert '"linux/arm64"' in (tree.root / "stackbuild.lock").read_text()


@pytest.mark.long
def test_three_hundred_pushes_with_random_faults(scene, tree):
    """A tenth of all requests fails somehow: a push is complete or says why not; no tag is ever incomplete."""
    scene = scene("token")
    scene.server.uses = 25
    done = 0
    for seed in range(300):
        rng = random.Random(seed)
        tree.write("one", f"{seed}")
        scene.server.manifests.clear()
        scene.server.blobs.clear()

        def fault(request, rng=rng):
            if request.path in ("/v2/", "/token") or rng.random() > 0.1:
                return None
            kind = rng.randrange(5)
            if kind >= 3:
                raise Reset(after=kind == 4)
            return Answer((500, 429, 503)[kind])

        scene.server.before = fault
        status, out, err = scene.push()
        assert status in (0, 1) and not scene.server.broken_promises
        if status == 0:
            done += 1
            assert ("app", "latest") in scene.server.manifests and out.startswith(scene.server.host)
        else:
            assert_one_line(err, scene)
            scene.server.before = lambda request: None
            assert scene.push()[0] == 0 and ("app", "latest") in scene.server.manifests
    assert done > 250
    kept = [path.read_bytes() for path in Path(os.environ["STACKBUILD_STORE"]).rglob("*") if path.is_file()]
    assert kept and not [data for data in kept if CANARY.encode() in data]


