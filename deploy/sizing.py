"""What a number of images needs, on paper: memory, disk, machines and days, from rates that were measured here.

Each constant says where it comes from; tests/deploy/test_sizing.py holds those that are measured to bench/results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Photos = Literal["small", "large"]

DAY_S = 86_400
FLOAT = 4  # bytes
COLUMNS = 7 * 8  # id, four labels, two sources: docs/decisions/0005-index-type.md

# HNSW as hnswlib lays it out: 2 × M neighbours on the ground level and M on each above, 4 bytes each, and a count;
# one vector in M - 1 is on a level above, on average.
HNSW_M = 16  # catalog/index_kinds.py
LINKS = 2 * HNSW_M * 4 + 4 + (HNSW_M * 4 + 4) / (HNSW_M - 1)

# DiskANN's defaults in Milvus (milvus.yaml, knowhere.DISKANN.build): shares of the vectors that stay in memory, and
# neighbours of a node. On the disk a node is its vector and its neighbours, and none crosses a sector.
PQ_SHARE, CACHE_SHARE, DEGREE, SECTOR = 0.125, 0.10, 56, 4096

FULL = 0.7  # of a machine's memory that may hold an index: the rest is for what is growing, compacted, or loaded anew
QUERY_NODE_GB = 256

# bench/results/embed.json, on two cores: files to shards and ledger, and decoding alone, by picture size.
CPU_RATE: dict[Photos, float] = {"small": 1443.0, "large": 437.5}
DECODE_MS: dict[Photos, float] = {"small": 0.2126, "large": 3.139}
PICTURES: dict[Photos, str] = {"small": "96×96", "large": "1024×768"}
# bench/results/train-h100.json: two views of a picture, forward and backward. Forward alone is a third of that work.
H100_TRAIN_RATE, VIEWS, FORWARD_SHARE = 22_730.0, 2, 1 / 3
GPU_CORES = 16  # that the H100 came with: they decode

MILVUS_ROWS_PER_S = 8500  # docs/decisions/0005-index-type.md: upserts, one client, Milvus 2.3.5 on two cores
LEDGER_BYTES = 800  # an image with its place, vector and label, SQLite; PostgreSQL takes more
BACKUP_BYTES = 110  # the same in a backup, compressed
THUMBNAIL_BYTES = 12_000  # assumed: a 256-pixel JPEG of a photo


@dataclass(frozen=True)
class Plan:
    """What so many images need; bytes, unless the name says otherwise."""

    images: int
    dimension: int
    photos: Photos
    days: float
    shards_of_vectors: float
    thumbnails: float
    ledger: float
    backup: float
    hnsw: float
    diskann_memory: float
    diskann_disk: float
    hnsw_query_nodes: int
    diskann_query_nodes: int
    cpu_days: float
    gpu_host_rate: float
    gpu_host_days: float
    gpu_hosts: int
    cpu_hosts: int
    milvus_shards: int


def plan(images: int, *, dimension: int = 512, photos: Photos = "large", days: float = 1.0) -> Plan:
    """What `images` with vectors of so many numbers need, if all shall be embedded within `days`.

    Raises ValueError for numbers below 1, or days that are not above 0.
    """
    if images < 1 or dimension < 1 or not days > 0:
        raise ValueError("images and dimension are at least 1, and days above 0")
    vectors = images * dimension * FLOAT
    hnsw = images * (dimension * FLOAT + LINKS + COLUMNS)
    diskann = vectors * (PQ_SHARE + CACHE_SHARE) + images * COLUMNS
    cpu_rate, gpu_rate = CPU_RATE[photos], gpu_host_rate(photos)
    within_s = days * DAY_S
    return Plan(
        images=images,
        dimension=dimension,
        photos=photos,
        days=days,
        shards_of_vectors=vectors + images * 8,
        thumbnails=images * THUMBNAIL_BYTES,
        ledger=images * LEDGER_BYTES,
        backup=images * BACKUP_BYTES,
        hnsw=hnsw,
        diskann_memory=diskann,
        diskann_disk=images * node_on_disk(dimension),
        hnsw_query_nodes=_nodes(hnsw),
        diskann_query_nodes=_nodes(diskann),
        cpu_days=images / cpu_rate / DAY_S,
        gpu_host_rate=gpu_rate,
        gpu_host_days=images / gpu_rate / DAY_S,
        gpu_hosts=math.ceil(images / gpu_rate / within_s),
        cpu_hosts=math.ceil(images / cpu_rate / within_s),
        milvus_shards=math.ceil(images / within_s / MILVUS_ROWS_PER_S),
    )


def gpu_host_rate(photos: Photos) -> float:
    """Images a second of a host with an H100 and 16 cores: the slower of its two stages, by arithmetic."""
    return min(gpu_forward_rate(), decode_rate(photos, cores=GPU_CORES))


def gpu_forward_rate() -> float:
    """Pictures of 64×64 that an H100 embeds in a second, from the rate at which it trains on them."""
    return H100_TRAIN_RATE * VIEWS / FORWARD_SHARE


def decode_rate(photos: Photos, *, cores: int) -> float:
    """Files a second that so many cores read, hash and decode."""
    return cores * 1000 / DECODE_MS[photos]


def node_on_disk(dimension: int) -> float:
    """Bytes that one vector takes in DiskANN's file."""
    node = dimension * FLOAT + 4 + DEGREE * 4
    return SECTOR / (SECTOR // node) if node <= SECTOR else SECTOR * math.ceil(node / SECTOR)


def _nodes(memory: float) -> int:
    return math.ceil(memory / FULL / (QUERY_NODE_GB * 1e9))


ROWS: tuple[tuple[str, Callable[[Plan], str]], ...] = (
    ("Vectors as shards (object store or disk)", lambda p: size(p.shards_of_vectors)),
    ("Thumbnails, 12 KB each", lambda p: size(p.thumbnails)),
    ("Ledger, 800 bytes an image", lambda p: size(p.ledger)),
    ("… its backup", lambda p: size(p.backup)),
    ("HNSW: memory", lambda p: size(p.hnsw)),
    (f"… query nodes of {QUERY_NODE_GB} GB, {FULL:.0%} full", lambda p: f"{p.hnsw_query_nodes:,}"),
    ("DiskANN: memory", lambda p: size(p.diskann_memory)),
    ("… NVMe", lambda p: size(p.diskann_disk)),
    (f"… query nodes of {QUERY_NODE_GB} GB, {FULL:.0%} full", lambda p: f"{p.diskann_query_nodes:,}"),
    ("Embedding on two cores", lambda p: time_of(p.cpu_days)),
    (f"… on a host with an H100 and {GPU_CORES} cores", lambda p: time_of(p.gpu_host_days)),
    ("Such hosts, to be done in {days}", lambda p: f"{p.gpu_hosts:,}"),
    ("… two-core hosts", lambda p: f"{p.cpu_hosts:,}"),
    ("Milvus shards that take the writes", lambda p: f"{p.milvus_shards:,}"),
)


def table_of(plans: list[Plan]) -> list[list[str]]:
    """A heading and the rows, one column for each plan; the plans differ in nothing but the number of images."""
    first = plans[0]
    heading = [f"{first.dimension} numbers a vector, photos of {PICTURES[first.photos]}"]
    rows = [[*heading, *(f"{count(one.images)} images" for one in plans)]]
    for name, shown in ROWS:
        rows.append(
            [name.format(days="a day" if first.days == 1 else f"{first.days:g} days"), *(shown(one) for one in plans)]
        )
    return rows


def as_markdown(plans: list[Plan]) -> str:
    """The table of docs/SCALE.md."""
    heading, *rows = table_of(plans)
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def size(value: float) -> str:
    """Bytes, to two figures."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= scale or unit == "MB":
            return f"{_two(value / scale)} {unit}"
    raise AssertionError


def time_of(days: float) -> str:
    """Days, hours or minutes, to two figures."""
    if days >= 2:
        return f"{_two(days)} days"
    return f"{_two(days * 24)} hours" if days * 24 >= 2 else f"{_two(days * 24 * 60)} minutes"


def count(images: int) -> str:
    """A number of images in words."""
    for name, scale in (("billion", 10**9), ("million", 10**6)):
        if images >= scale:
            return f"{images / scale:g} {name}"
    return f"{images:,}"


def _two(value: float) -> str:
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
