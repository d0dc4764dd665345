"""Index types: which one a collection gets, how it is built and how hard searched; docs/INDEX.md has the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Up to here a plain scan is as fast as a graph, exact whatever the filter, and costs nothing to build.
SMALL_ROWS: Final = 20_000
EF_LEAST: Final = 128
MOST: Final = 16_384  # Milvus's limit for top-k


@dataclass(frozen=True)
class Kind:
    """An index type with what Milvus is told when it builds one."""

    type: str
    build: Mapping[str, int] = field(default_factory=dict)
    metric: str = "COSINE"

    def search(self, limit: int) -> dict[str, int]:
        """How hard to search for `limit` neighbours."""
        if self.type in ("HNSW", "FLAT"):
            # A scan needs none, and does not mind: the index worker may have made a graph of it meanwhile.
            return {"ef": max(EF_LEAST, min(2 * limit, 2 * MOST))}
        if self.type == "DISKANN":
            return {"search_list": max(100, min(2 * limit, 2 * MOST))}
        if self.type == "GPU_CAGRA":
            return {"itopk_size": max(128, -(-2 * limit // 32) * 32), "search_width": 4}
        if "nlist" in self.build:
            lists = self.build["nlist"]
            return {"nprobe": min(lists, max(1, lists // 16, limit // 16))}
        return {}


# docs/decisions/0005-index-type.md. One list is a plain scan, and faiss's is 8 times faster than milvus-lite's FLAT.
LITE: Final = Kind("IVF_FLAT", {"nlist": 1})
# The vectors have length 1, so that IP, all that Milvus's GPU indexes have, is the cosine.
KINDS: Final[Mapping[str, Kind]] = {
    kind.type: kind
    for kind in (
        Kind("FLAT"),
        Kind("IVF_FLAT", {"nlist": 1024}),
        Kind("IVF_SQ8", {"nlist": 1024}),
        Kind("HNSW", {"M": 16, "efConstruction": 200}),
        Kind("DISKANN"),
        Kind("GPU_BRUTE_FORCE", metric="IP"),
        Kind("GPU_IVF_FLAT", {"nlist": 1024}, metric="IP"),
        Kind("GPU_CAGRA", {"intermediate_graph_degree": 64, "graph_degree": 32}, metric="IP"),
    )
}


def chosen(type: str, *, rows: int) -> Kind:
    """The kind for a collection that has, or is about to get, so many rows."""
    if type == "auto":
        return KINDS["FLAT" if rows <= SMALL_ROWS else "HNSW"]
    return KINDS[type]


def outgrown(type: str, built: Kind, *, rows: int) -> bool:
    """Whether a collection has become too large for the plain scan that it was made with; other types stay."""
    return type == "auto" and built.type == "FLAT" and rows > SMALL_ROWS


def built_of(description: Mapping[str, Any] | None) -> Kind | None:
    """The kind that Milvus says a collection has; None without an index."""
    if not description:
        return None
    type = str(description.get("index_type", ""))
    known = KINDS.get(type, Kind(type))
    told = {**description, **(description.get("params") or {})}  # Milvus has them below a name, or beside it
    build = {name: int(told.get(name, usual)) for name, usual in known.build.items()}
    return Kind(type, build, str(description.get("metric_type") or known.metric))
