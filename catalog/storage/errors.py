"""What can be wrong with a path map, an address, or a source that is to be read."""

from __future__ import annotations

from catalog.errors import CatalogError


class InvalidPathMap(CatalogError):
    """The setting RUIJI_PATH_MAP cannot be understood; the message names the part and the form."""


class InvalidAddress(CatalogError):
    """The address of a bucket cannot be used as a source; the message says why and what would do."""


class StoreError(CatalogError):
    """An object store did not give what was asked. `kind`: missing, forbidden, unreachable, too_large.

    The message names the object; it never holds credentials.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
