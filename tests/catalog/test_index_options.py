"""Where Milvus is and what it is told, from plain settings: addresses taken apart, index types chosen by size."""

from __future__ import annotations

import pytest

from catalog.index_kinds import KINDS, SMALL_ROWS, built_of, chosen, outgrown
from catalog.index_options import TYPES, IndexOptions, address_of


@pytest.mark.parametrize(
    ("url", "shown", "token", "database", "secure"),
    [
        ("http://127.0.0.1:19530", "http://127.0.0.1:19530", "", "", False),
        ("http://milvus", "http://milvus:19530", "", "", False),
        ("https://root:p%40s%2F@milvus.here/own", "https://milvus.here:443/own", "root:p@s/", "own", True),
        ("https://key@hosted.example:443", "https://hosted.example:443", "key", "", True),
        ("tcp://[::1]:1953/", "tcp://[::1]:1953", "", "", False),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(url: str, shown: str, token: str, database: str, secure: bool) -> None:
    address = address_of(url)
    assert (address.url, address.token, address.database, address.secure) == (shown, token, database, secure)


def test_a_token_beside_the_address_goes_before_the_login_in_it() -> None:
    assert address_of("http://root:old@milvus", token="root:new").token == "root:new"


@pytest.mark.parametrize(
    "url", ["milvus:19530", "ftp://milvus", "http://", "http://u:secret@milvus:port", "https://m/a/b"]
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="Milvus's address") as raised:
        address_of(url)
    assert "secret" not in str(raised.value)


def test_a_small_collection_is_scanned_and_a_large_one_gets_a_graph() -> None:
    assert chosen("auto", rows=0).type == chosen("auto", rows=SMALL_ROWS).type == "FLAT"
    assert chosen("auto", rows=SMALL_ROWS + 1).type == "HNSW"
    assert chosen("IVF_SQ8", rows=5).type == "IVF_SQ8"
    assert outgrown("auto", KINDS["FLAT"], rows=SMALL_ROWS + 1)
    assert not outgrown("auto", KINDS["FLAT"], rows=SMALL_ROWS)
    assert not outgrown("FLAT", KINDS["FLAT"], rows=10**9), "whoever asked for a scan keeps it"
    assert not outgrown("auto", KINDS["HNSW"], rows=10**9)


def test_every_type_that_can_be_set_is_known_and_searched_for_more_than_is_asked() -> None:
    assert set(TYPES) == {"auto", *KINDS}
    for kind in KINDS.values():
        assert all(value >= 1 for value in kind.search(1).values())
    assert KINDS["HNSW"].search(10) == {"ef": 128}
    assert KINDS["HNSW"].search(1000) == {"ef": 2000}
    assert KINDS["FLAT"].search(1000)["ef"] == 2000, "another process may have made a graph of it"
    assert KINDS["GPU_CAGRA"].search(100)["itopk_size"] % 32 == 0


def test_what_milvus_says_of_an_index_is_read_both_ways() -> None:
    flat = {"index_type": "HNSW", "metric_type": "COSINE", "M": "32", "efConstruction": "100"}
    assert built_of(flat) == built_of({**flat, "M": 1, "params": {"M": 32, "efConstruction": 100}})
    assert built_of({"index_type": "AUTOINDEX"}) is not None
    assert built_of(None) is None


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one of auto"):
        IndexOptions(type="BEST")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one"):
        IndexOptions(replicas=0)
