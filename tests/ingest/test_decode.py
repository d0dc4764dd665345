"""Any bytes become pixels or an error that says what to do; the evaluation transform is exact where it can be."""

from __future__ import annotations

import io
import os
import random
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.decode import Decoded, DecodeError, decode_bytes, read_and_decode, view_bytes
from ingest.exif import jpeg_orientation
from tests.ingest.bad_files import (
    REFUSED,
    SOUND,
    noise,
    picture,
    png_bomb,
    saved,
    turned,
    write_refused,
    write_sound,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_refused(folder)
    write_sound(folder)
    return folder


def decoded(data: bytes, *, size: int = 32) -> Decoded:
    result = decode_bytes(data, size=size)
    assert isinstance(result, Decoded), result
    return result


def refused(result: object) -> DecodeError:
    assert isinstance(result, DecodeError), result
    return result


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_a_value_with_kind_and_remedy(folder: Path, name: str) -> None:
    error = refused(read_and_decode(os.fsencode(folder / name), size=32, max_pixels=10_000**2 - 1))
    assert error.kind == REFUSED[name], error
    assert len(error.reason) > 20
    assert refused(view_bytes((folder / name).read_bytes(), max_pixels=10_000**2 - 1)).kind == REFUSED[name]


@pytest.mark.parametrize("name", SOUND)
def test_an_odd_but_sound_file_decodes(folder: Path, name: str) -> None:
    result = read_and_decode(os.fsencode(folder / name), size=32, root=os.fsencode(folder))
    assert isinstance(result, Decoded), result
    assert (result.format, result.width, result.height) == SOUND[name]
    assert result.pixels.shape == (32, 32, 3)
    assert result.pixels.dtype == np.uint8
    with Image.open(io.BytesIO(result.thumbnail), formats=["JPEG"]) as thumbnail:
        assert max(thumbnail.size) <= 256
        assert thumbnail.size == (min(result.width, thumbnail.width), min(result.height, thumbnail.height))


def test_the_extension_does_not_matter_but_the_content_does(folder: Path) -> None:
    plain, disguised = (decoded((folder / name).read_bytes()) for name in ("plain.jpg", "really_a_jpeg.png"))
    assert plain.sha256 == disguised.sha256
    assert plain.format == disguised.format == "jpeg"


@pytest.mark.parametrize("name", ["progressive.jpg", "cmyk.jpg", "plain.webp", "trailing.jpg"])
def test_every_way_to_store_it_shows_the_same_picture(folder: Path, name: str) -> None:
    reference = decoded(saved(picture(), "PNG")).pixels.astype(int)
    found = decoded((folder / name).read_bytes()).pixels.astype(int)
    assert np.abs(found - reference).mean() < 6


@pytest.mark.parametrize("name", ["sixteen_bit.png", "sixteen_bit.tif", "floating.tif"])
def test_wide_greys_keep_their_brightness(folder: Path, name: str) -> None:
    reference = decoded(saved(picture().convert("L"), "PNG")).pixels.astype(int)
    found = decoded((folder / name).read_bytes()).pixels.astype(int)
    assert np.abs(found - reference).max() <= 2


@pytest.mark.parametrize("name", ["palette_alpha.png", "rgba.png", "grey_alpha.png"])
def test_transparent_parts_are_white(folder: Path, name: str) -> None:
    pixels = decoded((folder / name).read_bytes()).pixels
    assert (pixels[20:] == 255).all()
    assert pixels[:12].min() < 200


@pytest.mark.parametrize("name", ["animated.gif", "animated.webp", "animated.png"])
def test_the_first_frame_of_an_animation_counts(folder: Path, name: str) -> None:
    blue = decoded((folder / name).read_bytes()).pixels[..., 2].mean()
    assert abs(blue - 37) < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    """Against Pillow's own exif_transpose, which is not what the decoder uses for JPEG."""
    from PIL import ImageOps

    data = turned(picture(), kind, orientation)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    result = decoded(data)
    assert (result.width, result.height) == upright.size
    expected = decoded(saved(upright, "PNG"))
    assert np.abs(result.pixels.astype(int) - expected.pixels.astype(int)).max() <= 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(orientation: int) -> None:
    data = turned(picture(), "JPEG", orientation)
    assert jpeg_orientation(data) == 1
    assert decoded(data).width == 120


def test_a_32_pixel_png_comes_out_bit_for_bit() -> None:
    original = noise(32, 32)
    assert (decoded(saved(Image.fromarray(original), "PNG")).pixels == original).all()


def test_a_wide_picture_of_the_right_height_is_only_cut() -> None:
    original = noise(50, 32)
    assert (decoded(saved(Image.fromarray(original), "PNG")).pixels == original[:, 9:41]).all()


def test_96_to_32_is_the_mean_of_nine_pixels() -> None:
    original = noise(96, 96)
    found = decoded(saved(Image.fromarray(original), "PNG")).pixels
    mean = original.reshape(32, 3, 32, 3, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(found - mean).max() <= 1


def test_scaling_down_leaves_no_aliasing() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    found = decoded(saved(Image.fromarray(stripes), "PNG")).pixels.astype(int)
    assert np.abs(found - 127).max() < 20


@pytest.mark.parametrize("size", [32, 64, 96, 224, 384])
def test_every_input_size_is_served_from_a_large_photo(size: int) -> None:
    photo = picture(1024, 768)
    found = decode_bytes(saved(photo, "JPEG", quality=95), size=size)
    assert isinstance(found, Decoded)
    expected = np.asarray(photo.crop((128, 0, 896, 768)).resize((size, size), Image.Resampling.BOX)).astype(int)
    assert found.pixels.shape == (size, size, 3)
    assert np.abs(found.pixels.astype(int) - expected).max() <= 8


def test_the_pixel_hash_ignores_metadata_and_format_but_not_pixels() -> None:
    plain = Image.fromarray(noise(64, 48))
    as_png, as_bmp = decoded(saved(plain, "PNG")), decoded(saved(plain, "BMP"))
    assert as_png.sha256 != as_bmp.sha256
    assert as_png.pixel_hash == as_bmp.pixel_hash

    jpeg = saved(plain, "JPEG")
    exif = Image.Exif()
    exif[0x010E] = "a caption added later"
    block = (
        b"Exif\x00\x00" + exif.tobytes()[6:] if exif.tobytes().startswith(b"Exif") else b"Exif\x00\x00" + exif.tobytes()
    )
    edited = jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]
    assert decoded(jpeg).sha256 != decoded(edited).sha256
    assert decoded(jpeg).pixel_hash == decoded(edited).pixel_hash

    other = np.asarray(plain).copy()
    other[5, 5, 1] ^= 1
    assert decoded(saved(Image.fromarray(other), "PNG")).pixel_hash != as_png.pixel_hash


def test_the_pixel_hash_does_not_depend_on_the_encoder() -> None:
    data = saved(picture(1024, 768), "JPEG")
    assert len({decoded(data, size=size).pixel_hash for size in (32, 224)}) == 1


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (30, 20), (256, 200), (257, 100), (500, 375), (4000, 30), (1600, 1600)]
)
def test_thumbnails_fit_and_small_pictures_keep_their_size(width: int, height: int) -> None:
    result = decoded(saved(picture(width, height), "PNG"))
    with Image.open(io.BytesIO(result.thumbnail)) as thumbnail:
        assert max(thumbnail.size) <= 256
        if max(width, height) <= 256:
            assert thumbnail.size == (width, height)
        else:
            assert max(thumbnail.size) >= 171
            assert (
                thumbnail.width / thumbnail.height == pytest.approx(width / height, rel=0.15)
                or min(thumbnail.size) <= 3
            )


def test_a_thumbnail_holds_no_byte_of_the_original() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret caption"
    result = decoded(saved(picture(64, 64), "JPEG", exif=exif, comment=b"another secret"))
    assert b"secret" not in result.thumbnail
    view = view_bytes(saved(picture(64, 64), "JPEG", exif=exif))
    assert isinstance(view, bytes)
    assert b"secret" not in view


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_full_view_is_a_jpeg_no_longer_than_asked(kind: str) -> None:
    view = view_bytes(saved(picture(1500, 700), kind), side=1000)
    assert isinstance(view, bytes)
    with Image.open(io.BytesIO(view)) as image:
        assert image.format == "JPEG"
        assert 750 <= image.width <= 1000
    whole = view_bytes(saved(picture(300, 200), kind), side=1000)
    assert isinstance(whole, bytes)
    with Image.open(io.BytesIO(whole)) as image:
        assert image.size == (300, 200)


def test_a_bomb_under_the_limit_is_only_a_large_picture() -> None:
    result = decode_bytes(png_bomb(3000), size=32, max_pixels=9_000_000)
    assert isinstance(result, Decoded)
    assert refused(decode_bytes(png_bomb(3001), size=32, max_pixels=9_000_000)).kind == "too_large"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def kind(path: Path, root: Path | None = None, max_bytes: int = 1000) -> str:
        where = os.fsencode(root) if root else None
        return refused(read_and_decode(os.fsencode(path), size=32, root=where, max_bytes=max_bytes)).kind

    assert kind(tmp_path / "never.jpg") == "vanished"
    assert kind(tmp_path) == "not_a_file"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert kind(tmp_path / "pipe.jpg") == "not_a_file"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.jpg"))
        assert kind(tmp_path / "socket.jpg") == "unreadable"
    (tmp_path / "long.jpg").write_bytes(bytes(2000))
    assert kind(tmp_path / "long.jpg") == "too_large"
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(saved(picture(), "JPEG"))
    (inside / "link.jpg").symlink_to(outside / "secret.jpg")
    (inside / "loop.jpg").symlink_to(inside / "loop.jpg")
    assert kind(inside / "link.jpg", inside) == "outside"
    assert kind(inside / "loop.jpg", inside) == "unreadable"
    (inside / "real.jpg").write_bytes(saved(picture(), "JPEG"))
    (inside / "fine.jpg").symlink_to(inside / "real.jpg")
    assert isinstance(read_and_decode(os.fsencode(inside / "fine.jpg"), size=32, root=os.fsencode(inside)), Decoded)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged TIFF
def test_spoilt_pictures_never_raise() -> None:
    """Bytes flipped and cut at seeded places in every format."""
    chance = random.Random(5)
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        whole = turned(picture(40, 30), kind, 6) if kind != "BMP" else saved(picture(40, 30), kind)
        for _ in range(60):
            spoilt = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            result = decode_bytes(bytes(spoilt[: chance.randint(1, len(spoilt))]), size=32, max_pixels=1_000_000)
            assert isinstance(result, Decoded | DecodeError)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\x00"]), st.binary(max_size=300)
)
def test_arbitrary_bytes_are_refused_with_a_reason(head: bytes, body: bytes) -> None:
    result = decode_bytes(head + body, size=32, max_pixels=1_000_000)
    assert isinstance(result, Decoded) or result.reason
    assert 1 <= jpeg_orientation(head + body) <= 8
