"""Wheels made in a test, sound unless it says how not."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

TIME = (1980, 1, 1, 0, 0, 0)


def record_hash(data: bytes, kind: str = "sha256") -> str:
    return f"{kind}={base64.urlsafe_b64encode(hashlib.new(kind, data).digest()).rstrip(b'=').decode()}"


def contents(name="foo", version="1.0", files=None, info=None, wheel_version="1.0", metadata="", **texts) -> dict[str, bytes]:
    """path -> bytes of a wheel's files, but for its RECORD. texts: more files of its .dist-info."""
    info = info or f"{name}-{version}.dist-info"
    found = {
        f"{name}/__init__.py": b"",
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: {wheel_version}\nRoot-Is-Purelib: true\nTag: py3-none-any\n".encode(),
    }
    return found | {f"{info}/{file.replace('_txt', '.txt')}": text.encode() for file, text in texts.items()}


def record(files: dict[str, bytes], info="foo-1.0.dist-info") -> bytes:
    rows = [f"{path},{record_hash(data)},{len(data)}" for path, data in files.items()]
    return "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()


def zipped(members, *, modes=None, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name, bytes) pairs, or of a table of them. modes: name -> st_mode."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = method
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, data)
    return out.getvalue()


def wheel(name="foo", version="1.0", files=None, *, modes=None, **more) -> bytes:
    """A sound wheel."""
    found = contents(name, version, files, **more)
    info = f"{name}-{version}.dist-info"
    return zipped({**found, f"{info}/RECORD": record(found, info)}, modes=modes)


def lock(*wheels: tuple[str, bytes], head="") -> str:
    """A pylock.toml of (path, bytes) of wheels in the tree."""
    rows = ['lock-version = "1.0"', 'created-by = "test"', head]
    for path, data in wheels:
        name, version = path.rpartition("/")[2].split("-")[:2]
        hashes = f'{{ sha256 = "{hashlib.sha256(data).hexdigest()}" }}'
        rows += [
            "[[packages]]",
            f'name = "{name.replace("_", "-")}"',
            f'version = "{version}"',
            f'wheels = [{{ path = "{path}", size = {len(data)}, hashes = {hashes} }}]',
        ]
    return "\n".join(rows) + "\n"
