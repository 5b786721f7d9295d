"""Images for checks: layers written down as tables, and programs of a few hundred bytes."""

from __future__ import annotations

import json
import struct

X86_64, AARCH64, I386 = 62, 183, 3
LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"


def elf(interpreter="", needed=(), soname="", rpath="", runpath="", machine=X86_64, kind=3) -> bytes:
    """A 64-bit ELF file with the headers that a kernel and a loader look at, and nothing to run."""
    strings, tags = b"\0", []
    for tag, values in ((1, needed), (14, [soname]), (15, [rpath]), (29, [runpath])):
        for value in filter(None, values):
            tags.append((tag, len(strings)))
            strings += value.encode() + b"\0"
    segments = 1 + bool(interpreter) + bool(tags)
    start = 64 + 56 * segments
    loader = interpreter.encode() + b"\0" if interpreter else b""
    at = start + len(loader)
    tags += [(5, at), (10, len(strings)), (0, 0)]
    table = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    size = at + len(strings) + len(table)

    def segment(type_, offset, length):
        return struct.pack("<IIQQQQQQ", type_, 5, offset, offset, offset, length, length, 1)

    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, start, 64, 0, 0, 64, 56, segments, 64, 0, 0)
    head += segment(1, 0, size)
    head += segment(3, start, len(loader)) if interpreter else b""
    head += segment(2, at + len(strings), len(table)) if len(tags) > 3 else b""
    return head + loader + strings + table


STATIC = elf(kind=2)
SH = {"/bin/sh": (STATIC, 0o755)}


def layer(tree, folder: str, entries: dict) -> str:
    """A files target for path -> text, bytes, (either, mode), "-> link", "/" for a folder, (mode,) for one with a
    mode, or None to delete."""
    links, modes, dirs, gone, srcs = {}, {}, [], [], False
    for path, value in entries.items():
        if value is None:
            gone.append(path)
        elif value == "/":
            dirs.append(path)
        elif isinstance(value, str) and value.startswith("-> "):
            links[path] = value[3:]
        else:
            data, mode = value if isinstance(value, tuple) else (value, 0o644)
            tree.write(f"{folder}{path}", data)
            modes[f"{folder}{path}"] = f"{mode:04o}"
            srcs = True
    text = [f"[files.{folder}]"]
    text += [f'srcs = ["{folder}/**"]', f'strip_prefix = "{folder}"'] if srcs else []
    for name, table in (("symlinks", links), ("modes", modes)):
        text += [f"{name} = {{ {', '.join(f'{json.dumps(key)} = {json.dumps(value)}' for key, value in table.items())} }}"] if table else []
    for name, items in (("dirs", dirs), ("whiteouts", gone)):
        text += [f"{name} = {json.dumps(items)}"] if items else []
    return "\n".join(text) + "\n"


def write(tree, *layers: dict, base: dict | None = None, image: str = "", more: str = "") -> None:
    """A workspace with //:img of these layers, on a base from outside if there is one."""
    text = ["[workspace]\n", more]
    if base is not None:
        tree.write("BUILD.toml", "[workspace]\n" + layer(tree, "below", base) + '[image.lower]\nlayers = [":below"]\n')
        tree.image("//:lower", "--output", str(tree.root / "outside"))
        text.append('[base.b]\npath = "outside"\n')
    names = [f"l{number}" for number in range(len(layers))]
    text += [layer(tree, name, entries) for name, entries in zip(names, layers, strict=True)]
    below = 'base = ":b"\n' if base is not None else ""
    text.append(f"[image.img]\n{below}layers = {json.dumps([f':{name}' for name in names])}\n{image}\n")
    tree.write("BUILD.toml", "".join(text))


def found(tree, *arguments: str) -> list[dict]:
    """What `check --json` finds, of every level."""
    status, out, err = tree.run("check", "//:img", "--json", "--level", "info", "--progress", "none", *arguments)
    assert status in (0, 1), err
    return json.loads(out)["findings"]


def line(tree, text: str) -> int:
    """The line of BUILD.toml that holds a text."""
    return next(at for at, row in enumerate((tree.root / "BUILD.toml").read_text().splitlines(), 1) if text in row)


def rules(tree, *arguments: str, but=("root", "no-command", "workdir-missing")) -> list[tuple[str, str]]:
    """(rule, path) of what is found; but: rules that the test is not about."""
    return [(item["rule"], item["path"]) for item in found(tree, *arguments) if item["rule"] not in but]
