"""Writes what is made from elsewhere in README.md and docs/TRUST.md: the settings, and the figures of bench/results.

python -m deploy.readme
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.trust_table import PAGE, table
from settings import as_markdown

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Row:
    """A line of the table: what it says, which benchmark, where its figure is, how it is shown, and the goal."""

    what: str
    benchmark: str
    figure: str
    shown: str
    goal: str

    def told(self, value: float) -> str:
        """The goal, and whether it was missed; nothing where there is none."""
        return self.goal if not self.goal or reached(value, self.goal) else f"{self.goal}, **missed**"


def reached(value: float, goal: str) -> bool:
    """Whether a figure is what a goal says: at least, at most, between, or exactly; ValueError for another form."""
    numbers = [float(one.replace(",", "")) / (100 if "%" in goal else 1) for one in re.findall(r"[\d.,]+", goal)]
    match goal.split()[0], numbers:
        case "≥", [least]:
            return value >= least
        case "≤", [most]:
            return value <= most
        case _, [least, most]:
            return least <= value <= most
        case _, [only]:
            return value == only
    raise ValueError(f"{goal!r} is no goal")


ROWS = (
    Row("Files to vectors, 96×96 JPEG", "embed", "images_per_s", "{:.0f} images/s", ""),
    Row("… share of what decoder and engine allow", "embed", "share_of_ideal", "{:.2f}", "≥ 0.85"),
    Row(
        "… with shards and ledger, synced to disk",
        "embed",
        "with_shards_and_ledger_images_per_s",
        "{:.0f} images/s",
        "",
    ),
    Row("… times one picture at a time with Pillow and eager torch", "embed", "ratio_to_blog_way", "{:.1f}×", "≥ 4"),
    Row("Files to vectors, 1024×768 JPEG", "embed", "large_images_per_s", "{:.0f} images/s", ""),
    Row("… share of what decoder and engine allow", "embed", "large_share_of_ideal", "{:.2f}", "≥ 0.85"),
    Row("… with shards and ledger", "embed", "large_with_shards_and_ledger_images_per_s", "{:.0f} images/s", ""),
    Row("… decoding, times Pillow's full decode and resize", "embed", "large_decode_ratio_to_pillow", "{:.1f}×", "≥ 3"),
    Row("Ingest: wall time over its slowest stage alone", "ingest", "overlap", "{:.2f}", "≤ 1.25"),
    Row("Search over 10,000 photos, HTTP, median", "query", "p50_ms", "{:.1f} ms", "≤ 20"),
    Row("… 99th percentile", "query", "p99_ms", "{:.1f} ms", "≤ 80"),
    Row("… 95th percentile during an ingest", "query", "during_ingest_p95_ms", "{:.0f} ms", "≤ 150"),
    Row("… recall@10 against exact search", "query", "recall_at_10", "{:.3f}", "≥ 0.99"),
    Row("Search over 100,000 vectors, HTTP, median", "query", "at_100000.p50_ms", "{:.1f} ms", ""),
    Row("Search over 100,000 images with a Milvus, HTTP, median", "query_milvus", "p50_ms", "{:.1f} ms", "≤ 25"),
    Row("… 99th percentile", "query_milvus", "p99_ms", "{:.1f} ms", ""),
    Row(
        "… median just after an ingest, before Milvus has merged",
        "query_milvus",
        "before_merging.p50_ms",
        "{:.1f} ms",
        "",
    ),
    Row("… recall@10 against exact search", "query_milvus", "recall_at_10", "{:.3f}", "≥ 0.97"),
    Row("Search over 1,000,000 vectors in a Milvus, one client, median", "search", "p50_ms", "{:.1f} ms", "≤ 8"),
    Row("… 99th percentile", "search", "p99_ms", "{:.1f} ms", "≤ 25"),
    Row("… recall@10 against exact search", "search", "recall_at_10", "{:.3f}", "≥ 0.97"),
    Row("… rows in, times pymilvus's row dicts", "search", "insert_ratio", "{:.2f}×", "≥ 1.15"),
    Row("Two embed workers over twice one, a core each", "scale", "efficiency_2", "{:.2f}", "≥ 0.9"),
    Row("… claim, ledger and broker in a chunk's time", "scale", "dispatch_share", "{:.1%}", "≤ 3 %"),
    Row("32 clients at once: queries in batches, times one by one", "clients", "batching_ratio", "{:.1f}×", "≥ 1.5"),
    Row("`ruiji up` until every part answers", "query", "ready_s", "{:.1f} s", "≤ 15"),
    Row("Precision@10 on CIFAR-10's test photos", "precision", "precision_at_10", "{:.3f}", "≥ 0.50"),
    Row("… times that of random weights", "precision", "ratio_to_random_weights", "{:.1f}×", "≥ 2"),
    Row("… with the same output transform", "precision", "ratio_to_random_weights_same_output", "{:.1f}×", ""),
    Row("A hunt: a person's time over that with plain top-k", "label", "ratio", "{:.2f}", "≤ 0.50"),
    Row("… in the worst class", "label", "worst_class_ratio", "{:.2f}", "≤ 1.05"),
    Row("… right among the confirmed", "label", "precision", "{:.3f}", "≥ 0.98"),
    Row("… intervals for what is left that hold the truth", "label", "estimate_coverage", "{:.0%}", "85 to 95 %"),
    Row(
        "… from a page's decisions to the next page, 10,000 photos, p95",
        "hunt",
        "next_page_p95_ms",
        "{:.0f} ms",
        "≤ 150",
    ),
    Row("… 100,000 images, p95", "hunt", "at_100000.next_page_p95_ms", "{:.0f} ms", "≤ 400"),
    Row("… 10,000 images confirmed at once, until durable", "hunt", "confirm_10000_s", "{:.1f} s", "≤ 5"),
    Row(
        "Wrong labels, 5 % planted: found in the first 60 looks at a label", "review", "found_in_first_60", "{:.0%}", ""
    ),
    Row("… times those in random order", "review", "times_random", "{:.1f}×", ""),
    Row("… part of the label looked at for 90 % of them", "review", "looks_for_nine_tenths", "{:.0%}", ""),
    Row("… in random order", "review", "by_order.random.looks_for_nine_tenths", "{:.0%}", ""),
    Row("Training, ResNet-18, two views a picture, 64 px", "train", "images_per_s", "{:.0f} images/s", ""),
    Row("… times lightly's own loop", "train", "ratio", "{:.2f}×", "≥ 1"),
    Row("… share of the bare forward and backward", "train", "share_of_forward_backward", "{:.2f}", "≥ 0.85"),
    Row("… the views alone, times lightly's", "train", "views_ratio", "{:.1f}×", "≥ 7"),
    Row("Searches while encoders are promoted and rolled back", "switch", "searches", "{:,}", "≥ 2,000"),
    Row("… failed", "switch", "failed", "{}", "0"),
    Row("… compared with another encoder's vectors", "switch", "mixed", "{}", "0"),
    Row(
        "A query that lies on its side: part of the lost precision@10 won back",
        "orientation",
        "all.turned_90.won_back.any_way_up",
        "{:.2f}",
        "≥ 0.5",
    ),
    Row("… at this many times a query's latency", "orientation", "latency_ratio", "{:.2f}×", "≤ 2"),
)


def figures(results: Path = RESULTS) -> str:
    """A table of what was measured, and one line on the machine; a benchmark that has not run says so."""
    lines = ["| | measured | goal |", "|---|---|---|"]
    found = {row.benchmark: _load(results / f"{row.benchmark}.json") for row in ROWS}
    for row in ROWS:
        value: Any = found[row.benchmark]
        for part in row.figure.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        shown = f"not measured yet: `ruiji bench {row.benchmark}`" if value is None else row.shown.format(value)
        lines.append(f"| {row.what} | {shown} | {row.goal if value is None else row.told(value)} |")
    measured = {name: result for name, result in found.items() if result}
    for name, result in sorted(measured.items()):
        machine = result["machine"]
        told = [
            f"{machine['processor']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}",
            *([result["engine"]] if "engine" in result else []),
            f"{result['date'][:10]}, commit {result['commit']}",
        ]
        lines += ["" if name == min(measured) else "<br>", f"`{name}`: {'; '.join(told)}."]
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """The README with its generated parts made anew; ValueError for a marker that is missing."""
    return _filled(text, "README.md", {"settings": as_markdown(), "figures": figures()})


def trust_filled(text: str) -> str:
    """The same for docs/TRUST.md."""
    return _filled(text, "docs/TRUST.md", {"long forms": table()})


def _filled(text: str, page: str, parts: Mapping[str, str]) -> str:
    for name, content in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", flags=re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{page} needs one <!-- {name} --> … <!-- /{name} -->")
        text = pattern.sub(lambda found, content=content: found[1] + content + found[2], text)  # type: ignore[misc]
    return text


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    values: dict[str, Any] = json.loads(path.read_text())
    return values


if __name__ == "__main__":
    for path, anew in ((ROOT / "README.md", filled), (PAGE, trust_filled)):
        before = path.read_text(encoding="utf-8")
        path.write_text(anew(before), encoding="utf-8")
        changed = "is up to date" if path.read_text(encoding="utf-8") == before else "rewritten"
        sys.stdout.write(f"{path.name} {changed}\n")
