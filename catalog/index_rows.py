"""Rows of the index as they go in and come out, apart from any server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus.grpc_gen import milvus_pb2, schema_pb2

from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS, columns
from catalog.shards import Ids, Vectors, check_vectors


@dataclass(frozen=True)
class SearchHits:
    """The nearest images of one query, best first: ids (n,) int64; scores (n,) float32, the cosine."""

    ids: Ids
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class IndexedRows:
    """What the index holds of some images: ids (n,), labels (n, 4), sources (n, 2) as in `index_filter.columns`."""

    ids: Ids
    labels: Ids
    sources: Ids
    vectors: Vectors | None


def batches(
    name: str,
    ids: Ids,
    vectors: Vectors,
    labels: Sequence[tuple[int, ...]],
    sources: Sequence[tuple[int, ...]],
    *,
    size: int,
) -> Iterator[Any]:
    """Yield upsert requests of `size` rows for a collection; raises InvalidVectors or ValueError before the first."""
    check_vectors(vectors)
    if not len(ids) == len(vectors) == len(labels) == len(sources):
        raise ValueError("ids, vectors, labels and sources differ in length")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("an id stands twice in one upsert")
    hints = _hints(labels, LABEL_FIELDS), _hints(sources, SOURCE_FIELDS)
    whole = {"id": ids, **dict(zip((*LABEL_FIELDS, *SOURCE_FIELDS), np.concatenate(hints, axis=1).T, strict=True))}
    return (
        packed(
            name,
            vectors[start : start + size],
            {field: values[start : start + size] for field, values in whole.items()},
        )
        for start in range(0, len(ids), size)
    )


def packed(name: str, vectors: Vectors, integers: Mapping[str, Ids]) -> Any:
    """Return Milvus's request to upsert rows as columns: vectors (n, d), and INT64 columns (n,) by name."""
    request = milvus_pb2.UpsertRequest(collection_name=name, num_rows=len(vectors))
    for field, values in integers.items():
        column = request.fields_data.add(type=schema_pb2.DataType.Int64, field_name=field)
        column.scalars.long_data.data.extend(values.tolist())
    column = request.fields_data.add(type=schema_pb2.DataType.FloatVector, field_name="vector")
    column.vectors.dim = vectors.shape[1]
    # The wire format of a packed repeated float: field 1 with a length, then the numbers, little-endian. Assigned one
    # by one they take 100 times as long.
    numbers = np.ascontiguousarray(vectors, dtype="<f4").tobytes()
    column.vectors.float_vector.MergeFromString(b"\x0a" + _varint(len(numbers)) + numbers)
    return request


def _hints(values: Sequence[tuple[int, ...]], fields: Sequence[str]) -> Ids:
    return np.array([columns(one, len(fields)) for one in values], dtype=np.int64).reshape(-1, len(fields))


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def hits_of(found: Any) -> SearchHits:
    """Turn one query's answer into arrays; its hits as dicts are made one by one and cost 40 µs each."""
    return SearchHits(np.array(found.ids, dtype=np.int64), np.array(found.distances, dtype=np.float32))


def rows_of(found: Sequence[dict[str, Any]], *, vectors: bool) -> IndexedRows:
    """Turn rows as dicts into arrays, in ascending order of id."""
    rows = sorted(found, key=lambda row: int(row["id"]))
    return IndexedRows(
        np.array([row["id"] for row in rows], np.int64),
        np.array([[row[field] for field in LABEL_FIELDS] for row in rows], np.int64).reshape(-1, len(LABEL_FIELDS)),
        np.array([[row[field] for field in SOURCE_FIELDS] for row in rows], np.int64).reshape(-1, len(SOURCE_FIELDS)),
        np.array([row["vector"] for row in rows], np.float32) if vectors else None,
    )
