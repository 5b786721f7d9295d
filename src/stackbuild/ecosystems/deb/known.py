"""What the maintainer scripts of well-known packages leave behind, done here as data.

Each line was read off the scripts of Debian 12 and 13. A package that is not named here, and whose scripts
hold more than is understood, is named to the user.
"""

from __future__ import annotations

import re

from ...frozen import frozen

UTMP, MAIL, ADM, WWW_DATA = 43, 8, 4, 33  # ids that base-passwd gives for good


@frozen
class Copy:
    """A file made from one that a package ships, unless it is there."""

    source: str
    path: str


@frozen
class Link:
    """A symlink, unless something is there."""

    path: str
    target: str


@frozen
class Folder:
    """A folder, unless it is there."""

    path: str
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)


@frozen
class File:
    """A file with some text, unless it is there."""

    path: str
    text: str = ""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)


@frozen
class Mode:
    """Mode and owner of what a package ships otherwise."""

    path: str
    mode: int
    owner: tuple[int, int] = (0, 0)


@frozen
class Capability:
    """File capabilities of a program, instead of set-user-ID."""

    path: str
    text: str


Step = Copy | Link | Folder | File | Mode | Capability

STEPS: dict[str, tuple[Step, ...]] = {
    "base-files": (
        Link("etc/dpkg/origins/default", "debian"),
        Copy("usr/share/base-files/dot.profile", "root/.profile"),
        Copy("usr/share/base-files/dot.bashrc", "root/.bashrc"),
        Copy("usr/share/base-files/profile", "etc/profile"),
        Copy("usr/share/base-files/motd", "etc/motd"),
        Copy("usr/share/base-files/info.dir", "usr/share/info/dir"),
        *map(Folder, ("mnt", "srv", "opt", "etc/opt", "var/opt", "media")),
        Folder("var/mail", 0o2775, (0, MAIL)),
        Link("var/spool/mail", "../mail"),
        Folder("run/lock", 0o1777),
        *(Folder(f"usr/local/{name}") for name in ("share/man", "bin", "games", "lib", "include", "sbin")),
        *(Folder(f"usr/local/{name}") for name in ("src", "etc")),
        Link("usr/local/man", "share/man"),
        File("var/log/wtmp", mode=0o664, owner=(0, UTMP)),
        File("var/log/btmp", mode=0o660, owner=(0, UTMP)),
        File("var/log/lastlog", mode=0o664, owner=(0, UTMP)),
    ),
    "base-passwd": (
        Copy("usr/share/base-passwd/passwd.master", "etc/passwd"),
        Copy("usr/share/base-passwd/group.master", "etc/group"),
    ),
    "bash": (Copy("etc/skel/.bashrc", "root/.bashrc"), Copy("etc/skel/.profile", "root/.profile")),
    "dash": (Link("bin/sh", "dash"),),
    "iputils-ping": (Capability("bin/ping", "cap_net_raw+ep"),),
    "libc-bin": (Copy("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),),
    "login": (File("var/log/faillog"), File("etc/subuid"), File("etc/subgid")),
    "mount": (),
    "nginx-common": (
        Mode("var/log/nginx", 0o755, (0, ADM)),
        File("var/log/nginx/access.log", mode=0o640, owner=(WWW_DATA, ADM)),
        File("var/log/nginx/error.log", mode=0o640, owner=(WWW_DATA, ADM)),
        Link("etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default"),
    ),
    "openssl": (Link("usr/lib/ssl/certs", "/etc/ssl/certs"), Link("usr/lib/ssl/private", "/etc/ssl/private")),
    "sudo": (Mode("etc/sudoers", 0o440),),
    "tzdata": (Link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"), File("etc/timezone", "Etc/UTC\n")),
}

_COPIED = {step.source for steps in STEPS.values() for step in steps if isinstance(step, Copy)}
SYSUSERS = re.compile(r"usr/lib/sysusers\.d/[^/]+\.conf")
CERTIFICATES = re.compile(r"usr/share/ca-certificates/(.+\.crt)")


def is_read(path: str) -> bool:
    """Whether installing reads a package's file: its bytes are kept where they are quickly had."""
    return path in _COPIED or bool(SYSUSERS.fullmatch(path) or CERTIFICATES.fullmatch(path))


SETTLED = re.compile(
    r"""
    adduser | apt | base-files | base-passwd | bash | ca-certificates | dash | debconf | debianutils |
    diffutils | dpkg | e2fsprogs | findutils | fonts-.* | gcc-\d+-base | gpgv | grep | gzip | hostname |
    init-system-helpers | iputils-ping | libc-bin | libc-l10n | libc6 | libc6-dev | libgssapi-krb5-2 |
    libpam-modules(-bin)? | libpam0g | libpython.* | libssl[\d.]+(t64)? | login | login\.defs | logsave
    | media-types | mime-support | mount | ncurses-base | netbase | nginx | nginx-common | openssl |
    passwd | perl | perl-base | procps | python3(\.\d+)?(-minimal)? | readline-common | sed |
    sysvinit-utils | tar | tzdata | ucf | usr-is-merged | usrmerge | util-linux
    """,
    re.X,
)
"""Packages whose scripts ask for nothing more that an image needs."""


def settled(name: str) -> bool:
    """Whether all that a package's scripts do, and an image needs, is done here or by its files alone."""
    return SETTLED.fullmatch(name) is not None
