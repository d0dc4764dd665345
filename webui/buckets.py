"""Which buckets may be ingested from the page: the allowed ones, and what lies below them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from catalog.storage.address import Bucket, is_object, parse_bucket
from catalog.storage.errors import InvalidAddress, StoreError
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import OPEN_IT

from .errors import ApiError
from .folders import PICTURE_ENDINGS, FolderCount
from .remedies import changed_by


def is_bucket(path: str) -> bool:
    """Whether a person means a bucket, and not a folder."""
    return is_object(os.fsencode(path))


def allowed(buckets: Sequence[str], schemes: Sequence[str] | frozenset[str]) -> Iterator[Bucket]:
    """The allowed buckets as the settings name them; one whose scheme is not allowed is none."""
    for text in buckets:
        try:
            yield parse_bucket(text, schemes)
        except InvalidAddress:
            continue


def resolve(path: str, buckets: Sequence[str], stores: ObjectStores) -> Bucket:
    """The bucket or prefix that an address means; ApiError 400 for no address, 403 outside of the allowed ones.

    Nothing is asked of the store: who may not read a bucket here does not learn either whether it exists.
    """
    try:
        found = parse_bucket(path, stores.schemes)
    except InvalidAddress as error:
        raise ApiError(400, "bad_path", str(error)) from None
    if not any(one.holds(found) for one in allowed(buckets, stores.schemes)):
        names = ", ".join(buckets) or "none"
        raise ApiError(
            403,
            "outside_allowed_buckets",
            f"{found} is not in a bucket that this server may read. Allowed: {names}."
            f" {changed_by('RUIJI_ALLOWED_BUCKETS')}",
        )
    return found


def require_objects(bucket: Bucket, stores: ObjectStores) -> None:
    """ApiError 404 or 403 when nothing in it can be read."""
    if (error := stores.trouble(bucket)) is not None:
        raise refused(error)


def refused(error: StoreError) -> ApiError:
    """What the store said, and what to do about it."""
    status, code = {"missing": (404, "bucket_missing"), "forbidden": (403, "bucket_unreadable")}.get(
        error.kind, (503, "store_unavailable")
    )
    return ApiError(status, code, f"{error}: {OPEN_IT}.")


def listing(bucket: Bucket, stores: ObjectStores) -> tuple[FolderCount, list[FolderCount]]:
    """What lies directly in a prefix: its own count of pictures, and its sub-prefixes, uncounted, by name."""
    try:
        folders, objects, more = stores.folders(bucket)
    except StoreError as error:
        raise refused(error) from None
    pictures = sum(name.lower().encode("utf-8", "replace").endswith(PICTURE_ENDINGS) for name in objects)
    shown = sorted((name for name in folders if name and not name.startswith(".")), key=str.lower)
    below = [FolderCount(name=name, path=f"{bucket}/{name}", pictures=0, more=False) for name in shown]
    return FolderCount(name=str(bucket), path=str(bucket), pictures=pictures, more=more), below


def parent(bucket: Bucket, buckets: Sequence[str], stores: ObjectStores) -> str | None:
    """The prefix above, if it is allowed too."""
    if not bucket.prefix:
        return None
    above = Bucket(bucket.scheme, bucket.name, bucket.prefix.rpartition("/")[0])
    return str(above) if any(one.holds(above) for one in allowed(buckets, stores.schemes)) else None
