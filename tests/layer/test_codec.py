"""Codecs: what each makes is the same everywhere, is read by everybody, and comes back as it was."""

import dataclasses
import platform
import random
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.errors import BuildFailed
from stackbuild.keys import hash_bytes
from stackbuild.layer import codec as codecs
from stackbuild.layer.codec import Codec, Compression

NAMES = [name for name in typing.get_args(Compression) if name != "gzip-fast" or platform.machine() in ("x86_64", "AMD64")]
GZIP = [name for name in NAMES if name.startswith("gzip")]
ZSTD = [name for name in NAMES if name.startswith("zstd")]
TEXT = b"".join(b"line %d of a file\n" % number for number in range(20000))
PINNED = {
    "gzip": "bdc2a59f5775f92decdb9efc5968c5aa",
    "gzip-fast": "639ae85d675e878ae7a2479000ac5a0c",
    "gzip-small": "26d58570ed588abd10419611bfd0182d",
    "zstd": "c8b1ec35d1b0a52163d383b66c034117",
    "zstd-small": "f009912ed5ab8b15ae7a26517e77ed4a",
}


@pytest.mark.parametrize("name", NAMES)
def test_compressed_bytes_are_pinned(name):
    """They may change only together with the version that stands in every key."""
    assert hash_bytes(Codec(name).compress(TEXT), "xxh3_128") == PINNED[name]


def test_every_compression_has_its_own_version():
    assert len({Codec(name).version for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=4096) | st.binary(max_size=64).map(lambda piece: piece * 3000))
def test_what_is_compressed_comes_back(name, data):
    codec = Codec(name)
    assert codec.decompress(codec.compress(data), len(data)) == data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, len(TEXT) - 1, len(TEXT) + 1, 1 << 40])
def test_another_size_is_damage(name, size):
    with pytest.raises(ValueError, match=f"damaged {name} data"):
        Codec(name).decompress(Codec(name).compress(TEXT), size)


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_told_and_fills_no_memory(name):
    data = Codec(name).compress(TEXT)
    rng = random.Random(1)
    for cut in (0, 1, 10, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError, match="damaged"):
            Codec(name).decompress(data[:cut], len(TEXT))
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            assert len(Codec(name).decompress(bytes(damaged), len(TEXT))) == len(TEXT)
        except ValueError as error:
            assert "damaged" in str(error)


@pytest.mark.parametrize("name", GZIP)
def test_gzip_members_hold_neither_time_nor_name(name):
    for data in (b"", b"hello", TEXT):
        member = Codec(name).compress(data)
        assert member[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00" + member[8:9] + b"\xff"


@pytest.mark.parametrize("name", ["gzip-small", "zstd-small"])
def test_small_is_no_larger(name):
    data = b"".join(path.read_bytes() for path in sorted(Path(codecs.__file__).parents[1].rglob("*.py")))
    assert len(Codec(name).compress(data)) < len(Codec(name.removesuffix("-small")).compress(data))


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_pieces_in_a_row_are_one_stream(name, need):
    tool = "gzip" if name in GZIP else "zstd"
    need(tool)
    pieces = [TEXT[start : start + 50000] for start in range(0, len(TEXT), 50000)]
    stream = b"".join(map(Codec(name).compress, pieces))
    subprocess.run([tool, "-t"], input=stream, check=True)
    assert subprocess.run([tool, "-dc"], input=stream, check=True, capture_output=True).stdout == TEXT


@pytest.fixture
def unproved():
    codecs._prove.cache_clear()
    yield
    codecs._prove.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_a_compressor_that_makes_other_bytes_is_refused(name, unproved, monkeypatch):
    monkeypatch.setitem(codecs._WAYS, name, dataclasses.replace(codecs._WAYS[name], level=1 if codecs._WAYS[name].level > 1 else 2))
    with pytest.raises(BuildFailed, match=f'"{name}" makes other bytes on this machine than elsewhere'):
        Codec(name).compress(b"hello")


FAST = """
import sys
{before}
from stackbuild.errors import BuildFailed
from stackbuild.layer.codec import Codec
Codec("gzip").compress(b"hello")
try:
    Codec("gzip-fast").compress(b"hello")
except BuildFailed as error:
    print(error)
"""


def test_without_isal_only_the_fast_one_is_refused():
    done = subprocess.run([sys.executable, "-c", FAST.format(before="sys.modules['isal'] = None")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith('compression "gzip-fast" makes other bytes') and 'use "gzip"' in done.stdout


@pytest.mark.real
@pytest.mark.parametrize(("cpu", "fits"), [("qemu64", False), ("Nehalem", True), ("Haswell", True), ("max", True)])
def test_a_processor_on_which_isal_makes_other_bytes_is_told(need, cpu, fits):
    need("qemu-x86_64")
    program = ["qemu-x86_64", "-cpu", cpu, sys.executable, "-c", FAST.format(before="")]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert ("makes other bytes on this machine" in done.stdout) is not fits
