"""A collection that is not loaded, as after a restart of Milvus, is loaded and asked again, within a call's time."""

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


def load_and_ask(
    connection: Connection[IndexClient], action: Callable[[IndexClient], T], *, name: str, url: str, timeout_s: float
) -> T:
    """What `action` returns once the collection is loaded; IndexUnavailable if that takes longer than `timeout_s`.

    A Milvus that was killed takes half a minute to load: whoever asks is not to be kept for so long.
    """
    connection.call(partial(_load, name=name, timeout_s=timeout_s))
    until = time.monotonic() + timeout_s
    while True:
        try:
            return connection.call(action)
        except CollectionNotLoaded as error:
            if time.monotonic() > until:
                why = f"Milvus at {url} loads {name}, or makes its index anew; ask again soon."
                raise IndexUnavailable(why) from error
        time.sleep(LOADED_YET_S)


def _load(client: IndexClient, *, name: str, timeout_s: float) -> None:
    """milvus-lite has loaded it when it answers; a Milvus goes on with it by itself."""
    if client.lite:
        client.milvus.load_collection(name, timeout=SLOW_S)
    else:
        client.milvus.load_collection(name, timeout=timeout_s, _async=True)
