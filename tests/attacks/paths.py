"""Addresses that try to leave their folder, in every writing that some server has been known to undo too late."""

from __future__ import annotations

import itertools
from pathlib import Path
from urllib.parse import quote

SECRET = "canary-7f3a-never-in-an-answer"
# Where the address of a page or of the API goes on with something of the asker's choosing.
PLACES = (
    "/*",
    "/static/*",
    "/static/js/*",
    "/static/vendor/*",
    "/samples/*",
    "/thumbnail/*",
    "/view/*",
    "/view/upload/*",
    "/view/hunt/*/1",
    "/hunts/*",
    "/labels/*",
    "/api/v1/encoders/*/archive",
    "/api/v1/hunts/*",
    "/api/v1/hunts/*/estimate",
    "/api/v1/maps/*",
    "/api/v1/maps/*/points",
    "/api/v1/images/*",
)
UP = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%252f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "%2e%2e%5c",
    "..%255c",
    "....//",
    "..;/",
    "..%c0%af",
    "%c0%ae%c0%ae/",
    "..%ef%bc%8f",
    "..%00/",
    "./../",
    "%uff0e%uff0e/",
    "../%2e/",
)
FOLDED = 6  # how far up: more than the depth of every folder that is served


def climbing(target: Path) -> list[str]:
    """`target` and a file that every system has, up from any folder, and without going up."""
    found = []
    for up, wanted in itertools.product(UP, (str(target).lstrip("/"), "etc/passwd")):
        found += [up * depth + wanted for depth in (1, 3, FOLDED, 12)]
    for wanted in (str(target), "/etc/passwd"):
        whole = quote(wanted, safe="")
        found += [wanted, whole, quote(whole), f"/{wanted}", f"file://{wanted}", f"{wanted}%00.jpg", f"\\\\{wanted}"]
    return found


def addresses(target: Path) -> list[str]:
    """Every climb at every place."""
    return [place.replace("*", climb) for climb, place in itertools.product(climbing(target), PLACES)]


def named(root: Path, target: Path) -> list[str]:
    """Paths for the fields that take one: up from the allowed folder, past it, beside it, through links in it."""
    up = ["../" * depth + str(target).lstrip("/") for depth in (1, 4, 12)]
    return [
        str(target),
        str(target.parent),
        f"{root}/../{target.parent.name}",
        f"{root}/../{target.parent.name}/{target.name}",
        *(f"{root}/{climb}" for climb in up),
        f"{root}/link",
        f"{root}/link/",
        f"{root}/./link/..",
        f"{root}/link/{target.name}",
        f"{root}/link.jpg",
        f"{root}-beside",
        f"{root}\\..\\{target.parent.name}",
        f"{root}/%2e%2e/{target.parent.name}",
        f"//{str(target.parent).lstrip('/')}",
        f"file://{target.parent}",
        f"local://{target.parent}",
        f"s3://../{target}",
        f"memory://{target}",
        "~",
        "~root",
        "~/",
        ".",
        "..",
        "/",
        "/etc",
        "/proc/self/root",
        "/proc/self/environ",
        "/proc/self/cwd",
        f"/proc/self/root{target.parent}",
        "/dev/fd",
        f"{root}\x00/../{target.parent.name}",
        f"{root}/\u2025/{target.parent.name}",
    ]
