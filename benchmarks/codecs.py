"""Compressors beside each other on the tars that are named, in pieces of 2 MiB: time, size, time to unpack.

Times are of one core's work, the median of the pieces; `+%` is the size beside `gzip -6` in one stream.
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import deflate
import zstandard
from isal import igzip_lib

PIECE = 2 << 20
GZIP = igzip_lib.COMP_GZIP
Pack = Callable[[bytes], bytes]
Unpack = Callable[[bytes, int], bytes]


def _zstd(level: int) -> Pack:
    return zstandard.ZstdCompressor(level=level, write_checksum=True).compress


def codecs() -> Iterator[tuple[str, Pack, Unpack]]:
    """(name, compress, decompress)"""
    unzip = deflate.gzip_decompress
    yield "zlib 6", functools.partial(zlib.compress, level=6, wbits=31), unzip
    for level in (1, 2):
        yield f"isal {level}", functools.partial(igzip_lib.compress, level=level, flag=GZIP), unzip
    for level in (1, 2, 6, 9):
        yield f"libdeflate {level}", functools.partial(deflate.gzip_compress, compresslevel=level), unzip
    for level in (1, 3, 6, 9, 19):
        yield f"zstd {level}", _zstd(level), lambda data, size: zstandard.ZstdDecompressor().decompress(data)


def pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while data := file.read(PIECE):
            yield data


def measure(path: str, pack: Pack, unpack: Unpack) -> tuple[int, float, float]:
    """(size in bytes, MB/s of compressing, MB/s of unpacking)"""
    size, packing, unpacking = 0, [], []
    for data in pieces(path):
        start = time.process_time()
        packed = pack(data)
        middle = time.process_time()
        assert unpack(packed, len(data)) == data
        packing.append(len(data) / (middle - start))
        unpacking.append(len(data) / (time.process_time() - middle))
        size += len(packed)
    return size, statistics.median(packing) / 1e6, statistics.median(unpacking) / 1e6


def main(paths: list[str]) -> None:
    for path in paths:
        with open(path, "rb") as tar:
            gzip = subprocess.run(["gzip", "-6"], stdin=tar, capture_output=True, check=True)
        whole = len(gzip.stdout)
        raw = Path(path).stat().st_size
        print(f"{path}: {raw / 1e6:.0f} MB; gzip -6 {whole / 1e6:.1f} MB\n")
        print(
            "| codec | MB | of the tar | +% | MB/s | unpacked, MB/s |\n| --- | --- | --- | --- | --- | --- |"
        )
        for name, pack, unpack in codecs():
            size, packing, unpacking = measure(path, pack, unpack)
            more = 100 * (size / whole - 1)
            sizes = f"{size / 1e6:.1f} | {size / raw:.3f} | {more:+.1f}"
            print(f"| {name} | {sizes} | {packing:.0f} | {unpacking:.0f} |", flush=True)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
