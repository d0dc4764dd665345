"""Collections of Milvus: made, indexed and loaded, and given another index when they have outgrown theirs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymilvus import DataType, MilvusClient

from catalog.index_client import IndexClient
from catalog.index_errors import CollectionMismatch
from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS
from catalog.index_kinds import LITE, Kind, built_of, chosen, outgrown
from catalog.index_options import IndexOptions

log = logging.getLogger(__name__)
SLOW_S = 120.0  # making, loading and sealing a collection
FIELDS = (*LABEL_FIELDS, *SOURCE_FIELDS)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def check_name(name: str) -> None:
    """Raise ValueError unless this can be a collection's name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot be the name of a Milvus collection")


@dataclass(frozen=True)
class Building:
    """How far the index of a collection is: its type, and rows in it of all rows that Milvus has sealed."""

    type: str
    indexed: int
    rows: int


def ensure(
    client: IndexClient, name: str, dimension: int, *, options: IndexOptions, rows: int, timeout_s: float
) -> None:
    """Make, index and load a collection unless that is done; one that has outgrown its index gets another.

    rows: about how many it is going to have, where that is known.
    """
    milvus = client.milvus
    if not milvus.has_collection(name, timeout=timeout_s):
        _create(client, name, dimension, options)
    else:
        check_fields(name, milvus.describe_collection(name, timeout=timeout_s), dimension)
    built = kind_of(client, name, timeout_s=timeout_s)
    if built is None:
        _index(client, name, chosen(options.type, rows=rows))
    elif not client.lite and built.type == "FLAT":
        here = int(milvus.get_collection_stats(name, timeout=timeout_s).get("row_count", 0))
        if outgrown(options.type, built, rows=here):
            log.info("%s has %d rows now: its index becomes a graph", name, here)
            _index_anew(client, name, chosen(options.type, rows=here), timeout_s=timeout_s)
    _load(client, name, options)


def kind_of(client: IndexClient, name: str, *, timeout_s: float) -> Kind | None:
    """The kind of index that a collection has."""
    names = client.milvus.list_indexes(name, timeout=timeout_s)
    if not names or client.lite:
        return LITE if names else None
    return built_of(client.milvus.describe_index(name, names[0], timeout=timeout_s))


def building_of(client: IndexClient, name: str, *, timeout_s: float) -> Building:
    """How far Milvus is with it."""
    names = client.milvus.list_indexes(name, timeout=timeout_s)
    found = client.milvus.describe_index(name, names[0], timeout=timeout_s) if names else None
    if not found:
        return Building("", 0, 0)
    return Building(str(found["index_type"]), int(found["indexed_rows"]), int(found["total_rows"]))


def check_fields(name: str, description: Mapping[str, Any], dimension: int) -> None:
    """Raise CollectionMismatch unless the collection has our columns and vectors of this length."""
    found = {field["name"]: field for field in description["fields"]}
    if set(found) != {"id", "vector", *FIELDS}:
        raise CollectionMismatch(name, f"its columns are {', '.join(sorted(found))}")
    if int(found["vector"]["params"]["dim"]) != dimension:
        raise CollectionMismatch(name, f"its vectors have {found['vector']['params']['dim']} numbers, not {dimension}")


def _create(client: IndexClient, name: str, dimension: int, options: IndexOptions) -> None:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    for field in FIELDS:
        schema.add_field(field, DataType.INT64)
    more: dict[str, Any] = {}
    if not client.lite:
        more["num_shards"] = options.shards
        if options.mmap:
            more["properties"] = {"mmap.enabled": "true"}
    client.milvus.create_collection(name, schema=schema, consistency_level=options.consistency, timeout=SLOW_S, **more)


def _index(client: IndexClient, name: str, kind: Kind) -> None:
    kind = LITE if client.lite else kind
    index = MilvusClient.prepare_index_params()
    # Twice `params`: pymilvus takes one layer off, and milvus-lite reads only what is below the name.
    index.add_index("vector", index_type=kind.type, metric_type=kind.metric, params={"params": dict(kind.build)})
    client.milvus.create_index(name, index, sync=False, timeout=SLOW_S)  # there is nothing to wait for


def _index_anew(client: IndexClient, name: str, kind: Kind, *, timeout_s: float) -> None:
    """Milvus drops an index only of a collection that is not loaded: searches meanwhile are told to come again."""
    client.milvus.release_collection(name, timeout=SLOW_S)
    for old in client.milvus.list_indexes(name, timeout=timeout_s):
        client.milvus.drop_index(name, old, timeout=SLOW_S)
    _index(client, name, kind)


def _load(client: IndexClient, name: str, options: IndexOptions) -> None:
    more = {} if client.lite else {"replica_number": options.replicas}
    client.milvus.load_collection(name, timeout=SLOW_S, **more)
