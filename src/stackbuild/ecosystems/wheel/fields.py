"""What people write in a `packages` target of wheels."""

from __future__ import annotations

import itertools
import re
import urllib.parse
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from ...declare.fields import ImagePath
from ...declare.shapes import belongs, excludes, not_both, rules, shaped, some_of
from ...registry.transport import is_local
from ..ecosystem import PackagesFields

_PROJECTS = ("pyproject", "uv_lock", "pylock")
SOURCES = ("requirements", "install", *_PROJECTS)
LIBC = {"glibc": (2, 28), "musl": (1, 2)}
"""C libraries, with the versions that are meant when none is stated."""
OLDEST_GLIBC = 17  # manylinux2014; pip and uv look no further down either
_RESOLVED = ("constraints", "index", "extra_index", "find_links")


def is_url(text: str) -> bool:
    """Whether a place is a URL, not a path."""
    return "://" in text


def checked_url(url: str) -> str:
    """`url`, if it is https, or http to this machine, and holds no credentials. Raises ValueError."""
    parts = urllib.parse.urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("the URL holds credentials; put them into your netrc file, and remove them here")
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\\]", url):
        raise ValueError(f"'{url}' is not a URL; write https://…")
    if parts.scheme == "http" and not is_local(parts.hostname):
        raise ValueError(f"'{url}' would be fetched in clear text; write https://…")
    return url


def _path(text: str) -> str:
    if not text or text.startswith("/") or "\0" in text:
        raise ValueError(f"'{text}' is not a path below this folder; write one without a leading /")
    return text


_BELOW = r"(?!/)[^\x00]+"
_LOCAL = r"(?:localhost|127\.[0-9.]+|\[[^\]]*\])"
_WEB = rf"(?:[Hh][Tt][Tt][Pp][Ss]://[^\s\\/?#@]+|[Hh][Tt][Tt][Pp]://{_LOCAL}(?::[0-9]*)?)(?:[/?#][^\s\\]*)?"
_PYTHON = r"3\.([89]|[1-9][0-9])(\.[0-9]{1,3})?"
_LIBC = r"(glibc|musl)(?:-([0-9]{1,2})\.([0-9]{1,3}))?"
_INTERPRETER = r"/[!-~]*[^/\s]( [!-~]+)?"
Path = Annotated[str, AfterValidator(_path), shaped(_BELOW)]
Url = Annotated[str, AfterValidator(checked_url), shaped(_WEB)]
Place = Annotated[
    str,
    AfterValidator(lambda text: checked_url(text) if is_url(text) else _path(text)),
    shaped(rf"{_WEB}|(?!.*://){_BELOW}"),
]


class WheelFields(PackagesFields):
    """Python packages, installed from wheels; none is built or run.

    They are named by `requirements` and `install`, or by one of `pyproject`, `uv_lock` and `pylock`.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            some_of(*SOURCES),
            excludes("pyproject", "requirements", "install"),
            excludes("uv_lock", "requirements", "install", *_RESOLVED),
            excludes("pylock", "requirements", "install", *_RESOLVED),
            *(not_both(*pair) for pair in itertools.combinations(_PROJECTS, 2)),
            *(belongs(name, *_PROJECTS) for name in ("extras", "groups")),
            belongs("package", "uv_lock"),
        )
    )

    requirements: list[Path] = Field(default_factory=list)
    """requirements.txt files, paths below this folder; `-r`, `-c`, `--hash` and options for indexes count."""
    install: list[str] = Field(default_factory=list)
    """Requirements, as "flask>=3" or "psycopg[binary]", and wheels of the tree, as "x-1-py3-none-any.whl".
    """
    pyproject: Path | None = None
    """A pyproject.toml whose `project.dependencies` to install."""
    uv_lock: Path | None = None
    """A uv.lock to install as it stands, without the projects of its workspace."""
    pylock: Path | None = None
    """A pylock.toml (PEP 751) to install as it stands."""
    extras: list[str] = Field(default_factory=list)
    """Extras of `pyproject`, `uv_lock` or `pylock`."""
    groups: list[str] = Field(default_factory=list)
    """Dependency groups (PEP 735) of `pyproject`, `uv_lock` or `pylock`."""
    package: str | None = None
    """The project of a uv workspace whose dependencies to install, where `uv_lock` has several."""
    constraints: list[Path] = Field(default_factory=list)
    """Files of constraints, as of `pip install -c`."""
    index: Url | None = None
    """The package index to ask instead of PyPI; credentials come from your netrc file."""
    extra_index: list[Url] = Field(default_factory=list)
    """More indexes, asked before `index`; a package comes from the first that has it."""
    find_links: list[Place] = Field(default_factory=list)
    """Folders of the tree with wheels, and URLs of pages that link to some."""
    python: Annotated[str, shaped(_PYTHON)] = "3.12"
    """The version of Python in the image, as "3.12"; with a third number where markers look at it."""
    libc: Annotated[str, shaped(_LIBC)] = "glibc-2.28"
    """The image's C library, and its oldest version to run on: "glibc-2.28", "glibc-2.36", "musl-1.2"."""
    prefix: ImagePath = "/usr/local"
    """Where Python is installed in the image: packages go to PREFIX/lib/pythonX.Y/site-packages, commands
    to PREFIX/bin."""
    to: ImagePath | None = None
    """A folder for everything, instead of `prefix`; add it to PYTHONPATH. Commands go to TO/bin."""
    interpreter: Annotated[str, shaped(_INTERPRETER)] | None = None
    """The interpreter that commands start with; PREFIX/bin/python by default."""

    @field_validator("python")
    @classmethod
    def _check_python(cls, text: str) -> str:
        if not re.fullmatch(_PYTHON, text):
            raise ValueError(f"'{text}' is not a version of Python from 3.8 on; write \"3.12\"")
        return text

    @field_validator("libc")
    @classmethod
    def _check_libc(cls, text: str) -> str:
        family, major, minor = libc_of(text)
        if family not in LIBC or major != LIBC[family][0] or (family == "glibc" and minor < OLDEST_GLIBC):
            hint = f'write "glibc-2.28" (from 2.{OLDEST_GLIBC} on) or "musl-1.2"'
            raise ValueError(f"'{text}' is not a C library that wheels are made for; {hint}")
        return text

    @field_validator("interpreter")
    @classmethod
    def _check_interpreter(cls, text: str) -> str:
        if not re.fullmatch(_INTERPRETER, text, re.ASCII):
            raise ValueError(f"'{text}' is not an interpreter; write an absolute path")
        return text

    @model_validator(mode="after")
    def _has_one_source(self) -> WheelFields:
        named = [name for name in SOURCES if getattr(self, name)]
        if not named:
            raise ValueError(
                "nothing says what to install; add requirements, install, pyproject, uv_lock or pylock"
            )
        kinds = [name for name in named if name != "install"] if "requirements" in named else named
        if len(kinds) > 1:
            raise ValueError(f"{kinds[0]} and {kinds[1]} exclude each other; remove one of the two")
        self._check_belonging(kinds[0])
        return self

    def _check_belonging(self, source: str) -> None:
        """Raise ValueError for a field that means nothing for the source of packages."""
        for name in ("extras", "groups"):
            if getattr(self, name) and source in ("requirements", "install"):
                raise ValueError(f"{name} belongs to pyproject, uv_lock or pylock; remove it")
        if self.package and source != "uv_lock":
            raise ValueError("package belongs to uv_lock; remove it")
        for name in _RESOLVED:
            if getattr(self, name) and source in ("uv_lock", "pylock"):
                raise ValueError(f"{source} says where each package is; remove {name}")


def libc_of(text: str) -> tuple[str, int, int]:
    """Family and version of a C library, as ("glibc", 2, 28); ("", 0, 0) for what is none."""
    found = re.fullmatch(_LIBC, text)
    if not found:
        return "", 0, 0
    default = LIBC[found[1]]
    return (found[1], int(found[2]), int(found[3])) if found[2] else (found[1], *default)
