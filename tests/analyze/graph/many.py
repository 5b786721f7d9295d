"""A workspace of many small targets whose images share layers: five to a folder."""

from __future__ import annotations

from pathlib import Path

SERVICE = """
[files.src]
srcs = ["src.txt"]
to = "/srv/{name}"

[files.config]
srcs = ["config.txt"]
to = "/etc/{name}"

[files.assets]
srcs = ["assets.txt"]
to = "/usr/share/{name}"

[files.docs]
srcs = ["src.txt"]
to = "/usr/share/doc/{name}"

[image.img]
base = "//base:os"
layers = [{layers}]
"""
BASE = """
[files.etc]
srcs = ["etc.txt"]
to = "/etc"

[files.certificates]
srcs = ["certificates.txt"]
to = "/etc/ssl"

[image.os]
layers = [":etc", ":certificates"]
"""


def many(root: Path, folders: int) -> None:
    """Services in teams of 25 folders; all stand on one base, and each on the assets of another too."""
    write(root / "base/BUILD.toml", BASE)
    write(root / "base/etc.txt", "root:x:0:0\n" * 400)
    write(root / "base/certificates.txt", "".join(f"certificate {number}\n" for number in range(2000)))
    paths = [f"team-{number // 25:02}/service-{number:04}" for number in range(folders)]
    for number, path in enumerate(paths):
        name = path.rpartition("/")[2]
        other = paths[number // 3]
        layers = [":config", ":assets", ":docs", ":src"] + ([f"//{other}:assets"] if other != path else [])
        shown = ", ".join(f'"{layer}"' for layer in layers)
        write(root / path / "BUILD.toml", SERVICE.format(name=name, layers=shown))
        write(root / path / "src.txt", f"source {name}\n" * (number % 40 + 1))
        write(root / path / "config.txt", f"name = {name}\n")
        write(root / path / "assets.txt", "".join(f"{number * line}\n" for line in range(number * 37 % 900)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
