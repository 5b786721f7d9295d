"""The bundle of CA certificates, and the links by which OpenSSL finds each: what update-ca-certificates(8)
makes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

from ...errors import BuildFailed
from ..trees import read
from .known import CERTIFICATES
from .root import Root

_FOLDER = "etc/ssl/certs"
_TEXTS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}
"""Tags of DER's texts, and how each is encoded."""
_SPACES = re.compile(r"[ \t\n\v\f\r]+")


def write_bundle(root: Root) -> None:
    """Write ca-certificates.conf, the bundle, and the links to each certificate."""
    found = {match[1]: path for path in root.entries if (match := CERTIFICATES.fullmatch(path))}
    if not root.has("etc/ca-certificates.conf"):
        root.write("etc/ca-certificates.conf", "".join(f"{name}\n" for name in sorted(found)))
    bundle, hashes = [], dict[str, int]()
    for name, path in sorted(found.items()):
        data = read(root.entries[path])
        bundle.append(data.rstrip(b"\n") + b"\n")
        # The name that update-ca-certificates gives the link.
        pem = re.sub(
            r"[ (),]", lambda char: {" ": "_", ",": "_"}.get(char[0], "="), name.rpartition("/")[2][:-4]
        )
        root.link(f"{_FOLDER}/{pem}.pem", f"/{path}")
        try:
            mark = subject_hash(data)
        except ValueError as error:
            raise BuildFailed(f"/{path} is no X.509 certificate") from error
        root.link(f"{_FOLDER}/{mark}.{hashes.get(mark, 0)}", f"{pem}.pem")
        hashes[mark] = hashes.get(mark, 0) + 1
    root.write(f"{_FOLDER}/ca-certificates.crt", b"".join(bundle))


def subject_hash(pem: bytes) -> str:
    """The number by which OpenSSL looks a certificate up: of its subject, put into one form
    (X509_NAME_hash(3)).

    Raises ValueError for what is no certificate.
    """
    lines = pem.decode("ascii", "replace").partition("-----BEGIN CERTIFICATE-----")[2]
    der = base64.b64decode(lines.partition("-----END")[0])
    try:
        ((_, certificate),) = _values(der)
        fields = [
            item for item in _values(next(_values(certificate))[1]) if item[0] != 0xA0
        ]  # but the version
        names = [b"".join(_canonical(item) for item in _values(rdn)) for _, rdn in _values(fields[4][1])]
    except (IndexError, ValueError, StopIteration) as error:
        raise ValueError("it is no X.509 certificate") from error
    return hashlib.sha1(b"".join(_encoded(0x31, name) for name in names)).digest()[3::-1].hex()


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that follow each other in DER: (tag, contents) (X.690, section 8.1)."""
    at = 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[at + 2 : start])
        if start + length > len(der):
            raise ValueError("cut short")
        yield tag, der[start : start + length]
        at = start + length


def _encoded(tag: int, contents: bytes) -> bytes:
    size = len(contents)
    head = (
        bytes([size])
        if size < 0x80
        else bytes([0x80 + (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8)
    )
    return bytes([tag]) + head + contents


def _canonical(attribute: tuple[int, bytes]) -> bytes:
    """An attribute of a name, its text in lower case and with single spaces."""
    (_, kind), (tag, value) = _values(attribute[1])
    if tag in _TEXTS:
        text = _SPACES.sub(" ", value.decode(_TEXTS[tag]).strip(" \t\n\v\f\r"))
        tag, value = 0x0C, "".join(char.lower() if char.isascii() else char for char in text).encode()
    return _encoded(0x30, _encoded(0x06, kind) + _encoded(tag, value))
