"""Take files out of a tar archive, where the archive may be hostile: no path, link or device of its choosing."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ingest.public.download import ArchiveDamaged, Progress


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name below the archive's top; ArchiveDamaged for one that leaves it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ArchiveDamaged(f"the archive holds a file named {name!r}, which would be written outside its folder")
    return path.parts


def extract(
    archive: Path, *, place: Callable[[tuple[str, ...]], Path | None], what: str, progress: Progress | None = None
) -> int:
    """Write each regular file of the archive to `place(parts of its name)`; None leaves it out. Returns their number.

    Links and devices are left out. Raises ArchiveDamaged for a file that is no tar, is cut short, or names a path
    outside its own folder.
    """
    written = 0
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                parts = safe_parts(member.name)
                if not member.isreg():
                    continue
                target = place(parts)
                source = tar.extractfile(member) if target is not None else None
                if target is None or source is None:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                written += 1
                if progress is not None and written % 200 == 0:
                    progress(what, written, None)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveDamaged(f"{archive} is not a whole tar archive ({error}): fetch it again") from error
    if progress is not None:
        progress(what, written, written)
    return written
