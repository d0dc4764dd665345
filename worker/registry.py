"""Takes an encoder in, from a folder or a zip: copied, checked, kept in the artifact store, known to the ledger."""

from __future__ import annotations

import lzma
import os
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from catalog.artifacts import ArtifactStore
from catalog.encoder_files import CARD, CONFIG, FILES
from catalog.encoders import Encoder, register
from catalog.ledger import Ledger
from encoder.folder import EncoderDamaged, EncoderError, load_info, verify

LARGEST_BYTES = 4 << 30  # of all files of an encoder: a ResNet-50's weights take 47 MB
BLOCK = 1 << 20
# Each way of packing has errors of its own for what it cannot unpack.
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError)


def register_encoder(ledger: Ledger, store: ArtifactStore, path: Path) -> Encoder:
    """Make the encoder in a folder or a zip known under the id that its content gives. Safe to repeat.

    Only the five files of an encoder are taken, each a plain file, and what was checked is what is kept. Files that
    the store has lost are put back. Raises EncoderError and EncoderDamaged with the file and the remedy.
    """
    with tempfile.TemporaryDirectory(prefix="ruiji-encoder-") as scratch:
        copy = Path(scratch)
        if path.is_dir():
            _copy_folder(path, copy)
        elif zipfile.is_zipfile(path):
            _unpack(path, copy)
        else:
            raise EncoderError(f"{path} is neither an encoder folder nor a zip of one; choose what `export` wrote")
        try:
            info = verify(copy)
        except EncoderError as error:  # it names the copy, which nobody else knows
            raise type(error)(str(error).replace(str(copy), str(path))) from error
        return _keep(ledger, store, copy, key=f"encoders/{info.id}")


def register_checked(ledger: Ledger, store: ArtifactStore, folder: Path) -> Encoder:
    """`register_encoder`, without the copy where the store has every file of the folder already."""
    if not folder.is_dir():
        return register_encoder(ledger, store, folder)
    key = f"encoders/{verify(folder).id}"
    if all(store.exists(f"{key}/{name}") for name in FILES if (folder / name).is_file()):
        return _keep(ledger, store, folder, key=key)
    return register_encoder(ledger, store, folder)


def _keep(ledger: Ledger, store: ArtifactStore, folder: Path, *, key: str) -> Encoder:
    info = load_info(folder)
    for name in FILES:
        if (folder / name).is_file() and not store.exists(f"{key}/{name}"):
            store.put_file(f"{key}/{name}", folder / name)
    return register(
        ledger,
        id=info.id,
        name=info.name,
        dimension=info.dimension,
        input_size=info.input_size,
        folder=key,
        config=info.config,
        metrics=info.metrics,
    )


def _copy_folder(folder: Path, target: Path) -> None:
    if not os.path.lexists(folder / CONFIG):
        raise EncoderError(f"{folder / CONFIG} is missing: {folder} is no encoder folder; choose what training wrote")
    left = LARGEST_BYTES
    for name in FILES:
        path = folder / name
        try:
            # A link could lead to any file that this server may read.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if name == CARD and isinstance(error, FileNotFoundError):
                continue
            raise EncoderDamaged(f"{path} is missing or not a plain file; copy the folder again") from error
        with os.fdopen(handle, "rb") as source:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise EncoderDamaged(f"{path} is missing or not a plain file; copy the folder again")
            left = _copy(source, target / name, left=left, path=path)


def _unpack(path: Path, target: Path) -> None:
    """Members by the names of our files alone: whatever else is inside, and wherever it wants to go, stays inside."""
    left = LARGEST_BYTES
    try:
        with zipfile.ZipFile(path) as packed:
            for name in FILES:
                found = [one for one in packed.infolist() if one.filename.rpartition("/")[2] == name]
                if not found and name == CARD:
                    continue
                if len(found) != 1:
                    raise EncoderDamaged(
                        f"{path} holds {len(found)} files named {name} instead of one; export it again"
                    )
                with packed.open(found[0]) as source:
                    left = _copy(source, target / name, left=left, path=path)
    except UNREADABLE as error:
        raise EncoderDamaged(f"{path} cannot be unpacked ({error}); export it again") from error


def _copy(source: IO[bytes], target: Path, *, left: int, path: Path) -> int:
    with target.open("xb") as sink:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise EncoderError(f"{path} is larger than {LARGEST_BYTES >> 30} GiB: that is no encoder")
            sink.write(block)
    return left
