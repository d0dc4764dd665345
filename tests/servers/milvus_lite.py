"""The milvus-lite server of the tests; it is the one that `ruiji bench faults --index-writers` kills."""

from __future__ import annotations

from bench.under_fire.index_server import IndexServer as MilvusLite

__all__ = ["MilvusLite"]
