"""Debian packages and signed archives, made in a test."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import lzma
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE, FOLDER, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def member(name: str, data: bytes = b"", kind: bytes = FILE, mode: int = 0o644, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, len(data)
    for field, value in more.items():
        setattr(info, field, value)
    return info, data


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def ar(*members: tuple[str, bytes]) -> bytes:
    out = [b"!<arch>\n"]
    for name, data in members:
        out.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
        out.append(data + b"\n" * (len(data) % 2))
    return b"".join(out)


def control(name: str = "hello", version: str = "1.0-1", arch: str = "amd64", **fields: str) -> str:
    found = {"Package": name, "Version": version, "Architecture": arch, "Maintainer": "A <a@example.org>"}
    found |= {key.replace("_", "-"): value for key, value in fields.items()} | {"Description": "x"}
    return "".join(f"{key}: {value}\n" for key, value in found.items())


def deb(
    text: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    members: list[Any] | None = None,
    scripts: Mapping[str, str] | None = None,
) -> bytes:
    """A package. files: path -> data, a folder for a path that ends in "/", a link for data "-> target"."""
    found = []
    for path, data in (files or {}).items():
        if path.endswith("/"):
            found.append(member(f"./{path}", kind=FOLDER, mode=0o755))
        elif isinstance(data, str) and data.startswith("-> "):
            found.append(member(f"./{path}", kind=LINK, linkname=data[3:]))
        else:
            raw = data.encode() if isinstance(data, str) else data
            found.append(member(f"./{path}", raw, mode=0o755 if "bin/" in path else 0o644))
    info = [member("./control", text.encode())]
    info += [member(f"./{name}", body.encode(), mode=0o755) for name, body in (scripts or {}).items()]
    return ar(
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", gzip.compress(tar(*info))),
        ("data.tar.xz", lzma.compress(tar(*(members if members is not None else found)))),
    )


class Archive:
    """A signed archive in a folder. add packages, then publish; serve with `Server`."""

    def __init__(self, root: Path, suite: str = "test") -> None:
        import pysequoia

        self.root, self.suite = root, suite
        self.key = pysequoia.Tsk.generate(user_id="Test archive <test@example.org>")
        self.stanzas: list[str] = []
        self.release = {"Suite": suite, "Codename": suite, "Architectures": "amd64 arm64", "Components": "main"}

    def add(self, text: str, data: bytes | None = None, **files: Any) -> None:
        data = deb(text, **files) if data is None else data
        fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        path = f"pool/{fields['Package']}_{fields['Version'].replace(':', '%3a')}_{fields['Architecture']}.deb"
        (self.root / "pool").mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.stanzas.append(f"{text}Filename: {path}\nSize: {len(data)}\nSHA256: {digest}\n")

    def keyring(self) -> bytes:
        return str(self.key.certificate() if hasattr(self.key, "certificate") else self.key).encode()

    def publish(self, *, whole: bytes | None = None, **release: str) -> None:
        """whole: what the Release says that the unpacked index is; by default, what it is."""
        folder = self.root / "dists" / self.suite
        lines = []
        for arch in ("amd64", "arm64"):
            path = f"main/binary-{arch}/Packages.xz"
            mine = [text for text in self.stanzas if f"Architecture: {arch}" in text or "Architecture: all" in text]
            text = "\n".join(mine).encode()
            data = lzma.compress(text)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}")
            said = text if whole is None else whole
            lines.append(f" {hashlib.sha256(said).hexdigest()} {len(said)} {path.removesuffix('.xz')}")
        fields = {**self.release, "Date": "Sat, 01 Aug 2026 00:00:00 UTC", **release}
        text = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
        self.sign(text + "SHA256:\n" + "\n".join(lines) + "\n")

    def sign(self, text: str) -> None:
        import pysequoia

        signed = pysequoia.sign(self.key.signer(), text.encode(), mode=pysequoia.SignatureMode.CLEAR)
        (self.root / "dists" / self.suite / "InRelease").write_bytes(bytes(signed))


class Server:
    """A folder over HTTP on this machine; `asked` is what was asked for."""

    def __init__(self, root: Path) -> None:
        asked = self.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(root))

            def log_message(self, *_: Any) -> None:
                asked.append(self.path)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
