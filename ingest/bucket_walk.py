"""Lists the pictures of a bucket as a walk lists those of a folder: by their endings, and nothing hidden."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from catalog.storage.errors import StoreError
from catalog.storage.pictures import OPEN_IT, PictureStorage
from ingest.walk import EXTENSIONS, FolderFile, FolderMissingError, WalkTally


def walk_bucket(
    storage: PictureStorage, root: bytes, tally: WalkTally, *, tick: Callable[[], None] = lambda: None
) -> Iterator[FolderFile]:
    """Every picture object below a bucket's address, in the store's order, while the rest is still being listed.

    `tick` is called at every object, picture or not. Raises FolderMissingError: the places that it has not seen by
    then are not taken for deleted.
    """
    try:
        for found in storage.objects.listed(storage.bucket(root)):
            tick()
            name = found.path.rpartition(b"/")[2]
            hidden = found.path.startswith(b".") or b"/." in found.path
            if hidden or os.path.splitext(name)[1].lower() not in EXTENSIONS:  # noqa: PTH122  bytes
                tally.ignored += 1
            else:
                yield FolderFile(found.path, found.size, found.version)
    except StoreError as error:
        raise FolderMissingError(f"{error}: {OPEN_IT}") from error
