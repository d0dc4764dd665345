"""What can go wrong between us and Milvus, as part of the catalog's family of errors."""

from __future__ import annotations

from catalog.errors import CatalogError


class VectorIndexError(CatalogError):
    """Milvus refused something; the message holds its reason."""


class IndexUnavailable(VectorIndexError):
    """Milvus does not answer; the same call may work again later."""


class IndexLoginRefused(VectorIndexError):
    """Milvus wants a login, or knows ours not, or does not allow it what we ask."""

    def __init__(self, url: str, reason: str, *, given: bool) -> None:
        if given:
            what = "does not accept the login that it was given"
            remedy = "put the right one into RUIJI_INDEX_TOKEN, as user:password or as the key of a hosted Milvus"
        else:
            what = "asks for a login, and none is set"
            remedy = "set RUIJI_INDEX_TOKEN to user:password"
        super().__init__(f"Milvus at {url} {what} ({reason}); {remedy}, and start again.")


class IndexTooOld(VectorIndexError):
    """A Milvus from before the versions that know what we ask for."""

    def __init__(self, url: str, version: str, least: str) -> None:
        super().__init__(
            f"Milvus at {url} is {version}, and Ruiji needs {least} or newer: update it, or leave"
            " RUIJI_INDEX_URL empty for the embedded one. Vectors are filled in again by `ruiji doctor --repair`."
        )


class CollectionMissing(VectorIndexError):
    """Milvus has no such collection: it was dropped, or its data are gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Milvus has no collection {name}; `ruiji doctor --repair` fills it from the shards.")


class CollectionMismatch(VectorIndexError):
    """A collection of this name has other columns, or vectors of another length."""

    def __init__(self, name: str, difference: str) -> None:
        self.name = name
        super().__init__(
            f"Milvus's collection {name} is not Ruiji's ({difference}). Give Ruiji a database of its own, as the last"
            " part of RUIJI_INDEX_URL, or drop the collection; then `ruiji doctor --repair` fills it from the shards."
        )


class CollectionNotLoaded(VectorIndexError):
    """The collection has to be loaded before it can be searched; the index does that by itself."""
