"""Addresses of buckets: what may be a source, and what a library must never be asked for."""

from __future__ import annotations

import pytest

from catalog.storage.address import Bucket, is_object, parse_bucket, split_object, whole_path
from catalog.storage.errors import InvalidAddress, StoreError
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import PictureStorage


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("s3://photos", b"s3://photos"),
        ("s3://photos/", b"s3://photos"),
        ("s3://photos/2024/summer/", b"s3://photos/2024/summer"),
        ("s3://photos/été 2024", "s3://photos/été 2024".encode()),
    ],
)
def test_an_address_is_kept_without_a_slash_at_its_end(text: str, root: bytes) -> None:
    assert parse_bucket(text, ["s3"]).root == root
    assert is_object(root)


@pytest.mark.parametrize(
    "text",
    [
        "s3://", "s3:///photos", "s3:/photos", "S3://photos", "http://169.254.169.254/latest", "file:///etc", "local://etc",
        "simplecache::s3://photos", "s3::file:///etc", "zip://a.zip::s3://photos", "memory://photos/a", "s3://photos/a/../b",
        "s3://photos//a", "s3://photos/./a", "s3://photos/a\0b", "s3://photos/a\nb", "s3://ph otos", "s3://photos?x=1/a",
        "s3://photos:9000/a", "s3://key:secret@photos/a", "//photos", "photos", "/etc/passwd", "",
    ],
)  # fmt: skip
def test_nothing_else_is_an_address(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_bucket(text, ["s3"])


def test_a_login_in_an_address_is_refused_and_not_repeated() -> None:
    for text in ("s3://AKIAXYZ:hush@photos/a", "other://AKIAXYZ:hush@photos/a"):
        with pytest.raises(InvalidAddress) as refused:
            parse_bucket(text, ["s3"])
        assert "hush" not in str(refused.value)
        assert "AKIAXYZ" not in str(refused.value)


def test_a_bucket_holds_its_folders_and_no_other() -> None:
    photos = Bucket("s3", "photos", "2024")
    assert photos.holds(Bucket("s3", "photos", "2024"))
    assert photos.holds(Bucket("s3", "photos", "2024/summer"))
    for other in (Bucket("s3", "photos", "2024b"), Bucket("s3", "photos"), Bucket("s3", "other", "2024")):
        assert not photos.holds(other)
    assert not photos.holds(Bucket("gs", "photos", "2024"))


def test_a_key_never_leads_out_of_its_bucket_or_to_a_file() -> None:
    for key in (b"/etc/passwd", b"../../etc/passwd", b"s3://other/x", b"a//b"):
        whole = whole_path(b"s3://photos/2024", key)
        assert split_object(whole) == ("s3", "photos", f"2024/{key.decode()}")
        assert PictureStorage().here(whole) == whole


def test_a_root_that_the_ledger_has_is_read_only_if_its_kind_is_allowed_here() -> None:
    storage = PictureStorage(objects=ObjectStores(schemes=["s3"]))
    for root in (b"file:///etc", b"memory://photos", b"s3://photos/../x"):
        with pytest.raises(StoreError):
            storage.bucket(root)
        assert storage.unseen(root) is not None
    with pytest.raises(StoreError, match="RUIJI_SOURCE_SCHEMES"):
        b"".join(storage.blocks(b"file:///etc/passwd", max_bytes=100))
