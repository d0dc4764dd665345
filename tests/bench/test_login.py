"""What a login costs is measured on requests that are answered, to who is who the side says."""

from __future__ import annotations

from bench.login import REQUESTS, installation, measure, open_side, signed_in


def test_each_side_is_who_it_says() -> None:
    with installation() as config:
        sides = {"open": open_side(config), **signed_in(config)}
        for name, side in sides.items():
            assert side.client.get("/api/v1/labels", headers=side.headers).status_code == 200
            said = side.client.get("/account", headers=side.headers).text
            assert ("somebody" in said) == (name != "open"), name


def test_all_kinds_of_requests_are_measured() -> None:
    found = measure(requests=3)
    assert found.keys() == {f"{kind}_{what}ms" for kind in REQUESTS for what in ("", "session_adds_", "token_adds_")}
    assert all(found[f"{kind}_ms"] > 0 for kind in REQUESTS)
