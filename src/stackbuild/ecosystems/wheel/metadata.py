"""The text files of a wheel's .dist-info: WHEEL, METADATA and entry_points.txt.

Sources: "Binary distribution format", "Core metadata" and "Entry points" of packaging.python.org.
"""

from __future__ import annotations

import configparser
import re
from email.parser import BytesParser
from typing import Any

from ...errors import BuildFailed
from ...layer.entry import WHITEOUT
from ..ecosystem import Package

_LONGEST = 100  # characters; what is longer is the text of a license, not its name


def checked_wheel(data: bytes) -> None:
    """Raise BuildFailed unless WHEEL states a version of the format that is known here."""
    version = str(BytesParser().parsebytes(data).get("Wheel-Version", "")).strip()
    if not re.fullmatch(r"1\.\d+", version):
        raise BuildFailed(f"its wheel format is {version or 'not stated'}; 1.x is known")


def described(package: Package, info: str, data: bytes) -> dict[str, Any]:
    """What METADATA says beyond the lock: "license", "requires".

    Raises BuildFailed when it, or the name of the .dist-info folder, is not the package's.
    """
    from packaging.metadata import parse_email

    raw, _ = parse_email(data)
    folder_name, _, folder_version = info.removesuffix(".dist-info").rpartition("-")
    stated = [(str(raw.get("name", "")), str(raw.get("version", ""))), (folder_name, folder_version)]
    for name, version in stated:
        if not _same(package, name, version):
            raise BuildFailed(f"it says that it is {name or 'nameless'} {version}".rstrip())
    return {"license": _license(raw), "requires": list(raw.get("requires_dist", ()))}


def _same(package: Package, name: str, version: str) -> bool:
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    try:
        return canonicalize_name(name) == package.name and Version(version) == Version(package.version)
    except InvalidVersion:
        return False


def _license(raw: Any) -> str:
    """An SPDX expression, or the words that there are."""
    if expression := raw.get("license_expression"):
        return str(expression)
    words = str(raw.get("license", "")).strip()
    if words and len(words) <= _LONGEST and words.isprintable() and words != "UNKNOWN":
        return words
    found = [line for line in raw.get("classifiers", ()) if line.startswith("License :: ")]
    names = [line.rpartition(" :: ")[2] for line in found if line != "License :: OSI Approved"]
    return ", ".join(names)


def entry_points(data: bytes) -> list[list[str]]:
    """The commands that an entry_points.txt declares: [name, module, object]. Raises BuildFailed."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(data.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BuildFailed(f"its entry_points.txt cannot be read: {str(error).splitlines()[0]}") from error
    found = []
    for section in ("console_scripts", "gui_scripts"):
        for name, value in parser.items(section) if parser.has_section(section) else ():
            module, _, target = re.sub(r"\[[^\]]*\]\s*$", "", value).strip().partition(":")
            module, target = module.strip(), target.strip()
            sound = all(part.isidentifier() for part in [*module.split("."), *target.split(".")])
            if not sound or not _is_command(name):
                raise BuildFailed(f"its entry point {name!r} = {value!r} makes no command")
            found.append([name, module, target])
    return found


def _is_command(name: str) -> bool:
    return (
        name.isprintable() and "/" not in name and "\\" not in name and not name.startswith((".", WHITEOUT))
    )


def required(requires: list[str], markers: dict[str, str]) -> set[str]:
    """The names that Requires-Dist lines name, for some extra or none, where their markers hold.

    Which extras were asked for is not known here: a package that only an extra needs counts too.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found: set[str] = set()
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        extras = re.findall(r"""extra\s*==\s*["']([^"']+)["']""", line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**markers, "extra": extra}) for extra in ("", *extras)):
            found.add(canonicalize_name(requirement.name))
    return found
