"""The search benchmark, small, on a real Milvus: figures for every side, and the server left as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.milvus_server import MilvusServer
from bench.search import options, run
from catalog.index import VectorIndex
from tests.photos import write_folder

pytestmark = pytest.mark.milvus


def test_all_sides_are_measured_and_published(
    tmp_path: Path, milvus_server: MilvusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "photos", per_kind=90, labelled=True)
    given = ["--rows", "2500", "--peer-rows", "500", "--questions", "40", "--folder", str(tmp_path / "photos")]
    assert run(options().parse_args([*given, "--out", str(tmp_path)]), milvus_server, tmp_path) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result == json.loads((tmp_path / "search.json").read_text())
    assert (result["rows"], result["dim"], result["questions"], result["index_type"]) == (2500, 512, 40, "FLAT")
    assert result["recall_at_10"] == 1.0, "a collection this small is scanned"
    assert result["faiss_recall_at_10"] > 0.9
    assert 1 < result["intrinsic_dimension"] < 100
    assert 0 < result["p50_ms"] < result["p99_ms"]
    assert result["memory_gb"] > 0.1
    for name in ("rows_per_s_insert", "peer_rows_per_s_insert", "insert_ratio", "load_rows_per_s", "qps"):
        assert result[name] > 0, name
    left = VectorIndex(milvus_server.url)
    assert not {"insert_ours", "insert_peer", "whole"} & set(left.collections())
    left.close()
