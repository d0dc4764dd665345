"""Which bytes of which files an ONNX graph asks for, read without the onnx package and before any engine sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Fields of onnx.proto that lead to a tensor, by message: {field number: message of that field}.
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
DEEPEST = 32  # graphs within graphs; ours has none


@dataclass(frozen=True)
class ExternalPlace:
    """One tensor's bytes: file name relative to the graph's folder, first byte, number of bytes (0: to the end)."""

    location: str
    offset: int
    length: int


def external_places(graph: bytes) -> list[ExternalPlace]:
    """Every external reference of a serialised ONNX model. Raises ValueError when the bytes are not one."""
    return list(_walk(memoryview(graph), "model", depth=0))


def _walk(data: memoryview, message: str, *, depth: int) -> Iterator[ExternalPlace]:
    if depth > DEEPEST:
        raise ValueError("graphs are nested too deeply")
    entries: dict[str, str] = {}
    for number, value in _fields(data):
        inner = FIELDS[message].get(number)
        if inner is None:
            continue
        if not isinstance(value, memoryview):
            raise ValueError(f"field {number} of a {message} has the wrong type")
        if inner == "entry":
            pair = {key: bytes(text).decode() for key, text in _fields(value) if isinstance(text, memoryview)}
            entries[pair.get(1, "")] = pair.get(2, "")
        else:
            yield from _walk(value, inner, depth=depth + 1)
    if entries:
        yield ExternalPlace(entries.get("location", ""), int(entries.get("offset", 0)), int(entries.get("length", 0)))


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value of each field of one protobuf message."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == 2:
            size, position = _varint(data, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} does not occur in ONNX")
        if position + size > len(data):
            raise ValueError("the file ends in the middle of a field")
        yield number, data[position : position + size]
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ValueError("the file ends in the middle of a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is longer than 64 bits")
