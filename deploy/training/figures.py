"""What a training has brought, in words."""

from __future__ import annotations

from encoder.folder import EncoderInfo


def figures(info: EncoderInfo) -> list[str]:
    """Lines for a person: how good it is, and what the same network was before any training."""
    metrics = info.metrics
    if "knn_accuracy" in metrics:
        return [
            f"measured with {metrics['pictures']['queries']:,} labelled pictures that it was not trained on:",
            f"  kNN {metrics['knn_accuracy']:.3f}, linear probe {metrics['linear_probe']:.3f}",
            f"  of the ten nearest, {metrics['precision_at_10']:.3f} are of the same kind;"
            f" untrained {metrics['precision_at_10_random_weights']:.3f}",
        ]
    return [
        "measured without labels (--labels-from-folders, or labels given on the page, would tell more):",
        f"  a changed picture finds itself again {metrics['finds_itself']:.0%} of the time;"
        f" untrained {metrics['finds_itself_random_weights']:.0%}",
    ]
