"""How collections are indexed, held and asked by a Milvus server, and where it is, as values that settings give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit

IndexType = Literal[
    "auto", "FLAT", "IVF_FLAT", "IVF_SQ8", "HNSW", "DISKANN", "GPU_BRUTE_FORCE", "GPU_IVF_FLAT", "GPU_CAGRA"
]
Consistency = Literal["Bounded", "Eventually", "Strong"]
TYPES: tuple[str, ...] = get_args(IndexType)
SCHEMES = ("http", "https", "tcp")
DEFAULT_PORT = 19530


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """What docs/INDEX.md explains; milvus-lite, which has one way to do all of it, takes none but `consistency`.

    shards and mmap hold for collections that are made from now on, replicas from the next time that one is loaded.
    ca_file: PEM of who signed the certificate of an https address; empty for those that this machine trusts.
    """

    type: IndexType = "auto"
    consistency: Consistency = "Bounded"
    shards: int = 1
    replicas: int = 1
    mmap: bool = False
    ca_file: str = ""

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"there is no index type {self.type!r}; choose one of {', '.join(TYPES)}")
        if self.shards < 1 or self.replicas < 1:
            raise ValueError("a collection has at least one shard and one replica")


@dataclass(frozen=True)
class Address:
    """A Milvus server's, taken apart: `url` is without the login, and the one that may be shown."""

    url: str
    host: str
    port: int
    secure: bool
    token: str
    database: str


def address_of(url: str, *, token: str = "") -> Address:
    """Take `http(s)://[user:password@]host[:port][/database]` apart; a token goes before the login in it.

    Raises ValueError, which does not repeat the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = SplitResult("", "", "", "", ""), None, None
    if parts.scheme not in SCHEMES or not host:
        raise ValueError(
            "Milvus's address must be like http://host:19530, or https://user:password@host:19530/database"
        )
    database = unquote(parts.path.strip("/"))
    if "/" in database:
        raise ValueError("Milvus's address names one database at most: http://host:19530/database")
    login = ":".join(unquote(part) for part in (parts.username, parts.password) if part)
    port = port or (443 if parts.scheme == "https" else DEFAULT_PORT)
    named = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{named}:{port}" + (f"/{database}" if database else "")
    return Address(shown, named, port, secure=parts.scheme == "https", token=token or login, database=database)
