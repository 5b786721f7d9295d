"""eStargz: a reader that knows only the specification finds every file, and others see a layer as ever."""

import base64
import gzip
import hashlib
import io
import json
import random
import subprocess
import tarfile
import zlib

import pytest

from stackbuild.errors import BuildFailed
from stackbuild.layer import estargz
from stackbuild.layer.chunk import LARGEST, Part, split
from stackbuild.layer.codec import Codec
from stackbuild.layer.entry import BytesContent, Entry
from stackbuild.layer.tar import END

TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"


def written(entries, name="gzip"):
    """(tar, blob, annotations)"""
    compress = Codec(name).compress
    entries = list(estargz.marked(entries))
    table, tar, blob = estargz.Table(entries), b"", b""
    for chunk in split(entries):
        if chunk.parts != (Part(END),):
            raw = chunk.read()
            packed, head = estargz.pack(chunk, raw, compress)
            table.add(chunk, raw, packed, head)
            tar, blob = tar + raw, blob + packed
    ending = table.end(compress)
    return tar + ending.tar, blob + ending.packed, ending.annotations


def member(blob, offset):
    """What the one gzip member at an offset unpacks to."""
    return zlib.decompressobj(31).decompress(blob[offset:])


def toc(blob, annotations):
    """The table's rows, as docs/estargz.md says they are found and trusted."""
    footer = blob[-51:]
    assert footer[:4] == b"\x1f\x8b\x08\x04" and footer[10:16] == b"\x1a\0SG\x16\0" and footer[32:38] == b"STARGZ"
    assert gzip.decompress(footer) == b""
    with tarfile.open(fileobj=io.BytesIO(member(blob, int(footer[16:32], 16)))) as tar:
        [last] = tar.getmembers()
        assert last.name == "stargz.index.json"
        data = tar.extractfile(last).read()
    assert annotations[TOC_DIGEST] == "sha256:" + hashlib.sha256(data).hexdigest()
    found = json.loads(data)
    assert found["version"] == 1
    return found["entries"]


def contents(blob, rows):
    """name -> bytes, each piece checked against its digest; no piece is in more than one member."""
    found, sizes, opened = {}, {}, {}
    for row in rows:
        if row["type"] == "reg":
            found[row["name"]], sizes[row["name"]] = b"", row.get("size", 0)
        if row["type"] not in ("reg", "chunk") or "offset" not in row:
            continue
        assert row.get("chunkOffset", 0) == len(found[row["name"]])
        size = row.get("chunkSize") or sizes[row["name"]] - row.get("chunkOffset", 0)
        start = row.get("innerOffset", 0)
        if row["offset"] not in opened:
            opened = {row["offset"]: member(blob, row["offset"])}
        data = opened[row["offset"]][start : start + size]
        assert len(data) == size and row["chunkDigest"] == "sha256:" + hashlib.sha256(data).hexdigest()
        found[row["name"]] += data
    return found


RNG = random.Random(3)
TREE = [
    Entry("bin", "folder", 0o750, 1, 2, 1000000000),
    Entry("bin/empty", "file", content=BytesContent(b"")),
    Entry("bin/tool", "file", 0o4755, 5, 6, 7, xattrs=(("security.capability", b"\x01\0\xff"),), content=BytesContent(b"tool")),
    Entry("bin/twin", "hardlink", link="bin/tool"),
    Entry("bin/" + "long" * 60, "symlink", 0o777, link="../" * 50),
    Entry("grüße/日本語.txt", "file", content=BytesContent("utf-8 ✓".encode())),
    Entry("gone", "whiteout"),
    Entry("huge", "file", content=BytesContent(RNG.randbytes(2 * LARGEST + 12345))),
    *(Entry(f"many/{n:04}", "file", content=BytesContent(RNG.randbytes(n % 3000))) for n in range(3000)),
]


def test_every_file_is_found_by_its_place_alone():
    tar, blob, annotations = written(TREE)
    found = contents(blob, toc(blob, annotations))
    assert found.pop(".no.prefetch.landmark") == b"\x0f" and found.pop(".wh.gone") == b""
    files = {entry.path: entry.content.data for entry in TREE if entry.kind == "file"}
    assert found == files
    assert annotations["io.containers.estargz.uncompressed-size"] == str(len(tar))


def test_the_table_says_what_the_tar_says():
    tar, blob, annotations = written(TREE)
    rows = [row for row in toc(blob, annotations) if row["type"] != "chunk"]
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        members = opened.getmembers()
    assert members.pop().name == "stargz.index.json"
    kinds = {tarfile.REGTYPE: "reg", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink"}
    for row, member_ in zip(rows, members, strict=True):
        assert (row["name"].rstrip("/"), row["type"]) == (member_.name, kinds[member_.type])
        assert row["name"].endswith("/") is (row["type"] == "dir")
        numbers = (row["mode"], row.get("uid", 0), row.get("gid", 0), row.get("size", 0))
        assert numbers == (member_.mode, member_.uid, member_.gid, member_.size if member_.isreg() else 0)
        assert row.get("linkName", "") == member_.linkname
    [tool] = [row for row in rows if row["name"] == "bin/tool"]
    assert (tool["modtime"], base64.b64decode(tool["xattrs"]["security.capability"])) == ("1970-01-01T00:00:07Z", b"\x01\0\xff")
    assert rows[1]["modtime"] == "2001-09-09T01:46:40Z" and "modtime" not in rows[2]


def test_readers_find_where_a_member_ends():
    """stargz-snapshotter takes the next row without an inner offset for it; none may lie at 0, which means none."""
    _, blob, annotations = written(TREE)
    rows = [row for row in toc(blob, annotations) if "offset" in row]
    begins = [row["offset"] for row in rows if "innerOffset" not in row]
    assert begins == sorted({row["offset"] for row in rows}) and begins[0] > 0


@pytest.mark.real
@pytest.mark.parametrize("name", ["gzip", "gzip-small"])
def test_the_blob_is_a_layer_for_everybody_else(name, need):
    need("gzip")
    tar, blob, _ = written(TREE, name)
    assert subprocess.run(["gzip", "-dc"], input=blob, capture_output=True, check=True).stdout == tar


def test_a_layer_of_nothing_has_a_table_too():
    tar, blob, annotations = written([])
    assert [row["name"] for row in toc(blob, annotations)] == [".no.prefetch.landmark"]
    assert gzip.decompress(blob) == tar


def test_it_costs_little_beside_the_chunks():
    plain = sum(len(Codec("gzip").compress(chunk.read())) for chunk in split(TREE))
    assert len(written(TREE)[1]) < 1.04 * plain


@pytest.mark.parametrize("path", ["stargz.index.json", ".no.prefetch.landmark"])
def test_names_of_the_format_are_refused(path):
    with pytest.raises(BuildFailed, match=f"/{path} is eStargz's own file"):
        written([Entry(path, "file", content=BytesContent(b"mine"))])
