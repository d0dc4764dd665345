"""Which pictures are one photo: saved again, resized, slightly cropped, made lighter or darker.

One fingerprint is shifted and stretched to lie over the other as well as it can. How far is not searched but solved
for: a small shift changes a picture by its gradient, so the other one is fitted with the picture, its gradients, and
these times the place (tangent distance: Simard, LeCun, Denker 1993). First on a coarse grid for all pairs at once, then
in full for the few that may be one, after the picture was moved so. A band-pass leaves brightness and soft shades out:
a light sky over a dark field does not make two photos one. No encoder is asked, so a weak one cannot mislead.
The figures are in docs/decisions/0008-near-identical.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from curate.fingerprints import SIDE, Prints

COARSE = SIDE // 2
COARSE_BAND, FINE_BAND = (0.7, 2.0), (1.0, 2.5)  # standard deviations of two blurs, in pixels of their own grid
MAYBE, SAME = 0.84, 0.93  # least correlation on the coarse grid, and in full
FARTHEST = 0.08  # of a side that any part is moved by: crops of 5 % are to be found
CORRECTED = 0.05  # of a side, in full: what the coarse grid has left
RIM = 2  # pixels in full: what was moved in from outside is a guess
AT_ONCE = 128  # pictures laid over all others at a time, which bounds the memory
FAINT = 0.5  # of 255, root mean square: a picture with less in it is like no other
FLAT = 1e-6

Floats = npt.NDArray[np.float32]
Grids = Floats  # (n, side, side, 3)


@dataclass(frozen=True)
class Drawn:
    """Pictures to be fitted with: `flat` (n, p) are they, `ways` (n, 5, p) what each may be changed by.

    The flat ones have length 1, or less where there is next to nothing to see.
    The ways are the picture itself, its gradient across and down, and both times the place; `products` (n, 5, 5).
    """

    flat: Floats
    ways: Floats
    products: Floats
    side: int


def group(prints: Prints) -> list[list[int]]:
    """Places in `prints` (n, SIDE, SIDE, 3), each in one group, whose first is near-identical to each of the others.

    The first come, the first in their groups. Nothing is chained from copy to copy.
    """
    full = prints.astype(np.float32)
    alike, moves = compared(draw(band(halved(full), *COARSE_BAND)))
    left = np.ones(len(prints), dtype=bool)
    groups = []
    for place in range(len(prints)):
        if not left[place]:
            continue
        left[place] = False
        likely = np.flatnonzero(left & (np.maximum(alike[place], alike[:, place]) > MAYBE))
        # Over a cropped copy the whole picture can be laid; the copy lacks what it would need.
        onto = alike[place, likely] >= alike[likely, place]
        sources, targets = np.where(onto, place, likely), np.where(onto, likely, place)
        same = likely[in_full(full[sources], full[targets], moves[sources, targets]) > SAME]
        left[same] = False
        groups.append([place, *same.tolist()])
    return groups


def compared(drawn: Drawn) -> tuple[Floats, Floats]:
    """How well each picture, laid over each other one, correlates with it (n, n), and how it is moved for it (n, n, 4).

    A move is across and down, in sides, and wider and higher by these shares.
    """
    n = len(drawn.flat)
    alike, moves = np.zeros((n, n), np.float32), np.zeros((n, n, 4), np.float32)
    for start in range(0, n, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        ways = drawn.ways[some]
        # As one product: many small ones, each shared out among threads, take a hundred times as long.
        shares = (ways.reshape(-1, ways.shape[2]) @ drawn.flat.T).reshape(len(ways), 5, n)
        alike[some], moves[some] = laid_over(shares, drawn.products[some], side=drawn.side, farthest=FARTHEST)
    return alike, moves


def in_full(sources: Grids, targets: Grids, moves: Floats) -> Floats:
    """The correlation (m,) of each target with its source, moved as the coarse grid told and corrected once more."""
    if not len(sources):
        return np.empty(0, np.float32)
    inner = slice(RIM, SIDE - RIM)
    over = draw(band(moved(sources, moves), *FINE_BAND)[:, inner, inner])
    under = draw(band(targets, *FINE_BAND)[:, inner, inner]).flat
    return laid_over(over.ways @ under[:, :, None], over.products, side=over.side, farthest=CORRECTED)[0][:, 0]


def laid_over(shares: Floats, products: Floats, *, side: int, farthest: float) -> tuple[Floats, Floats]:
    """From the products of ways and targets (m, 5, k): correlations (m, k) and moves (m, k, 4), as in `compared`."""
    exact = products.astype(np.float64)
    least = FLAT * np.maximum(np.einsum("mii->mi", exact), 1e-3)
    parts = np.linalg.inv(exact + least[:, :, None] * np.eye(5)).astype(np.float32) @ shares
    gain = parts[:, 0]
    by = parts[:, 1:] / np.where(np.abs(gain) < FLAT, FLAT, gain)[:, None]
    by[:, :2] /= side
    reach = np.maximum(np.abs(by[:, 0]) + np.abs(by[:, 2]) / 2, np.abs(by[:, 1]) + np.abs(by[:, 3]) / 2)
    held = np.minimum(1, farthest / np.maximum(reach, FLAT))[:, None]
    parts[:, 1:] *= held
    length = np.sqrt(np.maximum((parts * (products @ parts)).sum(axis=1), FLAT**2))
    correlations = np.where(gain > 0, (parts * shares).sum(axis=1) / length, 0)
    return correlations.astype(np.float32), (by * held).transpose(0, 2, 1).astype(np.float32)


def draw(grids: Grids) -> Drawn:
    """Pictures (n, side, side, 3) as what others can be fitted with."""
    n, side = grids.shape[:2]
    place = np.arange(side, dtype=np.float32) - (side - 1) / 2
    down, across = np.gradient(grids, axis=(1, 2))
    ways = np.stack([grids, across, down, across * place[:, None], down * place[:, None, None]], axis=1)
    ways = ways.reshape(n, 5, -1, 3)
    means = np.einsum("nwpc->nwc", ways) / side**2  # mean() takes five times as long
    ways = (ways - means[:, :, None]).reshape(n, 5, -1)
    length = np.linalg.norm(ways[:, 0], axis=1, keepdims=True)
    least = np.float32(FAINT * np.sqrt(ways.shape[2]))
    return Drawn(ways[:, 0] / np.maximum(length, least), ways, ways @ ways.transpose(0, 2, 1), side)


def moved(grids: Grids, moves: Floats) -> Grids:
    """Pictures, each moved as `compared` says; what comes in from outside is their edge again."""
    side = grids.shape[1]
    place = np.arange(side, dtype=np.float32)
    middle = (side - 1) / 2
    # For each of across and down, where each pixel comes from, and of which pixels it is a mixture.
    from_ = (place - middle) * (1 + moves[:, 2:, None]) + middle + moves[:, :2, None] * side
    mixture = np.maximum(0, 1 - np.abs(np.clip(from_, 0, side - 1)[..., None] - place))  # (m, 2, side, side)
    return sampled(grids, down=mixture[:, 1], across=mixture[:, 0, None])


def band(grids: Grids, fine: float, coarse: float) -> Grids:
    """What is larger than `fine` pixels and smaller than `coarse`, roughly: what one blur leaves, less another."""
    weak, strong = blur(grids.shape[1], fine), blur(grids.shape[1], coarse)
    return sampled(grids, down=weak, across=weak) - sampled(grids, down=strong, across=strong)


def halved(grids: Grids) -> Grids:
    """Each pixel the mean of 2 × 2."""
    made: Grids = grids[:, ::2, ::2] + grids[:, 1::2, ::2] + grids[:, ::2, 1::2] + grids[:, 1::2, 1::2]
    return made / np.float32(4)


def sampled(grids: Grids, *, down: Floats, across: Floats) -> Grids:
    """Pictures whose rows are mixed as `down` says, (…, side', side), and whose columns as `across` does."""
    n, side = grids.shape[:2]
    rows = (down @ grids.reshape(n, side, -1)).reshape(n, -1, side, 3)
    mixed: Grids = across @ rows
    return mixed


@lru_cache(maxsize=16)
def blur(side: int, sigma: float) -> Floats:
    """The weights (side, side) of a Gaussian blur along one axis; past the edge, the edge goes on."""
    apart = np.arange(-4 * side, 5 * side)[None, :] - np.arange(side)[:, None]
    weights = np.exp(-0.5 * (apart / sigma) ** 2)
    inside = np.clip(np.arange(-4 * side, 5 * side), 0, side - 1)
    added = np.stack([weights[:, inside == place].sum(axis=1) for place in range(side)], axis=1)
    made: Floats = (added / added.sum(axis=1, keepdims=True)).astype(np.float32)
    return made
