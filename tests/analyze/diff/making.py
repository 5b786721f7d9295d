"""Layers and images made by hand, member by member, as no builder would make them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def member(path: str, data: bytes | str = b"", kind: bytes = tarfile.REGTYPE, link: str = "", **facts) -> tuple[tarfile.TarInfo, bytes]:
    data = data.encode() if isinstance(data, str) else data
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644
    for name, value in facts.items():
        setattr(info, name, value)
    return info, data


def folder(path: str, **facts):
    return member(path, kind=tarfile.DIRTYPE, **{"mode": 0o755, **facts})


def symlink(path: str, link: str):
    return member(path, kind=tarfile.SYMTYPE, link=link, mode=0o777)


def hardlink(path: str, link: str):
    return member(path, kind=tarfile.LNKTYPE, link=link)


def gone(path: str):
    parent, _, name = path.rpartition("/")
    return member(f"{parent}/.wh.{name}".lstrip("/"))


def opaque(path: str):
    return member(f"{path}/.wh..wh..opq")


def layer(*members) -> bytes:
    """An uncompressed layer."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layout(
    path: Path,
    layers: list[bytes],
    config: dict | None = None,
    annotations: dict | None = None,
    history: list[dict] | None = None,
    level: int = 6,
    platforms=("linux/amd64",),
) -> Path:
    """An OCI layout of one image, its layers gzipped; for several platforms, of one image each."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict:
        (blobs / digest(data).partition(":")[2]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    described = [put(gzip.compress(data, level, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip") for data in layers]
    manifests = []
    for platform in platforms:
        os, arch = platform.split("/")
        document = {"os": os, "architecture": arch, "config": config or {}, "history": history or [],
                    "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in layers]}}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": put(json.dumps(document).encode(), CONFIG), "layers": described}
        if annotations:
            manifest["annotations"] = annotations
        manifests.append({**put(json.dumps(manifest).encode(), MANIFEST), "platform": {"os": os, "architecture": arch}})
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path
