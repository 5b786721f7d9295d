"""What an archive says is believed as far as a signature reaches, and no further."""

import hashlib
import lzma

import pytest

from stackbuild.ecosystems.deb import repository, universe

from .making import Archive, control


def failure(tree) -> str:
    status, out, err = tree.run("lock")
    assert status in (1, 2) and out == ""
    (line,) = err.splitlines()
    assert not (tree.root / "stackbuild.lock").exists()
    return line


@pytest.fixture
def world(archive, debian):
    archive.add(control(), files={"usr/bin/hello": "hi"})
    return debian("hello")


def test_an_index_is_unpacked_once(world, archive, monkeypatch):
    unpacked, unpack = [], repository.decompressed
    monkeypatch.setattr(repository, "decompressed", lambda path: unpacked.append(path) or unpack(path))
    for function in (repository._unpacked, repository._read_once):
        function.cache_clear()
    assert world.run("lock")[0] == 0
    for function in (repository._unpacked, repository._read_once):
        function.cache_clear()
    assert world.run("lock", "--upgrade")[0] == 0
    assert len(unpacked) == 1


@pytest.mark.parametrize("said", [b"Package: other\n", b""])
def test_an_index_that_is_not_what_a_release_says_of_it_unpacked(world, archive, said):
    archive.publish(whole=said)
    assert world.run("lock")[0] == 0


def test_where_paragraphs_begin():
    for data, names in [
        (b"", []), (b"Package: a", [b"a"]), (b"Package: a\nX: y\n\nPackage: b\n", [b"a", b"b"]),
        (b"X: y\nPackage: a\n\nPackage: b", [b"b"]), (b"\nPackage: a", [b"a"]), (b"Package: \nProvides: x\n", []),
        (b"X: y\nProvides: x\n", []), (b"\n\nPackage: a\n\n\nPackage: a\n\n", [b"a"]),
    ]:  # fmt: skip
        table = universe._Table(data)
        assert sorted(table.places) == names
        for name in names:
            assert all(bytes(text).startswith(b"Package: " + name) for text in table.stanzas(name))


def in_release(archive):
    return archive.root / "dists" / "test" / "InRelease"


def test_a_signed_archive(world):
    assert world.run("lock") == (0, "//:p linux/amd64  none -> 1 packages\n", "")


def test_unsigned(world, archive):
    in_release(archive).write_text("Suite: test\nCodename: test\n")
    assert failure(world).endswith("InRelease is not signed")


def test_signed_by_somebody_else(world, archive, tmp_path):
    other = Archive(tmp_path / "other")
    other.root, other.stanzas = archive.root, archive.stanzas
    other.publish()
    assert "InRelease has no good signature" in failure(world)


@pytest.mark.parametrize("where", ["Suite: test", "SHA256:"])
def test_altered_after_signing(world, archive, where):
    text = in_release(archive).read_text()
    in_release(archive).write_text(text.replace(where, f"Evil: yes\n{where}", 1))
    assert "InRelease has no good signature" in failure(world)


def test_text_before_and_after_the_signed_part_does_not_count(world, archive):
    text = in_release(archive).read_text()
    in_release(archive).write_text("Suite: evil\n\n" + text)
    assert "is not signed" in failure(world)


def test_a_signature_of_nothing_known(world, archive):
    in_release(archive).write_text("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSuite: test\n")
    assert "InRelease has no good signature" in failure(world)


def test_out_of_date(archive, debian):
    archive.add(control())
    line = failure(debian("hello", Valid_Until="Sun, 02 Aug 2026 00:00:00 UTC"))
    assert "is out of date since Sun, 02 Aug 2026" in line


def test_of_the_future(archive, debian):
    archive.add(control())
    assert "is of the future: Sat, 01 Aug 2626" in failure(debian("hello", Date="Sat, 01 Aug 2626 00:00:00 UTC"))


def test_a_date_that_is_none(archive, debian):
    archive.add(control())
    assert "its Valid-Until is 'tomorrow'" in failure(debian("hello", Valid_Until="tomorrow"))


def test_another_suite(archive, debian):
    archive.add(control())
    assert "is of the suite other (other), not of test" in failure(debian("hello", Suite="other", Codename="other"))


def test_an_index_of_other_bytes(world, archive):
    path = archive.root / "dists/test/main/binary-amd64/Packages.xz"
    path.write_bytes(lzma.compress(path.read_bytes()[:10])[: path.stat().st_size])
    assert "Packages.xz: expected sha256:" in failure(world)


def test_an_index_that_goes_on(world, archive):
    path = archive.root / "dists/test/main/binary-amd64/Packages.xz"
    path.write_bytes(path.read_bytes() + b"more")
    assert "it is larger than the" in failure(world)


def test_an_index_that_is_gone(world, archive):
    (archive.root / "dists/test/main/binary-amd64/Packages.xz").unlink()
    assert "Packages.xz: it answered 404" in failure(world)


def test_an_architecture_that_is_not_there(archive, debian):
    archive.add(control())
    tree = debian("hello", image='platforms = ["linux/s390x"]')
    assert "test has no main for s390x; it has main for amd64 arm64" in failure(tree)


def test_a_platform_that_debian_does_not_have(archive, debian):
    archive.add(control())
    assert "Debian has no packages for plan9/amd64" in failure(debian("hello", image='platforms = ["plan9/amd64"]'))


def packages(archive, text: str) -> None:
    """Publish an index of another text, signed as it is."""
    path = archive.root / "dists/test/main/binary-amd64/Packages.xz"
    path.write_bytes(lzma.compress(text.encode()))
    digest, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    archive.sign(f"Suite: test\nCodename: test\nArchitectures: amd64\nComponents: main\nSHA256:\n {digest} {size} main/binary-amd64/Packages.xz\n")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("Filename: ../../etc/passwd\nSize: 1\nSHA256: " + "0" * 64, "the index is malformed at hello 1.0-1"),
        ("Filename: /etc/passwd\nSize: 1\nSHA256: " + "0" * 64, "the index is malformed at hello 1.0-1"),
        ("Filename: pool/a\nSize: many\nSHA256: " + "0" * 64, "the index is malformed at hello 1.0-1"),
        ("Filename: pool/a\nSize: 1\nSHA256: 12", "the index is malformed at hello 1.0-1"),
        ("Filename: pool/a\nSize: 1", "is malformed at hello: 'SHA256'"),
        ("Filename: pool/a\nFilename: pool/b\nSize: 1\nSHA256: " + "0" * 64, "is malformed at hello"),
        ("Filename: pool/a\nDepends: $(evil)\nSize: 1\nSHA256: " + "0" * 64, "hello 1.0-1 is malformed: '$(evil)'"),
    ],
)
def test_a_malformed_index(world, archive, more, what):
    packages(archive, control() + more + "\n")
    assert what in failure(world)


def test_a_keyring_that_is_not_there(world):
    (world.root / "keys.asc").unlink()
    assert "the keyring 'keys.asc' cannot be read: No such file or directory" in failure(world)


def test_a_keyring_of_no_keys(world):
    world.write("keys.asc", "hello")
    assert "holds no OpenPGP keys" in failure(world)


def test_a_snapshot_may_be_old(archive, debian, server):
    archive.add(control())
    tree = debian("hello", Valid_Until="Sun, 02 Aug 2026 00:00:00 UTC")
    text = (tree.root / "BUILD.toml").read_text()
    assert "url and snapshot exclude each other" in _with(tree, text, f'url = "{server.url}"\nsnapshot = "20260101T000000Z"')


def _with(tree, text: str, place: str) -> str:
    lines = [place if line.startswith("url = ") else line for line in text.splitlines()]
    tree.write("BUILD.toml", "\n".join(lines))
    return failure(tree)


def test_a_package_that_no_archive_has(archive, debian):
    archive.add(control("libpq5"))
    assert failure(debian("libqp5")).endswith("no archive has the package 'libqp5'; did you mean 'libpq5'?")


def test_a_name_that_several_provide(archive, debian):
    archive.add(control("exim4", Provides="mta"))
    archive.add(control("postfix", Provides="mta"))
    assert failure(debian("mta")).endswith("'mta' is provided by several packages; name one: exim4, postfix")


def test_archives_by_name(archive, debian):
    archive.add(control())
    assert "the workspace has no [workspace.deb.tset]; did you mean 'test'?" in failure(debian("hello", fields='archives = ["tset"]'))


def test_an_index_is_fetched_once(archive, debian, server):
    archive.add(control())
    archive.add(control("other"))
    tree = debian("hello")
    assert tree.run("lock")[0] == 0
    tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text().replace('"hello"', '"other"'))
    assert tree.run("lock")[0] == 0
    assert [path.rpartition("/")[2] for path in server.asked] == ["InRelease", "Packages.xz", "InRelease"]


def test_the_lock_says_whether_it_is_stale(world):
    assert world.run("lock", "--check")[0] == 1
    assert world.run("lock")[0] == 0
    assert world.run("lock", "--check") == (0, "", "")
    world.write("BUILD.toml", (world.root / "BUILD.toml").read_text().replace('"hello"', '"hello (>= 1)"'))
    status, _, err = world.run("lock", "--check")
    assert status == 1 and "//:p linux/amd64 is out of date in stackbuild.lock" in err
    status, _, err = world.run("image", "--locked", "//:i", "--progress", "none")
    assert status == 2 and "was asked for otherwise when it went into stackbuild.lock" in err


def test_upgrade(world, archive):
    assert world.run("lock")[0] == 0
    archive.add(control(version="2.0-1"))
    archive.publish()
    assert world.run("lock") == (0, "", "")
    assert world.run("lock", "--upgrade") == (0, "//:p linux/amd64  hello 1.0-1 -> 2.0-1\n", "")


def test_a_warm_store_asks_nobody(world, server):
    assert world.run("image", "//:i", "--progress", "none")[0] == 0
    server.stop()
    server.asked.clear()
    assert world.run("image", "//:i", "--progress", "none")[0] == 0
    world.write("BUILD.toml", (world.root / "BUILD.toml").read_text() + '[image.j]\nlayers = [":p"]\ncompression = "zstd"\n')
    status, _, err = world.run("image", "//:j", "--progress", "none")
    assert (status, err, server.asked) == (0, "", [])
