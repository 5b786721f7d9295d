"""SHA-256 that can be put aside and resumed."""

from __future__ import annotations

import hashlib
import mmap
import threading
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native.library import core

# FIPS 180-4's examples, by NIST's "Cryptographic Standards and Guidelines: Example Values".
VECTORS = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}
DATA = bytes(range(256)) * 17


def hash_of(*pieces):
    hasher = native.sha256()
    for piece in pieces:
        hasher.update(piece)
    return hasher


@pytest.mark.parametrize("data", VECTORS, ids=len)
def test_nist_examples(data):
    assert hash_of(data).hexdigest() == VECTORS[data]
    assert hash_of(data).digest().hex() == VECTORS[data]


@given(st.lists(st.binary(max_size=300)))
def test_any_split_is_hashlibs(pieces):
    assert hash_of(*pieces).digest() == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize("size", [*range(130), 4095, 4096, 4097])
def test_every_length_is_padded(size):
    assert hash_of(DATA[:size]).digest() == hashlib.sha256(DATA[:size]).digest()


def test_any_buffer_is_hashed_where_it_lies(tmp_path):
    expected = hashlib.sha256(DATA).digest()
    assert hash_of(bytearray(DATA)).digest() == expected
    assert hash_of(memoryview(DATA)).digest() == expected
    assert hash_of(memoryview(DATA)[:100], memoryview(bytearray(DATA))[100:]).digest() == expected
    assert hash_of(array("Q", DATA)).digest() == expected
    assert hash_of(memoryview(b""), bytearray(), DATA, memoryview(DATA)[5:5]).digest() == expected
    (tmp_path / "file").write_bytes(DATA)
    with open(tmp_path / "file", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert hash_of(mapped).digest() == expected


def test_a_buffer_can_be_resized_afterwards():
    data = bytearray(DATA)
    hash_of(data)
    data.extend(b"more")


@pytest.mark.parametrize("wrong", ["text", 5, None, [1]])
def test_what_is_no_buffer_is_refused(wrong):
    with pytest.raises(TypeError):
        native.sha256().update(wrong)


def test_a_buffer_with_gaps_is_refused():
    with pytest.raises(BufferError):
        native.sha256().update(memoryview(DATA)[::2])


def test_a_digest_ends_nothing():
    hasher = hash_of(DATA[:100])
    assert hasher.digest() == hasher.digest() == hashlib.sha256(DATA[:100]).digest()
    hasher.update(DATA[100:])
    assert hasher.digest() == hashlib.sha256(DATA).digest()


def test_a_copy_goes_its_own_way():
    hasher = hash_of(DATA[:77])
    copy = hasher.copy()
    hasher.update(b"one")
    copy.update(b"other")
    assert hasher.digest() == hashlib.sha256(DATA[:77] + b"one").digest()
    assert copy.digest() == hashlib.sha256(DATA[:77] + b"other").digest()


@pytest.fixture
def resumable(way):
    """Whether states can be told: where the native core is used, and the processor has instructions for it."""
    return way == "native" and core().hashes_quickly


def test_a_state_at_each_block_is_resumed(resumable):
    for size in range(0, len(DATA) + 1, 64):
        state = hash_of(DATA[:size]).state()
        if not resumable:
            assert state is None
            continue
        assert len(state) == 40 and int.from_bytes(state[32:], "big") == size
        resumed = native.resume_sha256(state)
        assert resumed.state() == state
        resumed.update(DATA[size:])
        assert resumed.digest() == hashlib.sha256(DATA).digest()


def test_a_state_is_the_standards_words(resumable):
    if resumable:
        words = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
        assert native.sha256().state().hex() == words + "0" * 16


def test_a_state_in_the_middle_of_a_block_is_none(resumable):
    for size in (1, 63, 65, 127):
        if resumable:
            with pytest.raises(ValueError, match="multiple of 64"):
                hash_of(DATA[:size]).state()
        else:
            assert hash_of(DATA[:size]).state() is None


def test_a_state_of_what_is_larger_than_memory(resumable):
    state = bytes(range(32)) + (2**61 - 64).to_bytes(8, "big")  # in bits, the last that SHA-256 counts
    resumed = native.resume_sha256(state)
    if not resumable:
        assert resumed is None
    else:
        assert resumed.state() == state
        assert resumed.hexdigest() != native.resume_sha256(state[:32] + bytes(8)).hexdigest()


@pytest.mark.parametrize("wrong", [b"", bytes(39), bytes(41), bytes(39) + b"\1"])
def test_what_is_no_state_is_refused(wrong):
    with pytest.raises(ValueError, match="not a state"):
        native.resume_sha256(wrong)


def test_threads_hash_at_once():
    found = {}

    def work(number):
        found[number] = hash_of(*[bytes([number]) * 99_999] * 20).digest()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: hashlib.sha256(bytes([number]) * 1_999_980).digest() for number in range(8)}
