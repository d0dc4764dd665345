"""`ruiji train --start-from torchvision:NAME`: fetched once, checked by the digest in the name, or told how else."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from deploy.training import published as module
from deploy.training.errors import NoTraining
from deploy.training.published import FOLDER, published, start_path
from encoder.architecture import Architecture
from encoder.model import SimCLR
from encoder.start import load_start
from ingest.public.download import Archive, ArchiveDamaged


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a server on loopback offers, and its address."""
    offered = tmp_path / "offered"
    offered.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(offered))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield offered, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_torchvision_names_its_files_by_their_digest() -> None:
    for backbone in ("resnet18", "resnet34", "resnet50"):
        archive = published(f"torchvision:{backbone}")
        assert archive.url.startswith("https://") and archive.url.endswith(".pth") and backbone in archive.url
        assert len(archive.digest) == 8 and int(archive.digest, 16) >= 0


def test_weights_by_name_are_fetched_once_and_begun_with(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered, address = site
    weights = resnet18(weights=None).state_dict()
    torch.save(weights, offered / "new.pth")
    digest = hashlib.sha256((offered / "new.pth").read_bytes()).hexdigest()[:8]
    file = (offered / "new.pth").rename(offered / f"resnet18-{digest}.pth")
    archive = Archive(f"{address}/{file.name}", "sha256", digest)
    monkeypatch.setattr(module, "published", lambda name: archive)
    home = tmp_path / "home"
    path = start_path("torchvision:resnet18", home=home)
    assert path == home / FOLDER / file.name
    file.unlink()
    assert start_path("torchvision:resnet18", home=home) == path
    model = SimCLR(Architecture("resnet18", "imagenet", 32))
    load_start(model, path)
    assert torch.equal(model.backbone.state_dict()["layer4.1.conv2.weight"], weights["layer4.1.conv2.weight"])


def test_another_file_under_that_name_is_refused(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered, address = site
    (offered / "resnet18-00000000.pth").write_bytes(b"something else")
    archive = Archive(f"{address}/resnet18-00000000.pth", "sha256", "00000000")
    monkeypatch.setattr(module, "published", lambda name: archive)
    with pytest.raises(ArchiveDamaged, match=r"resnet18-00000000\.pth has sha256"):
        start_path("torchvision:resnet18", home=tmp_path)
    assert not list((tmp_path / FOLDER).iterdir())


def test_what_cannot_be_had_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTraining, match=r"torchvision:vgg is no name of weights: give one of torchvision:resnet18,"):
        start_path("torchvision:vgg", home=tmp_path)
    with pytest.raises(NoTraining, match="nothing is missing: give an encoder folder"):
        start_path(str(tmp_path / "nothing"), home=tmp_path)
    gone = Archive("http://127.0.0.1:9/resnet18-00000000.pth", "sha256", "00000000")
    monkeypatch.setattr(module, "published", lambda name: gone)
    with pytest.raises(NoTraining, match=r"cannot be fetched \(.*--start-from the file"):
        start_path("torchvision:resnet18", home=tmp_path)
