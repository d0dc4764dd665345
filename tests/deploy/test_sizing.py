"""What docs/SCALE.md says of sizes is computed, and computed from what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

import ruiji
from catalog.backup import write_backup
from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS
from catalog.index_kinds import chosen
from catalog.ledger import Ledger
from deploy import sizing
from tests.catalog import large

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SCALE.md").read_text()


def result(name: str) -> dict[str, float]:
    values: dict[str, float] = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text())
    return values


def test_the_page_shows_what_the_command_prints() -> None:
    printed = CliRunner().invoke(ruiji.app, ["plan", "--markdown"])
    assert printed.exit_code == 0
    assert f"<!-- plan -->\n{printed.stdout}<!-- /plan -->" in PAGE, "put the output of ruiji plan --markdown there"


def test_rates_are_those_that_were_measured() -> None:
    embed, train = result("embed"), result("train-h100")
    assert {
        "small": embed["with_shards_and_ledger_images_per_s"],
        "large": embed["large_with_shards_and_ledger_images_per_s"],
    } == sizing.CPU_RATE
    assert {"small": embed["decode_ms"], "large": embed["large_decode_ms"]} == sizing.DECODE_MS
    assert train["forward_backward_images_per_s"] == sizing.H100_TRAIN_RATE
    assert f"Milvus\n{sizing.MILVUS_ROWS_PER_S:,}" in (ROOT / "docs/decisions/0005-index-type.md").read_text()


def test_an_image_takes_as_much_of_ledger_and_backup_as_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"IMAGES": 5000, "LABELLED": 3000, "DELETED": 50, "BAD": 2}.items():
        monkeypatch.setattr(large, name, value)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    large.fill(ledger)
    with ledger.write() as connection:  # hashes as hashes are: they hardly compress
        for name in ("sha256", "pixel_hash"):
            connection.execute(text(f"UPDATE image SET {name} = lower(hex(randomblob(32)))"))
    ledger.close()
    assert (tmp_path / "ledger.db").stat().st_size / 5000 == pytest.approx(sizing.LEDGER_BYTES, rel=0.25)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    write_backup(ledger, tmp_path / "ledger.zip", version="0")
    ledger.close()
    assert (tmp_path / "ledger.zip").stat().st_size / 5000 == pytest.approx(sizing.BACKUP_BYTES, rel=0.25)


def test_the_index_is_the_one_that_the_product_makes() -> None:
    kind = chosen("auto", rows=10**6)
    assert (kind.type, kind.build["M"]) == ("HNSW", sizing.HNSW_M)
    assert len([*LABEL_FIELDS, *SOURCE_FIELDS]) * 8 + 8 == sizing.COLUMNS


def test_a_plan_worked_out_by_hand() -> None:
    found = sizing.plan(10**9, dimension=512, photos="large", days=1)
    assert found.shards_of_vectors == 10**9 * (2048 + 8)
    assert pytest.approx(32 * 4 + 4 + 68 / 15) == sizing.LINKS
    assert found.hnsw == pytest.approx(10**9 * (2048 + 136.53 + 56), rel=1e-4)
    assert found.hnsw_query_nodes == 13  # 2,240 GB over 0.7 × 256 GB is 12.5
    assert found.diskann_memory == pytest.approx(10**9 * (2048 * 0.225 + 56))
    assert found.diskann_disk == 10**9 * 4096  # 2,276 bytes a node: one in a sector
    assert sizing.node_on_disk(128) == pytest.approx(4096 / 5)  # 740 bytes: five
    assert sizing.node_on_disk(1024) == 8192  # 4,324 bytes: one in two
    assert found.gpu_host_rate == pytest.approx(16 / 0.003139)  # its cores decode more slowly than its GPU embeds
    assert sizing.gpu_forward_rate() == pytest.approx(136_380)
    assert found.gpu_hosts == 3  # 11,574 images/s over 5,097
    assert found.milvus_shards == 2  # 11,574 rows/s over 8,500


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"images": 0}, {"dimension": 0}, {"days": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            sizing.plan(**{"images": 1, **wrong})  # type: ignore[arg-type]
    assert CliRunner().invoke(ruiji.app, ["plan", "--images", "0"]).exit_code == 2


def test_json_holds_every_figure() -> None:
    printed = CliRunner().invoke(ruiji.app, ["plan", "--images", "2000000", "--dim", "128", "--json"])
    [found] = json.loads(printed.stdout)
    assert (found["images"], found["dimension"]) == (2_000_000, 128)
    assert found["hnsw"] == sizing.plan(2_000_000, dimension=128).hnsw
