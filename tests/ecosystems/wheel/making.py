"""Wheels, made in a test."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def row(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def wheel(
    name: str = "hello",
    version: str = "1.0",
    files: Mapping[str, str | bytes] | None = None,
    *,
    metadata: str = "",
    points: str = "",
    tag: str = WHEEL,
    record: str | None = None,
    info: str | None = None,
) -> bytes:
    """A wheel whose RECORD is right unless it is given."""
    folder = info or f"{name}-{version}.dist-info"
    found: dict[str, bytes] = {
        path: data.encode() if isinstance(data, str) else data for path, data in (files or {f"{name}.py": "x = 1\n"}).items()
    }
    found[f"{folder}/WHEEL"] = tag.encode()
    found[f"{folder}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}\n".encode()
    if points:
        found[f"{folder}/entry_points.txt"] = points.encode()
    if record is None:
        record = "".join(row(path, data) for path, data in found.items()) + f"{folder}/RECORD,,\n"
    found[f"{folder}/RECORD"] = record.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in found.items():
            info_ = zipfile.ZipInfo(path)
            info_.external_attr = (0o100755 if path.endswith(".sh") else 0o100644) << 16
            info_.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info_, data)
    return out.getvalue()


def altered(data: bytes, name: str, change) -> bytes:
    """A zip with the member of a name written otherwise: change(ZipInfo, bytes) -> [(ZipInfo, bytes)]."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            pairs = change(info, old.read(info)) if info.filename == name else [(info, old.read(info))]
            for inner, body in pairs:
                new.writestr(inner, body)
    return out.getvalue()
