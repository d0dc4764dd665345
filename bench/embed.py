"""`ruiji bench embed`: files on disk to vectors, against the ideal of the same parts and the blog's way.

ideal = cores / (decode time + forward time), with the product's own decoder (reading, hash, pixels, thumbnail) in one
process and its own engine on all cores, each measured alone; with the engine on a GPU the slower of the two stages.
images_per_s ends at the vectors; with_shards_and_ledger_images_per_s is the whole ingest, synced to disk. The blog's
way: one picture at a time through Pillow's full decode, resize and eager torch, with the same network and all cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from bench.pictures import write_jpegs
from bench.record import RESULTS, publish
from bench.repeat import interleave, median_ratio, medians
from bench.room import Embed, fresh_room
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.decode import Decoded, read_and_decode
from ingest.pool import DecodePool
from ingest.vectors import embed_files


@dataclass(frozen=True)
class Size:
    """One kind of files: prefix of its figures, pixels, how many for us and how many for the blog's way."""

    prefix: str
    width: int
    height: int
    files: int
    blog_files: int


SIZES = (
    Size("", 96, 96, files=6000, blog_files=300),
    Size("large_", 1024, 768, files=1500, blog_files=120),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench embed", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual number of files")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for embed.json")
    chosen = parser.parse_args(argv)

    embedder = Embedder.load(chosen.encoder)
    blog = blog_way(chosen.encoder)
    figures: dict[str, Any] = {}
    for size in SIZES:
        with TemporaryDirectory(prefix="ruiji-bench-photos-") as folder:
            count = max(64, int(size.files * chosen.scale))
            paths = write_jpegs(Path(folder), count=count, width=size.width, height=size.height)
            found = measure(Path(folder), paths, size, embedder=embedder, blog=blog, repetitions=chosen.repetitions)
        figures |= {size.prefix + name: value for name, value in found.items()}
    publish(
        "embed",
        figures,
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}",
        encoder=embedder.info.id[:16],
        input_size=embedder.input_size,
        picture_size=[f"{size.width}x{size.height}" for size in SIZES],
        files=[max(64, int(size.files * chosen.scale)) for size in SIZES],
        repetitions=chosen.repetitions,
        pictures="1/f noise, JPEG quality 90; bytes are in the page cache",
    )
    return 0


def measure(
    folder: Path,
    paths: list[Path],
    size: Size,
    *,
    embedder: Embedder,
    blog: Callable[[Path], Any],
    repetitions: int,
) -> dict[str, float]:
    """The figures of one size. Images per second, but for the two milliseconds of Pillow's and our decoding."""
    few = paths[:: max(1, len(paths) // size.blog_files)][: size.blog_files]
    some = paths[:: max(1, len(paths) // 1000)]
    warm(embedder)
    with DecodePool(size=embedder.input_size) as pool:

        def ours() -> float:
            names = [os.fsencode(path) for path in paths]
            started = time.perf_counter()
            done = sum(len(batch.indices) for batch in embed_files(names, embed=embedder.embed, pool=pool))
            seconds = time.perf_counter() - started
            if done != len(paths):
                raise RuntimeError(f"{done} of {len(paths)} files were embedded")
            return done / seconds

        def whole_ingest() -> float:
            with fresh_room(folder, dimension=embedder.dimension, input_size=embedder.input_size) as room:
                room.scan()
                done = room.embed(pool, embedder.embed)
            return done.files / done.seconds

        found = interleave(
            {
                "ours": ours,
                "ingest": whole_ingest,
                "decode_s": lambda: decode_seconds(some, size=embedder.input_size),
                "forward_s": lambda: forward_seconds(embedder.embed, side=embedder.input_size),
                "blog": lambda: len(few) / timed(lambda: [blog(path) for path in few]),
                "pillow_s": lambda: timed(lambda: [pillow(path, embedder.input_size) for path in few]) / len(few),
                "bare_decode_s": lambda: decode_seconds(few, size=embedder.input_size, thumbnail_side=0),
            },
            repetitions=repetitions,
        )
    ideal = [
        ideal_rate(decode, forward, cores=os.cpu_count() or 1, on_gpu=embedder.engine == "torch")
        for decode, forward in zip(found["decode_s"], found["forward_s"], strict=True)
    ]
    middle = medians(found)
    return {
        "images_per_s": middle["ours"],
        "ideal_images_per_s": statistics.median(ideal),
        "share_of_ideal": median_ratio(found["ours"], ideal),
        "with_shards_and_ledger_images_per_s": middle["ingest"],
        "blog_way_images_per_s": middle["blog"],
        "ratio_to_blog_way": median_ratio(found["ours"], found["blog"]),
        "decode_ms": 1000 * middle["decode_s"],
        "forward_ms": 1000 * middle["forward_s"],
        "decode_ratio_to_pillow": median_ratio(found["pillow_s"], found["bare_decode_s"]),
    }


def ideal_rate(decode: float, forward: float, *, cores: int, on_gpu: bool) -> float:
    """Images a second if only these took time; `decode` is seconds of one core, `forward` of the whole engine."""
    if on_gpu:  # the two overlap
        return min(cores / decode, 1 / forward)
    # The engine ran on all cores: a picture takes cores x its wall time of theirs.
    return cores / (decode + cores * forward)


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def warm(embedder: Embedder) -> None:
    """Let the engine choose its kernels."""
    forward_seconds(embedder.embed, side=embedder.input_size, batches=2)


def decode_seconds(paths: list[Path], *, size: int, thumbnail_side: int = 256) -> float:
    """Seconds a file, in this process alone."""
    names = [os.fsencode(path) for path in paths]
    started = time.perf_counter()
    for name in names:
        if not isinstance(read_and_decode(name, size=size, thumbnail_side=thumbnail_side), Decoded):
            raise RuntimeError(f"{name!r} was not decoded")
    return (time.perf_counter() - started) / len(names)


def forward_seconds(embed: Embed, *, side: int, batch: int = 128, batches: int = 24) -> float:
    """Seconds a picture of the engine on all cores."""
    pictures = np.random.default_rng(0).integers(0, 256, size=(batch, side, side, 3), dtype=np.uint8)
    started = time.perf_counter()
    for _ in range(batches):
        embed(pictures)
    return (time.perf_counter() - started) / (batch * batches)


def pillow(path: Path, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pillow's full decode and resize to (side, side, 3), the short side to `side` and the middle kept."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    scale = side / min(picture.size)
    whole = picture.resize((max(side, round(picture.width * scale)), max(side, round(picture.height * scale))))
    left, top = (whole.width - side) // 2, (whole.height - side) // 2
    return np.asarray(whole.crop((left, top, left + side, top + side)))


def blog_way(folder: Path) -> Callable[[Path], Any]:
    """One picture at a time: Pillow, eager torch in fp32, the same weights."""
    embedder = Embedder.load(folder, engine="torch", device="cpu")
    return lambda path: embedder.embed(pillow(path, embedder.input_size)[None])
