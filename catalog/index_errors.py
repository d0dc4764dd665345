"""What can go wrong between us and Milvus, as part of the catalog's family of errors."""

from __future__ import annotations

from catalog.errors import CatalogError


class VectorIndexError(CatalogError):
    """Milvus refused something; the message holds its reason."""


class IndexUnavailable(VectorIndexError):
    """Milvus does not answer; the same call may work again later."""


class CollectionMissing(VectorIndexError):
    """Milvus has no such collection: it was dropped, or its data are gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Milvus has no collection {name}; `ruiji doctor --repair` fills it from the shards.")


class CollectionMismatch(VectorIndexError):
    """A collection of this name has other columns."""

    def __init__(self, name: str, difference: str) -> None:
        self.name = name
        super().__init__(f"Milvus's collection {name} is not Ruiji's ({difference}); drop it, then repair.")


class CollectionNotLoaded(VectorIndexError):
    """The collection has to be loaded before it can be searched; the index does that by itself."""
