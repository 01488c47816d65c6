"""PNG files, as far as the board needs them: reads 8-bit RGB, writes 8-bit grey. Standard library only."""

import struct
import zlib
from itertools import pairwise


def read_rgb(path):
    """Width, height and pixels (RGB, rows not padded) of an 8-bit RGB file without interlacing."""
    data = path.read_bytes()
    width, height, *form = struct.unpack(">IIBBBBB", data[16:29])
    if data[:8] != b"\x89PNG\r\n\x1a\n" or form != [8, 2, 0, 0, 0]:
        raise ValueError(f"{path}: not a plain 8-bit RGB PNG")
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    return width, height, unfiltered(zlib.decompress(packed), width * 3)


def unfiltered(rows, stride):
    """Takes the PNG filters off rows of `stride` bytes with three bytes a pixel."""
    out, above = bytearray(), bytearray(stride)
    for start in range(0, len(rows), stride + 1):
        kind, row = rows[start], bytearray(rows[start + 1 : start + 1 + stride])
        if kind == 2:
            row = bytearray((v + b) & 255 for v, b in zip(row, above))
        elif kind:
            for i in range(stride):
                a, b = (row[i - 3] if i >= 3 else 0), above[i]
                c = above[i - 3] if i >= 3 else 0
                row[i] = (row[i] + predicted(kind, a, b, c)) & 255
        out += row
        above = row
    return bytes(out)


def predicted(kind, a, b, c):
    """What filter `kind` expects of a byte with `a` to its left, `b` above and `c` above left."""
    if kind == 1:
        return a
    if kind == 3:
        return (a + b) // 2
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def write_grey(path, width, height, pixels):
    """Writes `pixels`, a byte each, rows not padded."""
    rows = b"".join(b"\0" + pixels[i:j] for i, j in pairwise(range(0, width * height + 1, width)))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
