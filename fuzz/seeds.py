#!/usr/bin/env python3
"""Writes what the fuzzers begin with, below fuzz/seeds: small bundles, records, frames and models, each in its format's own bytes.

Takes nothing; reads the camera frames and the bundle of the repository. Run it again where a format has changed. Signatures and hashes
are left empty: the target makes them.
"""

import struct
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def put(target, name, *parts):
    file = ROOT / "fuzz" / "seeds" / target / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(parts))


def varint(number):
    """LEB128, as postcard and protobuf have it."""
    out = b""
    while number >= 128:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


# Bundles: shared/src/bundle.rs and shared/src/manifest/raw.rs, in postcard.


def text(value):
    return varint(len(value)) + value.encode()


def listed(items):
    return varint(len(items)) + b"".join(items)


def model_facts(parts):
    threshold = floats(0.5, 0.25, 0.25, 0.6)
    scores = listed([floats(score) for score in (0.1, 0.2, 0.3)])
    parity = listed([floats(0.25)]) + floats(1e-4)
    return bytes(32) + threshold + scores + listed([varint(part) for part in parts]) + parity


def manifest(full):
    crop = b"\1" + b"".join(map(varint, (1, 2, 300, 400))) if full else b"\0"
    parts = [0, 0, 1] if full else []
    return b"".join([
        text("washers"), varint(1_800_000_000), text("fuzz"), varint(1), crop,
        varint(32) * 4,  # frame and input
        varint(1), b"\0",  # score rule
        model_facts(parts), model_facts(parts), bytes(32),
        listed([floats(0.125)] if full else []),
        text("untrained"), varint(4), varint(3), varint(33), varint(0), varint(0), bytes(32),
    ])


def bundle(*sections):
    head = b"DRAEMEDG" + struct.pack("<HH", 2, 0) + bytes(8)
    return head + struct.pack("<4I", *map(len, sections)) + b"".join(sections) + bytes(64)


def bundles():
    put("bundle", "plain", bundle(manifest(False), b"", b"model", b"p" * 100))
    put("bundle", "full", bundle(manifest(True), b"float", b"int8", b"p" * 100))
    demo = (ROOT / "models/demo/cap-nano.draem").read_bytes()
    length = struct.unpack("<I", demo[20:24])[0]
    put("bundle", "demo", bundle(demo[36:36 + length], b"", b"model", b""))
    put("bundle", "key", (ROOT / "models/demo/demo.pub").read_bytes())


# Records: shared/src/record.rs in postcard, and a row as the target chooses its columns.


def record(verdict, passed, override=b"\0", late=b"\0"):
    seen = varint(41) + varint(1_234_567) + varint(9) + varint(2_345_678)
    return seen + verdict + bytes([passed]) + override + late + b"\1"


def records():
    good = b"\0" + floats(0.25)
    kinds = {
        "good": record(good, 1),
        "neighbour": record(good, 0, override=b"\1" + varint(11)),
        "late": record(b"\2" + varint(1), 0, late=b"\1\1" + floats(0.75)),
    }
    whole = []
    for name, body in kinds.items():
        put("record", name, body)
        frame = body + struct.pack("<I", zlib.crc32(body))
        whole += [struct.pack("<H", len(frame)), frame]
    put("record", "three", *whole)
    put("record", "time", b"2026-05-30T14:05:06.789Z")

    def number(value):
        return bytes([1, value, value]) + bytes(6)

    one, two, three, null = b"\2\3", b"\2\4", b"\2\5", b"\0"
    good, bad = b"\6\0\5\x40" + null, b"\6\1\5\x64" + null  # word, score, no reason
    put("record", "row", one, two, number(9), number(7), number(5), number(8), good, one, null, bad, b"\2\2",
        number(1), number(2), number(3), null, number(4), one, b"\6\0", b"\6\1", number(6), one)


# Frames: what the target chooses with its first bytes, then the picture.


def frames():
    def chosen(kind, width, height, crop=(0, 0, 0, 0), padding=0):
        return bytes([kind, width, 0, height, 0, *crop, 5, padding])

    pixels = bytes((at * 31 + at // 7 * 3 + 33) & 255 for at in range(192))
    for kind, (name, size) in enumerate({"rgb8": 192, "grey": 64, "yuyv": 128, "nv12": 96}.items()):
        put("frame", name, chosen(kind, 8, 8), pixels[:size])
    put("frame", "grey-padded-crop", chosen(1, 7, 8, (1, 2, 5, 4), 1), pixels[:64])
    for name in ("420", "422"):
        file = ROOT / "edge-runtime/src/hw/board/jpeg_frames" / f"{name}.jpg"
        put("frame", f"jpeg-{name}", chosen(4, 0, 0), file.read_bytes())


# Models: one layer of each kind, as the trainer writes them, in ONNX's protobuf.

FLOAT, UINT8, INT8, INT32 = 1, 2, 3, 6


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)


def end(name, shape):
    dims = b"".join(field(1, field(1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


class Graph:
    def __init__(self, int8):
        self.int8, self.nodes, self.stored = int8, [], []

    def store(self, name, dims, kind, raw):
        dims = b"".join(field(1, dim) for dim in dims)
        self.stored.append(dims + field(2, kind) + field(8, name) + field(9, raw))

    def node(self, operator, name, inputs, **attributes):
        inputs = b"".join(field(1, value) for value in inputs)
        attributes = b"".join(field(5, attribute(*item)) for item in attributes.items())
        self.nodes.append(inputs + field(2, name) + field(3, name) + field(4, operator) + attributes)
        return name

    def through_bytes(self, value, scale):
        if not self.int8:
            return value
        coding = [f"{value}.scale", f"{value}.zero"]
        self.store(coding[0], [], FLOAT, floats(scale))
        self.store(coding[1], [], UINT8, b"\0")
        byte = self.node("QuantizeLinear", f"{value}.byte", [value, *coding])
        return self.node("DequantizeLinear", f"{value}.read", [byte, *coding])

    def per_output(self, name, shape, kind, values, scale):
        outputs, parts = shape[0], [f"{name}.{part}" for part in ("integers", "scales", "zero")]
        self.store(parts[0], shape, kind, values)
        self.store(parts[1], [outputs], FLOAT, floats(scale) * outputs)
        self.store(parts[2], [outputs], kind, bytes(outputs * (4 if kind == INT32 else 1)))
        self.node("DequantizeLinear", name, parts, axis=0)

    def conv(self, name, value, inputs, outputs, scale):
        weight, bias, shape = f"{name}.weight", f"{name}.bias", [outputs, inputs, 3, 3]
        values = [at * 37 % 127 - 60 for at in range(outputs * inputs * 9)]
        if self.int8:
            # As single-precision numbers multiply.
            product = struct.unpack("<f", floats(scale))[0] / 64
            self.per_output(weight, shape, INT8, bytes(value & 255 for value in values), 1 / 64)
            self.per_output(bias, [outputs], INT32, struct.pack("<i", 7) * outputs, product)
        else:
            self.store(weight, shape, FLOAT, floats(*(value / 64 for value in values)))
            self.store(bias, [outputs], FLOAT, floats(0.5) * outputs)
        return self.node("Conv", name, [value, weight, bias], kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])


def model(int8):
    graph = Graph(int8)
    graph.store("up", [4], FLOAT, floats(1, 1, 2, 2))
    image = graph.through_bytes("image", 1 / 255)
    wide = graph.through_bytes(graph.node("Relu", "relu", [graph.conv("first", image, 3, 4, 1 / 255)]), 0.5)
    pool = graph.node("MaxPool", "pool", [wide], kernel_shape=[2, 2], strides=[2, 2])
    second = graph.conv("second", graph.through_bytes(pool, 0.5), 4, 4, 0.5)
    read = [graph.through_bytes(second, 0.5), "", "up"]
    resized = graph.node("Resize", "resize", read, coordinate_transformation_mode="align_corners", mode="linear")
    both = graph.node("Concat", "both", [wide, graph.through_bytes(resized, 0.5)], axis=1)
    graph.node("Sigmoid", "heatmap", [graph.conv("last", graph.through_bytes(both, 0.5), 8, 1, 0.5)])
    lists = [field(1, node) for node in graph.nodes] + [field(2, "layers")] + [field(5, tensor) for tensor in graph.stored]
    ends = field(11, end("image", [1, 3, 32, 32])) + field(12, end("heatmap", [1, 1, 32, 32]))
    return field(1, 7) + field(7, b"".join(lists) + ends) + field(8, field(2, 13))


def slots():
    """A state of two slots, without its last line: edge-runtime/src/bundle/slots/text.rs."""
    hash_ = "07" * 32
    held = f'sha256 = "{hash_}"\ncreated = 5\nproduct = "caps"\nstanding = '
    both = f'format = 1\nhighest = 5\ncommitted = "a"\n[a]\n{held}"proven"\n[b]\n{held}{{ trial = {{ starts = 1 }} }}\n'
    put("slots", "both", both.encode())
    put("slots", "bad", f'format = 1\nhighest = 5\n[b]\n{held}{{ bad = {{ why = "no" }} }}\n'.encode())


bundles()
slots()
records()
frames()
for form in ("int8", "f32"):
    put("model", f"layers-{form}", model(form == "int8"))
