"""STL-10's labels by hand: planes are planes, and what else flies is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.public.download import DataError
from ingest.public.stl10_truth import groups_of, read_truth

LEGEND = {
    "airplane": {
        "passenger plane": "ai0", "toy plane": "ai4", "helicopter": "ai5", "hot air balloon": "ai6", "kite": "ai10"
    },
    "canine": {"dog": "ca0"},
    "camelid": {"camel": "cam0"},
    "outlier": {"human": "ou1"},
    "vehicle": {"car": "ve0"},
}  # fmt: skip


def write(folder: Path, labels: object, legend: object = LEGEND) -> Path:
    (folder / "legend.json").write_text(json.dumps(legend))
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder / "labels.json"


def test_of_what_flies_only_planes_are_airplanes(tmp_path: Path) -> None:
    codes = ["ai0", "ai4", "ai5", "ai6", "ai10", "ca0", "cam0", "ou1", "ve0"]
    truth = read_truth(write(tmp_path, {str(number): code for number, code in enumerate(codes)}))
    assert [truth[number] for number in range(9)] == [
        "airplane", "airplane", "helicopter", "hot air balloon", "kite", "canine", "camelid", "outlier", "vehicle"
    ]  # fmt: skip
    groups = groups_of(set(truth.values()))
    assert groups == {
        "vehicle": ["airplane", "helicopter", "hot air balloon", "vehicle"],
        "animal": ["camelid", "canine"],
    }


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'xx9' is unknown"):
        read_truth(write(tmp_path, {"0": "xx9"}))
    with pytest.raises(DataError, match="is no JSON object"):
        read_truth(write(tmp_path, ["ai0"]))
    with pytest.raises(DataError, match="is no list of kinds"):
        read_truth(write(tmp_path, {"0": "ai0"}, {"airplane": "ai0"}))
    (tmp_path / "legend.json").unlink()
    with pytest.raises(DataError, match=r"legend\.json cannot be read"):
        read_truth(tmp_path / "labels.json")
