"""Rules of secrets: credentials that go wherever the image goes.

A name alone convicts nobody: what can be looked into must hold a credential.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from .finding import Finding, rule
from .image import CheckedImage
from .layers import Entry

SECRET = rule(
    "secret-file",
    "error",
    "a file holds a credential",
    """A layer of this workspace has a private key (id_rsa and its kin, *.pem and *.key that hold PRIVATE
    KEY), or a .netrc, .npmrc, .pypirc, .git-credentials, .env, .aws/credentials, .docker/config.json or
    kubeconfig that holds a password, token or key. Whoever has the image has it. Mount it when the
    container runs.""",
)
DELETED = rule(
    "secret-deleted",
    "error",
    "a credential is deleted by an upper layer, and still there",
    """A file with a credential, as of `secret-file`, is deleted or written over by an upper layer. The
    lower layer still holds it, and goes wherever the image goes.""",
)
ENV = rule(
    "secret-env",
    "error",
    "a variable holds a credential",
    """A variable that this image adds is called …TOKEN, …PASSWORD, …SECRET, …API_KEY or alike and has a
    value. Everybody who can see the image or the container reads it. Values that are empty, a path, a
    number, or true and false are let be, and so are names that end in _FILE or _PATH.""",
)
GIT = rule(
    "git-folder",
    "warning",
    "a .git folder is in the image",
    """A layer of this workspace has a repository's .git folder: all of its history, and what was ever
    deleted from it.""",
)

_KEY_NAMES = r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?|ssh_host_\w+_key|[^/]+\.(pem|key|p8|ppk)"
_ASSIGNED = re.compile(
    r"^[ \t]*(?:export[ \t]+)?[\w.-]{0,100}"
    r"(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)"
    r"[\w.-]{0,100}[ \t]*=[ \t]*['\"]?([^\s'\"#$<][^\s'\"]*)",
    re.IGNORECASE | re.MULTILINE,
)
_NPM = re.compile(r"_(authToken|auth|password)[ \t]*=[ \t]*[^\s$]", re.IGNORECASE)
_LOGIN = re.compile(r"^[ \t]*password[ \t]*[=:][ \t]*[^\s$]", re.MULTILINE)
_NETRC = re.compile(r"\bpassword\s+\S")
_AWS = re.compile(r"^[ \t]*aws_(secret_access_key|session_token)[ \t]*=[ \t]*[^\s$]", re.MULTILINE)
_KUBE = re.compile(r"^[ \t]*(?:-[ \t]*)?(token|client-key-data|password)[ \t]*:[ \t]*['\"]?\w", re.MULTILINE)
_GIT_LOGIN = re.compile(r"^https?://[^\s/:]*:[^\s/@]+@", re.MULTILINE)


def _is_private_key(text: str) -> bool:
    return re.search(r"^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|^PuTTY-User-Key-File-", text, re.M) is not None


def _has_auths(text: str) -> bool:
    try:
        auths = json.loads(text)["auths"]
        return any(item.get("auth") or item.get("identitytoken") for item in auths.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


_FILES: tuple[tuple[str, Callable[[str], object], str], ...] = (
    (_KEY_NAMES, _is_private_key, "a private key"),
    (r"\.env(\.(?!example|sample|template|dist|test)[^/]+)?", _ASSIGNED.search, "a password, token or key"),
    (r"\.netrc", _NETRC.search, "a password"),
    (r"\.npmrc", _NPM.search, "a token"),
    (r"\.pypirc", _LOGIN.search, "a password or token"),
    (r"\.git-credentials", _GIT_LOGIN.search, "a password"),
    (r"\.aws/credentials", _AWS.search, "a secret key"),
    (r"(\.docker/config\.json|\.dockercfg)", _has_auths, "a login"),
    (r"(\.kube/config|[^/]*kubeconfig[^/]*)", _KUBE.search, "a token or key"),
)
TEXTS = "|".join(rf"(?:.*/)?(?:{name})" for name, _, _ in _FILES)
_COMPILED = [(re.compile(rf"(.*/)?({name})"), holds, what) for name, holds, what in _FILES]

_SECRET_NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"|/.*|\.{1,2}/.*|\d+|true|false|yes|no|on|off|none|null", re.IGNORECASE)


def _held(path: str, entry: Entry) -> str:
    """What credential a file holds, "" for none."""
    if len(entry.head) < 2:  # what was not kept, for its name is none of these
        return ""
    for name, holds, what in _COMPILED:
        if name.fullmatch(path) and holds(entry.head.decode("utf-8", "replace")):
            return what
    return ""


def files(image: CheckedImage) -> Iterator[Finding]:
    """Credentials in files that everybody sees."""
    for path, node in image.our_nodes:
        if what := _held(path, node.entry):
            hint = "leave it out, change the credential if the image was pushed, and mount it at run time"
            yield Finding(SECRET, f"holds {what}", hint, path, node.layer)


def deleted(image: CheckedImage) -> Iterator[Finding]:
    """Credentials in files that seem to be gone."""
    for item in image.tree.lost:
        if image.is_ours(item.node.layer) and (what := _held(item.path, item.node.entry)):
            by = image.layer_name(item.layer)
            hint = "leave it out of the lower layer, and change the credential if the image was pushed"
            said = f"holds {what}; {by} only hides it"
            yield Finding(DELETED, said, hint, item.path, item.node.layer)


def variables(image: CheckedImage) -> Iterator[Finding]:
    """Credentials in variables that the base does not set alike."""
    inherited = image.base.env if image.base else {}
    for name, value in image.env.items():
        if inherited.get(name) != value and _SECRET_NAME.search(name) and not _HARMLESS.fullmatch(value):
            hint = "leave it out, and set it when the container runs"
            yield Finding(ENV, f"{name} has a value", hint, field=("env", name))


def git(image: CheckedImage) -> Iterator[Finding]:
    """Repositories, by the file that each has."""
    for path, node in image.our_nodes:
        if path.endswith(".git/HEAD") and path.removesuffix("/HEAD").rpartition("/")[2] == ".git":
            hint = "make the archive without it"
            yield Finding(GIT, "is a repository's history", hint, path.removesuffix("/HEAD"), node.layer)


CHECKS = (files, deleted, variables, git)
