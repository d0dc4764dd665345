"""Index files of the embedded milvus-lite that are whole or not there, and made anew where one cannot be read.

milvus-lite 3.2.2 writes each segment's index into its final file. A process that is killed in the middle, or a disk
that is full, leaves half of one; every later start reads it, fails, and refuses the whole collection until somebody
deletes the file by hand. Its vectors are in the segment's data file all along. So an index is written beside its place
and moved there when it is whole, and a file that cannot be read is made again from the vectors: it goes when that is
done, as it may have been sound, and the disk at fault or full.
Any other version is left as it is.
"""

from __future__ import annotations

import functools
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

VERSION: Final = "3.2.2"
# Not endings that milvus-lite takes for an index; in front of them stands whose file it is.
PARTIAL: Final = ".partial"
UNREADABLE: Final = ".unreadable"
_OWN: Final = secrets.token_hex(4)
_INSTALLED: Final = "_ruiji_index_files"
_BUILDS: Final = ("build_or_load_index", "build_or_load_scalar_index")
# What faiss, numpy and pyarrow raise for a file that is cut off or holds something else.
_UNREADABLE: Final = (RuntimeError, ValueError, OSError, EOFError)

logger = logging.getLogger("ruiji.milvus")


def install() -> bool:
    """Put it in place for all segments of this process; False, and nothing changed, in another version."""
    import milvus_lite
    from milvus_lite.storage.segment import Segment

    if str(milvus_lite.__version__) != VERSION:
        return False
    if getattr(Segment, _INSTALLED, False):
        return True
    for index in kinds():
        index.save = _whole(index.save)
    for name in _BUILDS:
        setattr(Segment, name, _made_anew(getattr(Segment, name), scalar="scalar" in name))
    setattr(Segment, _INSTALLED, True)
    return True


def kinds() -> tuple[Any, ...]:
    """The classes of index that milvus-lite writes into files."""
    from milvus_lite.index.brute_force import BruteForceIndex
    from milvus_lite.index.faiss_hnsw import FaissHnswIndex
    from milvus_lite.index.faiss_hnsw_sq import FaissHnswSqIndex
    from milvus_lite.index.faiss_ivf_flat import FaissIvfFlatIndex
    from milvus_lite.index.faiss_ivf_sq8 import FaissIvfSq8Index
    from milvus_lite.index.scalar import ScalarInvertedIndex

    return (
        BruteForceIndex,
        FaissHnswIndex,
        FaissHnswSqIndex,
        FaissIvfFlatIndex,
        FaissIvfSq8Index,
        ScalarInvertedIndex,
    )


def sweep(data: Path) -> int:
    """Delete what processes that were killed have left below `data`; how many files. Once milvus-lite has its lock.

    Before that a server that is about to end may still be writing. What this process writes stays.
    """
    indexes = "collections/*/partitions/*/indexes"
    left = [path for ending in (PARTIAL, UNREADABLE) for path in data.glob(f"{indexes}/*{ending}")]
    left = [path for path in left if f".{_OWN}." not in path.name]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _whole(save: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    @functools.wraps(save)
    def whole(index: Any, path: str) -> None:
        partial = _beside(path, PARTIAL)
        try:
            save(index, str(partial))
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise

    return whole


def _made_anew(build_or_load: Callable[..., None], *, scalar: bool) -> Callable[..., None]:
    @functools.wraps(build_or_load)
    def read_or_made(segment: Any, spec: Any, index_dir: str, *more: Any) -> None:
        path = Path(segment.index_file_path(index_dir, spec.index_type, spec.field_name, scalar=scalar))
        existed = path.exists()
        try:
            build_or_load(segment, spec, index_dir, *more)
        except _UNREADABLE as error:
            if not existed:
                raise
            logger.warning("the index file %s cannot be read (%s): it is made again from its vectors", path, error)
            aside = _beside(path, UNREADABLE)
            with suppress(FileNotFoundError):  # another thread was faster
                path.replace(aside)
            try:
                build_or_load(segment, spec, index_dir, *more)
            except BaseException:
                if aside.exists() and not path.exists():
                    aside.replace(path)
                raise
            aside.unlink(missing_ok=True)

    return read_or_made


def _beside(path: str | Path, ending: str) -> Path:
    return Path(f"{path}.{_OWN}.{threading.get_ident()}{ending}")
