"""A collection that is not loaded, as after a restart of Milvus, is loaded and asked again, within one call's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from catalog.index_client import IndexClient
from catalog.index_collections import SLOW_S
from catalog.index_connection import Connection
from catalog.index_errors import CollectionNotLoaded, IndexUnavailable

T = TypeVar("T")

LOADED_YET_S = 0.2


def left(until: float) -> float:
    """The seconds until this moment of the monotonic clock, for the next call to Milvus; a little where it is over."""
    return max(until - time.monotonic(), LOADED_YET_S)


def load_and_ask(
    connection: Connection[IndexClient], action: Callable[[IndexClient], T], *, name: str, url: str, until: float
) -> T:
    """What `action` returns once the collection is loaded; IndexUnavailable if it is not by then.

    A Milvus that was killed takes half a minute to load: whoever asks is not to be kept for so long. Nor can one load
    a collection of which somebody makes the index anew at this moment, which is answered as if it were not loaded.
    """
    loads = False
    while True:
        try:
            if not loads:
                connection.call(partial(_load, name=name, until=until))
                loads = True
            return connection.call(action)
        except (CollectionNotLoaded, IndexUnavailable) as error:
            if time.monotonic() > until:
                why = f"Milvus at {url} loads {name}, or makes its index anew; ask again soon."
                raise IndexUnavailable(why) from error
            if isinstance(error, IndexUnavailable):
                raise
        time.sleep(min(LOADED_YET_S, left(until)))


def _load(client: IndexClient, *, name: str, until: float) -> None:
    """milvus-lite has loaded it when it answers, however long that takes; a Milvus goes on with it by itself."""
    if client.lite:
        client.milvus.load_collection(name, timeout=SLOW_S)
    else:
        client.milvus.load_collection(name, timeout=left(until), _async=True)
