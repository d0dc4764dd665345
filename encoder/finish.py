"""From the last checkpoint in a run's folder to an encoder folder that is measured.

    python -m encoder.finish runs/mine

writes `runs/mine/encoder` and prints its figures. What is measured with is what encoder/training/gathering.py held out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from encoder.folder import EncoderError, EncoderInfo
from encoder.ship import Evaluation, power_after, ship
from encoder.training.errors import TrainingError
from encoder.training.gathering import Pixels
from encoder.training.held_out import held_out
from encoder.training.plan import ENCODER, PLAN, Plan, read_plan
from encoder.training.position import checkpoints

MOST_IN_BANK = 20_000


def finish(run: Path) -> EncoderInfo:
    """Write the encoder folder of a run's last checkpoint, measured with what was held out.

    Without labels it is measured by how often a changed picture finds itself again. Raises EncoderError and
    TrainingError.
    """
    plan = read_plan(run / PLAN)
    found = checkpoints(run)
    if not found:
        raise TrainingError(f"{run} holds no checkpoint", "train again")
    pictures = _open_pictures(run, plan)
    return ship(
        found[-1][1],
        run / ENCODER,
        name=plan.name,
        calibrate=pictures,
        evaluation=evaluation(run, pictures),
        power=power_after(plan.config.epochs),
        data=plan.data,
    )


def evaluation(run: Path, pictures: Pixels) -> Evaluation | None:
    """What a run's folder holds out, with a bank that is large enough for the figures of the card."""
    found = held_out(run, pictures, most_in_bank=MOST_IN_BANK)
    if found is None:
        return None
    return Evaluation(
        bank=found.bank,
        bank_labels=found.bank_labels,
        queries=found.queries,
        query_labels=found.query_labels,
        names=found.names,
    )


def _open_pictures(run: Path, plan: Plan) -> Pixels:
    path = run / plan.pictures
    try:
        pictures: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error})", "begin the training again") from error
    return pictures


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m encoder.finish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run's folder, whose training has ended")
    try:
        info = finish(parser.parse_args(arguments).run)
    except (EncoderError, TrainingError) as error:
        print(f"no encoder: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"id": info.id, **info.metrics}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
