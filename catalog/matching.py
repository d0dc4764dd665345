"""Every image that meets the conditions of a search, and how each stands to a label: questions to the ledger alone."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, select

from catalog.label_events import rivals_of
from catalog.label_merges import merged_into
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter, conditions
from catalog.statements import any_of
from catalog.tables import image, label_state

Ids = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int8]


class Kind(IntEnum):
    """How an image stands to a label: it is, is not, is open with another label, or is open without any."""

    PLAIN = 0
    OTHER = 1
    YES = 2
    NO = 3


class Stand(NamedTuple):
    """The kind of each image (n,), and how many of the OTHER ones are another label of the same exclusive group."""

    kinds: Kinds
    rivals: int


def matching_images(
    ledger: Ledger, wanted: SearchFilter, *, among: Ids | None = None, but_sha256: str | None = None
) -> Ids:
    """The ids (n,), ascending, of all images that meet the conditions; the least score counts as none.

    `among` leaves out all others, `but_sha256` the image of that file.
    """
    with ledger.read() as connection:
        return matching_in(connection, wanted, among=among, but_sha256=but_sha256)


def matching_in(
    connection: Connection, wanted: SearchFilter, *, among: Ids | None = None, but_sha256: str | None = None
) -> Ids:
    """As `matching_images`, within a transaction."""
    query = conditions(select(image.c.id), wanted)
    if but_sha256 is not None:
        query = query.where(image.c.sha256 != but_sha256)
    if among is not None:
        query = query.where(image.c.id.in_(any_of(connection, among.tolist())))
    return _ascending(connection, query)


def stand_of(ledger: Ledger, label_id: int | None, image_ids: Ids) -> Stand:
    """How the images, ascending, stand to a label; None is a label that nobody has made yet. UnknownLabel.

    A label that was merged stands for the one that it is today, as it does when it is decided.
    """
    with ledger.read() as connection:
        return stand_in(connection, label_id, image_ids)


def stand_in(connection: Connection, label_id: int | None, image_ids: Ids) -> Stand:
    """As `stand_of`, within a transaction."""
    kinds = np.full(len(image_ids), Kind.PLAIN, np.int8)
    label_id = None if label_id is None else merged_into(connection, [label_id])[label_id]
    rivals = () if label_id is None else rivals_of(connection, [label_id])[label_id]
    among = any_of(connection, image_ids.tolist())
    said = select(label_state.c.image_id).where(label_state.c.image_id.in_(among))
    yes = said.where(label_state.c.state == "yes")

    def put(kind: Kind, query: Select[tuple[int]]) -> None:
        kinds[np.isin(image_ids, _ascending(connection, query), assume_unique=True)] = kind

    put(Kind.OTHER, yes if label_id is None else yes.where(label_state.c.label_id != label_id))
    if label_id is not None:
        put(Kind.YES, yes.where(label_state.c.label_id == label_id))
        put(Kind.NO, said.where(label_state.c.state == "no", label_state.c.label_id == label_id))
    among_rivals = _ascending(connection, yes.where(label_state.c.label_id.in_(rivals))) if rivals else ()
    return Stand(kinds, int(np.isin(image_ids[kinds == Kind.OTHER], among_rivals).sum()))


def _ascending(connection: Connection, query: Select[tuple[int]]) -> Ids:
    return np.unique(np.fromiter(connection.scalars(query), np.int64))
