"""What must be as quick as the machine: hashing, looking at many files, reading them, writing their headers,
and seeing that nothing changed.

Each function is there twice, in Rust (native/ at the root of the project) and in Python, with the same bytes
and answers. The native one is used where it was built; STACKBUILD_PURE=1 does without it.

The records of `unchanged` are a run of fields, each ended by NUL; the first begins with the kind's letter:

    S path, signature            the stat of a path (stat_signature), or that nothing is there (ABSENT)
    B path, signature            the same, without what a hard link changes (blob_signature)
    L path, ignored, signature   the names in a folder and what they are (folder_signature without stats)
    F path, ignored, signature   the same, and the stats of its regular files
    R path, signature            what a symlink says and where it leads (link_signature)
    P path, signature            that there is a folder, and where it really is (place_signature)
    I path, signature            that there is a folder, and no symlink to one, or nothing at all (PASSABLE)

ignored: names that do not count, joined by "/". A missing folder or symlink has the signature ABSENT, too.
Signatures are made by `stackbuild.native.signatures`, which is not imported before it is needed; rows, which
are lstats in 48 bytes, by `stackbuild.native.stats`.
"""

from __future__ import annotations

from .library import core

_AT_ONCE = 256  # folders that are looked into together

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Sequence

    from .protocol import Sha256
    from .runs import Run
    from .signatures import Listing

    Buffer = bytearray | memoryview  # one that can be written to


def is_native() -> bool:
    """Whether the native core is used."""
    return core() is not None


def sha256() -> Sha256:
    """A fresh hash (FIPS 180-4)."""
    if (found := core()) and found.hashes_quickly:
        from .hashing import NativeSha256

        return NativeSha256(found)
    from .pure import PureSha256

    return PureSha256()


def resume_sha256(state: bytes) -> Sha256 | None:
    """The hash that had this `state`; None where that cannot be, and one hashes from the start.

    Raises ValueError when it is no state.
    """
    if len(state) != 40 or int.from_bytes(state[32:], "big") % 64:
        raise ValueError("not a state of sha256")
    if not (found := core()) or not found.hashes_quickly:
        return None
    from .hashing import NativeSha256

    return NativeSha256.resume(found, state)


def list_folders(folders: Sequence[str]) -> list[Listing | int]:
    """What is in each folder, or the errno of why that cannot be told."""
    if found := core():
        return found.list_folders(folders)
    from .pure import list_folders

    return list_folders(folders)


def walk(root: str, folders: list[str]) -> Iterator[list[tuple[str, str, Listing | int]]]:
    """Look into folders, given relative to a root, and into those that are added to the list meanwhile.

    Yields some at once: of each the folder, its path, and what `list_folders` says of it.
    """
    home = root.rstrip("/")
    while folders:
        some = folders[-_AT_ONCE:]
        del folders[-_AT_ONCE:]
        places = [f"{home}/{folder}" if folder else root for folder in some]
        yield list(zip(some, places, list_folders(places), strict=True))


def lstat_rows(folders: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """The rows of the lstats of files, one after another. folders: their paths, and names of files in them.

    Raises OSError for one that cannot be looked at.
    """
    if found := core():
        return found.lstat_rows(folders)
    from .pure import lstat_rows

    return lstat_rows(folders)


def sign_folders(folders: Sequence[tuple[Sequence[str], bytes]]) -> list[str]:
    """The signatures of folders with regular files alone, as `unchanged` has them in records of kind F.

    folders: of each the names of its files, sorted, and their rows, one after another. Raises ValueError
    where these are not as many.
    """
    if found := core():
        return found.sign_folders(folders)
    from .pure import sign_folders

    return sign_folders(folders)


def read_files(paths: Sequence[str], table: array[int], rows: bytes, out: Buffer) -> array[int]:
    """Read parts of many regular files into `out`, and check that they are the files that were looked at.

    table: typecode "q", three numbers a file: place in `out`, bytes to read, offset in the file; rows: of the
    lstats that the files had, or stats.UNKNOWN, one after another.
    Returns, for each file, 0, -1 when it changed or has too few bytes, or the errno of what failed; for one
    that is not 0, `out` holds nothing of use. Raises ValueError when the table does not fit `out` or `paths`.
    """
    if table.typecode != "q" or len(table) != 3 * len(paths) or len(rows) != 48 * len(paths):
        raise ValueError("the table needs three 64-bit numbers for each path, and a row of 48 bytes")
    if found := core():
        return found.read_files(paths, table, rows, out)
    from .pure import read_files

    return read_files(paths, table, rows, out)


def lay_out(runs: Sequence[Run], out: Buffer) -> array[int]:
    """Write runs of a tar into `out`: of each file its header, its bytes, and zeros up to the block.

    Returns of each file what `read_files` does. Raises ValueError when something does not fit, be it into
    `out` or into a header.
    """
    if found := core():
        return found.lay_out(runs, out)
    from .pure import lay_out

    return lay_out(runs, out)


def write_headers(paths: Sequence[str], table: array[int], out: Buffer) -> None:
    """Write the tar headers of plain files into `out`, 512 bytes each (see ustar.py), and zeros elsewhere.

    table: typecode "q", six numbers a file: place in `out`, size, mode, uid, gid, mtime in seconds.
    Raises ValueError when something does not fit, be it into `out` or into a header.
    """
    if table.typecode != "q" or len(table) != 6 * len(paths):
        raise ValueError("the table needs six 64-bit numbers for each path")
    if found := core():
        return found.write_headers(paths, table, out)
    from .pure import write_headers

    return write_headers(paths, table, out)


def look_ahead(folders: Sequence[str], *, deep: bool) -> None:
    """Begin to look into folders, and with `deep` into those below, beside what else this process does.

    It ends with the first question. What was found in a folder is then told once, within two seconds, by
    `list_folders` and `lstat_rows`, and by `unchanged` where it is asked for it. Natively alone.
    """
    if found := core():
        found.look_ahead(folders, deep)


def unchanged(records: bytes, *, ahead: bool = False) -> int:
    """-1 when all is on disk as the records say, else the index of one that does not hold (of any).

    What cannot be looked at counts as changed. ahead: whether to go by what `look_ahead` found, too. Raises
    ValueError when the records are malformed.
    """
    if found := core():
        return found.unchanged(records, ahead)
    from .pure import unchanged

    return unchanged(records)
