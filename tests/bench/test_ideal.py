"""The ideal that a benchmark compares with: time of one core and of all are not the same, and a GPU is beside them."""

from __future__ import annotations

import pytest

from bench.embed import ideal_rate


def test_on_cpu_cores_decoding_and_network_share_them() -> None:
    # 2 ms of one core and 1 ms of both: 4 ms of core time a picture, and 2 cores to give them.
    assert ideal_rate(0.002, 0.001, cores=2, on_gpu=False) == pytest.approx(500)


@pytest.mark.parametrize(("decode", "forward", "limit"), [(0.002, 0.001, 1000), (0.002, 0.004, 250)])
def test_beside_a_gpu_the_slower_stage_decides(decode: float, forward: float, limit: float) -> None:
    assert ideal_rate(decode, forward, cores=2, on_gpu=True) == pytest.approx(limit)
