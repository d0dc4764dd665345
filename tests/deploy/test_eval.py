"""`ruiji eval`: photos in, figures kept with the encoder, and shown beside those of others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from bench.other_encoder import renamed
from catalog.artifacts import ArtifactStore
from catalog.encoders import get_encoder
from catalog.ledger import Ledger
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.evaluation.errors import NoEvaluation
from deploy.shell.evaluate import Wanted, run
from encoder.folder import load_info, verify
from settings import Settings
from tests.photos import KINDS, scene, write_folder

EPOCHS = 185  # of the shipped encoder
GROUPS = ("vehicle=brick", "animal=sky, grass")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = Ledger.open(settings.resolved_database_url())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of class folders: `train` and `test`, with one file in `test` that is no picture."""
    root = tmp_path_factory.mktemp("photos")
    write_folder(root / "train", per_kind=12, labelled=True)
    write_folder(root / "test", per_kind=6, labelled=True, first_seed=100)
    (root / "test" / "sky" / "broken.jpg").write_bytes(b"no picture")
    return root


def test_the_figures_are_kept_with_the_encoder_and_its_id_stays(
    settings: Settings, ledger: Ledger, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "enc"))
    store = ArtifactStore(settings.resolved_artifacts_url())
    known = set_up_encoder(ledger, store, folder)
    wanted = Wanted(train=photos / "train", test=photos / "test", groups=GROUPS, seeds=2, top6=tmp_path / "top.png")
    assert run(settings, [str(folder)], wanted) == 0
    said = capsys.readouterr()
    assert "cifar10-simclr" in said.out and "animal mAP" in said.out
    assert "sky/broken.jpg: left out" in said.err
    assert "it is not running" in said.err  # the index
    assert verify(folder).id == known.id
    name = f"{photos.name}/test"
    record = load_info(folder).metrics["evaluations"][name]
    assert record["linear_probe"]["mean"] == record["knn"]["mean"] == 1.0  # these kinds are easily told apart
    assert record["pictures"] == {"learnt_from": 33, "asked": 18}
    assert set(record["classes"]) == set(KINDS) and set(record["groups"]) == {"vehicle", "animal"}
    assert load_info(folder).metrics["int8"] == load_info(SHIPPED).metrics["int8"]
    assert get_encoder(ledger, known.id).metrics["evaluations"][name] == record
    assert json.loads(store.get(f"{known.folder}/metrics.json"))["evaluations"][name] == record
    assert f"## Evaluated: {name}" in (folder / "README.md").read_text()
    assert f"## Evaluated: {name}".encode() in store.get(f"{known.folder}/README.md")
    with Image.open(tmp_path / "top.png") as drawn:
        assert drawn.width > 900 and drawn.height > 800
        assert len(drawn.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 1000


def test_arrays_are_evaluated_like_folders(settings: Settings, tmp_path: Path) -> None:
    pictures = np.stack([np.asarray(scene(kind, seed)) for kind in KINDS for seed in range(10)])
    np.save(tmp_path / "photos.npy", pictures)
    np.save(tmp_path / "photos_y.npy", np.repeat(np.arange(3), 10))
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "enc"))
    wanted = Wanted(test=tmp_path / "photos.npy", classes=("sky", "grass", "brick"), name="drawn", seeds=2)
    assert run(settings, [str(folder)], wanted) == 0
    record = load_info(folder).metrics["evaluations"]["drawn"]
    assert record["pictures"] == {"learnt_from": 24, "asked": 6}
    assert set(record["classes"]) == set(KINDS)


def test_encoders_are_compared_in_a_table_and_a_chart(
    settings: Settings, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = renamed(tmp_path / "a", "few"), renamed(tmp_path / "b", "<many>")
    with pytest.raises(NoEvaluation, match=r"few \(.*has no evaluation.*it has none"):
        run(settings, [str(first), str(second)], Wanted(compare=True))
    data = Wanted(train=photos / "train", test=photos / "test", seeds=2, name="drawn")
    run(settings, [str(first), str(second)], data)
    capsys.readouterr()
    chart = tmp_path / "chart.svg"
    assert run(settings, [str(first), str(second)], Wanted(compare=True, chart=chart, as_json=True)) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["epochs"]) for row in rows] == [("few", EPOCHS), ("<many>", EPOCHS)]
    # The same number of epochs: the axis is that of the encoders.
    drawn = ElementTree.fromstring(chart.read_text())
    told = ["".join(one.itertext()) for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"<many>", "few", "linear probe", "encoder", "Encoders on drawn"} <= set(told)
    with pytest.raises(NoEvaluation, match="has no evaluation on 'other'; it has drawn"):
        run(settings, [str(first), str(second)], Wanted(compare=True, name="other"))


def test_stl10s_labels_name_the_photos_by_number(settings: Settings, tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    truth.mkdir()
    legend = {"airplane": {"passenger plane": "ai0", "helicopter": "ai5"}, "canine": {"dog": "ca0"}}
    (truth / "legend.json").write_text(json.dumps(legend))
    codes = {"sky": "ai0", "grass": "ai5", "brick": "ca0"}
    labels, number = {}, 0
    for kind in KINDS:
        for seed in range(6):
            (tmp_path / "unlabeled" / "000").mkdir(parents=True, exist_ok=True)
            scene(kind, seed).save(tmp_path / "unlabeled" / "000" / f"{number + 1:06d}.png")
            labels[str(number)] = codes[kind]
            number += 1
    (truth / "labels.json").write_text(json.dumps(labels))
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "enc"))
    wanted = Wanted(test=tmp_path / "unlabeled", stl10_labels=truth / "labels.json", seeds=2, name="truth")
    assert run(settings, [str(folder)], wanted) == 0
    record = load_info(folder).metrics["evaluations"]["truth"]
    assert set(record["classes"]) == {"airplane", "helicopter", "canine"}
    assert set(record["groups"]) == {"vehicle", "animal"}
    assert record["mean"]["precision"]["10"] > 0.3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "nothing to evaluate on"),
        ({"test": Path("test"), "from_ledger": True}, "two sources of labels"),
        ({"from_ledger": True, "top6": Path("out.png")}, "--top6 draws photos of --test"),
        ({"test": Path("train/sky")}, "holds no picture in a folder named after its class"),
        ({"test": Path("few")}, "one photo of sky to learn from"),
        ({"test": Path("test"), "train": Path("few")}, "training photos have no class brick, grass"),
        ({"test": Path("test"), "groups": ("vehicle=car",)}, "there is no class car; there are brick"),
        ({"test": Path("test"), "groups": ("vehicle",)}, "is not NAME=class"),
        ({"from_ledger": True}, "the ledger does not know cifar10-simclr"),
    ],
)
def test_what_cannot_be_evaluated_is_told(
    change: dict[str, object], reason: str, settings: Settings, photos: Path, tmp_path: Path
) -> None:
    Ledger.open(settings.resolved_database_url()).close()
    few = photos / "few" / "sky"
    few.mkdir(parents=True, exist_ok=True)
    shutil.copy(photos / "train" / "sky" / "00000.jpg", few)
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "enc"))
    where = {
        key: photos / value if isinstance(value, Path) and key != "top6" else value for key, value in change.items()
    }
    with pytest.raises(NoEvaluation, match=reason):
        run(settings, [str(folder)], Wanted(**where))  # type: ignore[arg-type]
    assert load_info(folder).metrics == load_info(SHIPPED).metrics
