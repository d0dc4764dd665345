"""The card of an encoder: README.md of its folder, written from its configuration and metrics."""

from __future__ import annotations

from typing import Any

from encoder.folder import CARD, WEIGHTS, EncoderInfo

ORDER = (
    ("knn_accuracy", "kNN accuracy (k = 200, T = 0.1)"),
    ("linear_probe", "Linear probe accuracy"),
    ("precision_at_10", "Precision@10 (queries among themselves, self excluded)"),
    ("precision_at_10_int8", "Precision@10 in int8"),
    ("precision_at_10_random_weights", "Precision@10 of the same network with random weights"),
    ("precision_at_10_random_weights_same_output", "The same with an output transform fitted to them"),
    ("mean_average_precision", "Mean average precision over the classes"),
    ("finds_itself", "A changed picture finds its other changed copy first"),
    ("finds_itself_random_weights", "The same of the same network with random weights"),
)


def write_card(info: EncoderInfo) -> None:
    """Write README.md into the encoder's folder."""
    (info.path / CARD).write_text(card(info), encoding="utf-8")


def card(info: EncoderInfo) -> str:
    """The text of the card."""
    training, architecture = info.config["training"], info.config["architecture"]
    settings, data = training.get("config", {}), training.get("data", {})
    size = (info.path / WEIGHTS).stat().st_size / 1e6
    lines = [
        f"# {info.name}",
        "",
        f"An image encoder trained without labels ({info.config['method']}): {info.input_size} × {info.input_size} "
        f"RGB picture to a vector of {info.dimension} numbers and length 1.",
        "",
        "| | |",
        "|---|---|",
        f"| Id | `{info.id}` |",
        f"| Network | {architecture['backbone']}, stem `{architecture['stem']}`, {size:.1f} MB as fp16 |",
        f"| Preprocessing | {info.resize}; mean and deviation are inside the graph |",
        f"| Output | {_output(info.config['output'])} |",
        f"| Data | {data.get('description', 'not recorded')} ({data.get('pictures', 0):,} pictures) |",
        f"| Epochs | {training.get('epoch', '?')} of {settings.get('epochs', '?')}{_parent(training)} |",
        f"| Hardware | {training.get('hardware', 'not recorded')} |",
        f"| Hours | {training.get('hours', 'not recorded')} |",
        "",
        *_measured(info.metrics),
        *_evaluated(info.metrics.get("evaluations", {})),
        "## Limits",
        "",
        f"It has seen this at {info.input_size} × {info.input_size} pixels and nothing else: "
        f"{data.get('description', 'not recorded')}. On other subjects it compares colours, shapes and textures more "
        "than kinds. Train on your own pictures with `ruiji train`.",
        "",
    ]
    return "\n".join(lines)


def _parent(training: dict[str, Any]) -> str:
    parent = training.get("parent")
    if not parent:
        return ""
    hours = f", {parent['hours']} hours" if "hours" in parent else ""
    return f", continued from `{parent['name']}` {parent['id'][:12]} ({parent['epochs_in_all']} epochs{hours})"


def _output(description: dict[str, Any] | None) -> str:
    if description is None:
        return "backbone, pooled and normalised"
    return (
        f"layer2 to layer4 pooled, centred, balanced, whitened together to the power {description['power']} "
        f"(fitted on {description['fitted_on']} training pictures without labels), normalised"
    )


def _measured(metrics: dict[str, Any]) -> list[str]:
    lines = ["## Measured", ""]
    if "pictures" in metrics:
        counts = metrics["pictures"]
        seen = "that were trained on without their labels" if counts.get("trained_on") else "never trained on"
        lines += [f"With {counts['queries']:,} pictures {seen}, {counts['bank']:,} in the kNN bank.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {title} | {metrics[key]:.3f} |" for key, title in ORDER if key in metrics]
    if "int8" in metrics:
        gate = metrics["int8"]
        verdict = "passed" if gate["passed"] else "not passed, fp32 is used"
        lines += [
            f"| int8 against fp32 on {gate['pictures']:,} pictures | mean cosine {gate['mean_cosine']:.4f}, "
            f"top-10 overlap {gate['top10_overlap']:.3f}: {verdict} |"
        ]
    return [*lines, ""]


def _evaluated(evaluations: dict[str, Any]) -> list[str]:
    """A table a set of data, of what `ruiji eval` has measured."""
    lines = []
    for name, record in evaluations.items():
        mean = record["mean"]
        figures = [("kNN", record["knn"]), ("Linear probe", record.get("linear_probe"))]
        lines += [f"## Evaluated: {name}", "", f"{record['data']}; {record['engine']}; {record['date']}.", ""]
        lines += ["| | |", "|---|---|"]
        lines += [
            f"| {title}, mean ± deviation of {record['seeds']} seeds | {spread['mean']:.3f} ± {spread['std']:.3f} |"
            for title, spread in figures
            if spread is not None
        ]
        lines += [f"| Precision@{depth} | {share:.3f} |" for depth, share in mean["precision"].items()]
        lines += [f"| Recall@{depth} | {share:.3f} |" for depth, share in mean["recall"].items()]
        lines += [f"| Mean average precision | {mean['average_precision']:.3f} |"]
        lines += [
            f"| {group}: mean average precision, of the first ten of the group | "
            f"{found['average_precision']:.3f}, {found['same_group'].get('10', 0):.3f} |"
            for group, found in record["groups"].items()
        ]
        if "index_recall_at_10" in record:
            lines += [f"| The index's recall@10 against exact search | {record['index_recall_at_10']:.3f} |"]
        lines += ["", f"Spread: {record['spread']}.", ""]
    return lines
