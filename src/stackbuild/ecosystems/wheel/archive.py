"""The zip that a wheel is, found to say one thing only, before a byte of it is unpacked.

A zip names its members twice, and readers differ in which they believe; one that is not the same either way,
or holds bytes that no member accounts for, is refused. Source: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ...errors import BuildFailed
from ...layer.entry import clean_path

MOST_RATIO = 200  # unpacked size to archive; real wheels stay below 30
ALWAYS_FINE = 64 << 20  # bytes unpacked, whatever the ratio
_LOCAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = 20
_LATE, _ENCRYPTED, _UTF8 = 0x8, 0x2041, 0x800
_DESCRIPTORS = (12, 16, 20, 24)
_FULL = 0xFFFFFFFF  # a size that stands in the ZIP64 field instead
_BROKEN = (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, struct.error)


def check(path: Path) -> list[str]:
    """The names of the files in a zip, in order. Raises BuildFailed, saying what is wrong with it."""
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            _check_places(file, infos, archive.start_dir)
    except _BROKEN as error:
        raise BuildFailed(f"the archive is damaged: {error}") from error
    names: set[str] = set()
    for info in infos:
        name = _checked_name(info)
        if name in names:
            raise BuildFailed(f"it holds '{name}' twice")
        names.add(name)
        _check_kind(info)
    total, most = sum(info.file_size for info in infos), max(ALWAYS_FINE, MOST_RATIO * path.stat().st_size)
    if total > most:
        raise BuildFailed(f"it would unpack to {total} bytes, more than {MOST_RATIO} times its size")
    return [info.filename for info in infos if not info.is_dir()]


def _check_places(file: BinaryIO, infos: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Raise BuildFailed unless members, directory and end follow each other without gap or overlap."""
    ends = {0}  # where the next may begin; of a member with a data descriptor, the size of that is not told
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset not in ends:
            raise BuildFailed(f"'{info.filename}' overlaps another member, or lies behind bytes of none")
        at = _check_local(file, info)
        ends = {at + size for size in _DESCRIPTORS} if info.flag_bits & _LATE else {at}
    if directory not in ends:
        raise BuildFailed("its directory overlaps a member, or lies behind bytes of none")
    _check_end(file, directory)


def _check_local(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a member's data ends. Raises BuildFailed when its own header and the directory differ."""
    file.seek(info.header_offset)
    header = _LOCAL.unpack(file.read(_LOCAL.size))
    sign, _, flags, method, _, _, crc, packed, size, name_length, extra_length = header
    name, extra = file.read(name_length), file.read(extra_length)
    if sign != b"PK\x03\x04" or name != info.orig_filename.encode("utf-8" if flags & _UTF8 else "cp437"):
        raise BuildFailed(f"'{info.filename}' has another name in its own header than in the directory")
    if flags & _LATE and not packed and not size:
        crc, packed, size = info.CRC, info.compress_size, info.file_size
    if _FULL in (packed, size):
        packed, size = _long_sizes(extra, packed, size)
    same = (flags, method, crc, packed, size) == (
        info.flag_bits,
        info.compress_type,
        info.CRC,
        info.compress_size,
        info.file_size,
    )
    if not same:
        raise BuildFailed(
            f"'{info.filename}' has another size or kind in its own header than in the directory"
        )
    return file.tell() + info.compress_size


def _long_sizes(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """The sizes in a ZIP64 extra field (section 4.5.3), for those that do not fit the header."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{length // 8}Q", extra, 4))
            size = next(numbers, size) if size == _FULL else size
            packed = next(numbers, packed) if packed == _FULL else packed
        extra = extra[4 + length :]
    return packed, size


def _check_end(file: BinaryIO, directory: int) -> None:
    """Raise BuildFailed unless the archive ends with its directory, and says so once."""
    end = file.seek(-_END.size, 2)
    sign, *_, size, offset, comment = _END.unpack(file.read(_END.size))
    if sign == b"PK\x05\x06" and _FULL in (size, offset):
        end -= _LOCATOR + _END64.size
        file.seek(end)
        sign, *_, size, offset = _END64.unpack(file.read(_END64.size))
        sign = b"PK\x05\x06" if sign == b"PK\x06\x06" else sign
    if sign != b"PK\x05\x06" or comment or offset != directory or offset + size != end:
        raise BuildFailed("it does not end with its directory")


def _checked_name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename.removesuffix("/")
    try:
        sound = name == clean_path(name) != "" and name.isprintable() and "\\" not in name
    except ValueError:
        sound = False
    if not sound or info.filename != info.orig_filename:
        raise BuildFailed(f"it holds a file with the name {info.orig_filename!r}")
    return name


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not info.is_dir()):
        raise BuildFailed(f"'{info.filename}' is neither a file nor a folder")
    if info.is_dir() and info.file_size:
        raise BuildFailed(f"'{info.filename}' is a folder that holds bytes")
    if info.flag_bits & _ENCRYPTED:
        raise BuildFailed(f"'{info.filename}' is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BuildFailed(f"'{info.filename}' is compressed in a way that wheels are not")
