"""A label of the browser tests' own, with wrong pictures in it, and what the server knows of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.browser.running import Site, labels_of


@dataclass
class Labelled:
    """The label `name` of 26 unlabelled pictures of sky, and of `wrong`: two of grass and two of brick."""

    site: Site
    name: str
    id: int = 0
    right: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.site.url}/labels/{self.id}"

    def make(self) -> None:
        """Find the pictures and label them."""
        kinds = [self._alike(f"unlabelled/*-{kind}.jpg", kind, many) for kind, many in ((0, 26), (1, 2), (2, 2))]
        self.right, self.wrong = kinds[0], [*kinds[1], *kinds[2]]
        self.decide(self.name, [*self.right, *self.wrong])
        self.id = self.known()[self.name]["id"]

    def _alike(self, pattern: str, kind: int, many: int) -> list[int]:
        first = next(iter(sorted(self.site.folder.glob(pattern))))
        found = self.site.stack.upload(first.read_bytes(), k=200).json()["results"]
        return [one["image_id"] for one in found if one["path"].endswith(f"-{kind}.jpg")][:many]

    def known(self) -> dict[str, dict[str, Any]]:
        """The server's labels, by name."""
        rows = self.site.stack.request("GET", "/api/v1/labels").json()["labels"]
        return {row["name"]: row for row in rows}

    def decide(self, name: str, image_ids: list[int]) -> None:
        """Label these images as another person would."""
        body = {"key": uuid4().hex, "label": name, "decision": "yes", "image_ids": image_ids}
        made = self.site.stack.post("/api/v1/labels/decisions", body)
        assert made.status == 200, made.body

    def carrying(self, image_ids: Iterable[int]) -> set[int]:
        """Those of the images that the server knows to carry the label."""
        return {one for one in image_ids if self.name in labels_of(self.site, one)}
