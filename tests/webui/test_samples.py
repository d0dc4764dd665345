"""Pictures to try: pictures of one folder and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.photos import jpeg, scene
from webui import samples


def test_only_pictures_of_the_folder_itself_are_offered(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    (folder / "below").mkdir(parents=True)
    data = jpeg(scene("sky", 1))
    (folder / "plane.jpg").write_bytes(data)
    (folder / "truck.png").write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    (folder / "script.svg").write_bytes(b"<svg onload='alert(1)'/>")
    (folder / "script.jpg").write_bytes(b"<svg onload='alert(1)'/>")
    (folder / "below" / "deep.jpg").write_bytes(data)
    (tmp_path / "secret.jpg").write_bytes(data)
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert [(picture.name, picture.mime) for picture in samples.offered(folder)] == [
        ("plane.jpg", "image/jpeg"),
        ("truck.png", "image/png"),
    ]
    assert samples.offered(folder)[0].sha256 == hashlib.sha256(data).hexdigest()
    for name in ("../secret.jpg", "link.jpg", "below/deep.jpg", "script.svg", "", "/etc/passwd"):
        assert samples.find(folder, name) is None


def test_a_picture_that_changed_has_its_new_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(scene("sky", 1)))
    before = samples.offered(tmp_path)[0].sha256
    path.write_bytes(jpeg(scene("sky", 2), quality=70))
    assert samples.offered(tmp_path)[0].sha256 != before


def test_without_a_folder_nothing_is_offered(tmp_path: Path) -> None:
    assert samples.offered(None) == []
    assert samples.offered(tmp_path / "none") == []
