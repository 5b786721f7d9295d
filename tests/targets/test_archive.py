"""Archives of outside: what is damaged is an error, and what a tar means is what the layer says."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import zipfile

import pytest

IMAGE = '[workspace]\n[archive.a]\nsrc = "a.tar"\n[image.img]\nlayers = [":a"]\n'


def tar_of(*members) -> bytes:
    """(name, data) is a file, (name, type, link) a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, *rest in members:
            info = tarfile.TarInfo(name)
            if len(rest) == 2:
                info.type, info.linkname = rest
                tar.addfile(info)
            else:
                info.size = len(rest[0])
                tar.addfile(info, io.BytesIO(rest[0]))
    return out.getvalue()


@pytest.fixture
def archive(tree):
    def build(data: bytes) -> dict[str, tuple[str, str]] | str:
        """path -> (kind, link) of the layer, or the error."""
        tree.write("BUILD.toml", IMAGE)
        tree.write("a.tar", data)
        status, out, err = tree.run("inspect", "--json", "//:a")
        if status:
            assert "stackbuild itself" not in err and len(err.splitlines()) == 1, err
            assert err.startswith("BUILD.toml:3:7: "), err
            return err
        return {item["path"]: (item["kind"], item["link"]) for item in json.loads(out)["images"][0]["layers"][0]["files"]}

    return build


THREE = tar_of(("a", b"A" * 600), ("b", b"B" * 600), ("c", b"C" * 600))


@pytest.mark.parametrize(
    "data",
    [THREE[:1546] + b"\xff" + THREE[1547:], THREE[:1536], THREE[:1736], THREE[:2900], THREE[:100], b"", b"no tar" * 400],
)
def test_a_tar_that_is_damaged_or_cut_short_is_an_error(archive, data):
    """Python's tarfile takes a bad header for the end: members would vanish without a word."""
    assert set(archive(THREE)) == {"a", "b", "c"}
    assert "a.tar: the archive is damaged" in archive(data)


def test_the_sum_of_a_compressed_tar_counts(archive):
    data = gzip.compress(THREE)
    assert set(archive(data)) == {"a", "b", "c"}
    assert "the archive is damaged: CRC check failed" in archive(data[:-8] + bytes(8))


def test_what_follows_the_end_is_padding_only(archive):
    assert set(archive(THREE + bytes(1 << 20))) == {"a", "b", "c"}
    assert "bytes follow its end" in archive(gzip.compress(THREE + bytes(65 << 20), 1))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_is_not_read_into_memory_however_large_it_is(archive, kind):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 50 << 30
    assert "it has a header of 53687091200 bytes" in archive(info.tobuf(tarfile.GNU_FORMAT))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_one_line(archive, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr("a", "hello " * 200)
        made.writestr("b", random.Random(1).randbytes(500))
    rng = random.Random(2)
    assert set(archive(out.getvalue())) == {"a", "b"}
    for _ in range(40):
        data = bytearray(out.getvalue())
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(4, len(data))] = rng.randrange(256)
        archive(bytes(data))


def test_hard_links_to_links(archive):
    hard, soft = tarfile.LNKTYPE, tarfile.SYMTYPE
    found = archive(tar_of(("a", b"x"), ("b", hard, "a"), ("c", hard, "b"), ("s", soft, "a"), ("t", hard, "s")))
    assert found == {
        "a": ("file", ""), "b": ("hardlink", "a"), "c": ("hardlink", "a"), "s": ("symlink", "a"), "t": ("symlink", "a"),
    }  # fmt: skip


def test_a_hard_link_keeps_the_file_that_it_was_made_to(archive):
    """tar -x of "a, b linked to a, a again" leaves b with the first a."""
    found = archive(tar_of(("a", b"one"), ("b", tarfile.LNKTYPE, "a"), ("a", b"two")))
    assert found == {"a": ("file", ""), "b": ("file", "")}


@pytest.mark.parametrize("link", ["none", "../x", "later"])
def test_a_hard_link_to_nothing_is_refused(archive, link):
    assert isinstance(archive(tar_of(("b", tarfile.LNKTYPE, link), ("later", b"x"))), str)


def test_an_archive_that_did_not_change_is_read_once(tree, monkeypatch):
    import time

    from stackbuild.store.fingerprints import Fingerprints

    tree.write("BUILD.toml", IMAGE)
    path = tree.write("a.tar", THREE)
    time.sleep(max(0, path.lstat().st_ctime + 0.1 - time.time()))
    tree.image("//:img")
    monkeypatch.setattr(Fingerprints, "_hash", lambda self, path, stat: pytest.fail(f"{path} is read again"))
    assert tree.statuses("//:img") == {"//:a": "reused"}


@pytest.mark.parametrize("url", ["http://a b/c", "http://h:x/", "https://h/ü", "https:///x", "file:///etc/passwd", "https://h/a\tb"])
def test_what_is_no_url(tree, url):
    tree.write("BUILD.toml", f'[workspace]\n[archive.a]\nurl = {json.dumps(url)}\nsha256 = "{"0" * 64}"\n')
    status, _, err = tree.run("list", "//...")
    assert status == 2 and err.startswith("BUILD.toml:3:7: url: ") and len(err.splitlines()) == 1
