"""Minimises a smooth convex function of some hundred variables: limited-memory BFGS, without the weight of scipy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Objective = Callable[[Array], tuple[float, Array]]

MEMORY = 6  # pairs of steps and gradient changes that stand for the curvature
SUFFICIENT = 1e-4  # Armijo's constant; Nocedal and Wright, Numerical Optimization, section 3.1
SHORTEST = 1e-4  # a step halved below this brings nothing in float32


def minimise(objective: Objective, start: Array, *, steps: int, tolerance: float) -> Array:
    """Return where the objective (value and gradient) is least, from `start` (n,), after at most `steps` steps.

    Ends early when no part of the gradient exceeds `tolerance`. Algorithm 7.4 of Nocedal and Wright.
    """
    at = start
    value, gradient = objective(at)
    memory: deque[tuple[Array, Array, float]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        if float(np.abs(gradient).max()) <= tolerance:
            break
        direction = _direction(gradient, memory)
        slope = float(gradient @ direction)
        length = 1.0
        while True:
            there = at + np.float32(length) * direction
            value_there, gradient_there = objective(there)
            if value_there <= value + SUFFICIENT * length * slope:
                break
            length *= 0.5
            if length < SHORTEST:
                return at
        step, change = there - at, gradient_there - gradient
        curvature = float(step @ change)
        if curvature > 1e-12:
            memory.append((step, change, curvature))
        at, value, gradient = there, value_there, gradient_there
    return at


def _direction(gradient: Array, memory: deque[tuple[Array, Array, float]]) -> Array:
    """Minus the gradient times the inverse Hessian as the memory knows it (the two-loop recursion)."""
    direction = gradient.copy()
    shares: list[float] = []
    for step, change, curvature in reversed(memory):
        share = float(step @ direction) / curvature
        shares.append(share)
        direction -= np.float32(share) * change
    if memory:
        _, change, curvature = memory[-1]
        direction *= np.float32(curvature / float(change @ change))
    else:
        direction /= np.float32(max(1.0, float(np.abs(gradient).sum())))
    for (step, change, curvature), share in zip(memory, reversed(shares), strict=True):
        direction += np.float32(share - float(change @ direction) / curvature) * step
    return -direction
