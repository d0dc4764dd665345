"""Every setting of Ruiji: name, default, one line of help. Only entry points read it; all else takes values."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from catalog.index_options import Consistency, IndexOptions, IndexType, address_of

CONFIG_VARIABLE = "RUIJI_CONFIG"
SOCKET_PATH_LIMIT = 107  # bytes of a Unix socket's address on Linux (sun_path), without the closing zero

# Of fsspec's many schemes those of object stores: others lead to this machine's files, or to any address.
OBJECT_STORES = frozenset({"s3", "gs", "gcs", "abfs", "az", "oci", "oss", "memory"})


class SettingsError(Exception):
    """Two settings do not go together; the message names both and the remedy."""


def default_home() -> Path:
    """Where all state is if no setting says otherwise."""
    return user_data_path("ruiji", appauthor=False)


class Settings(BaseSettings):
    """Read from the environment (RUIJI_…), then `.env`, then a TOML file; the first that names a setting wins."""

    model_config = SettingsConfigDict(env_prefix="RUIJI_", env_file=".env", extra="ignore", validate_default=True)

    home: Path = Field(default_factory=default_home, description="Folder that holds all state.")
    database_url: str = Field("", description="Ledger: SQLAlchemy URL. Empty: SQLite in the home folder.")
    broker_url: str = Field("", description="Redis or Valkey URL. Empty: the embedded Valkey's socket.")
    index_url: str = Field(
        "", description="Milvus URL, as https://user:password@host:19530/database. Empty: the embedded milvus-lite."
    )
    index_token: str = Field("", description="Milvus login, as user:password, or a key.", repr=False)
    index_ca: Path | None = Field(None, description="PEM file of who signed Milvus's certificate, for https.")
    index_type: IndexType = Field("auto", description="Index of a Milvus given by URL: docs/INDEX.md has the types.")
    index_consistency: Consistency = Field("Bounded", description="Bounded, Eventually or Strong (200 ms a search).")
    index_shards: int = Field(1, ge=1, le=16, description="Shards of collections made from now on: one per writer.")
    index_replicas: int = Field(1, ge=1, description="Copies in memory, each on a query node of its own.")
    index_mmap: bool = Field(
        False, description="Collections made from now on are mapped from disk, not held in memory."
    )
    artifacts_url: str = Field("", description="Shards, thumbnails, encoders: folder or fsspec URL. Empty: in home.")
    host: str = Field("127.0.0.1", description="Loopback address that the web server listens on.")
    port: int = Field(8765, ge=1, le=65535, description="Port of the page; if not set and taken, the next free one.")
    allowed_roots: list[Path] = Field(
        default_factory=lambda: [Path.home()], description="Folders below which the page may ingest (JSON list)."
    )
    allowed_buckets: list[str] = Field(
        default=[],
        description="Buckets and folders in them that the page may ingest (JSON list of s3://bucket/folder).",
    )
    source_schemes: list[str] = Field(
        default=["s3"], description="Kinds of object stores that sources may lie in (JSON list; fsspec's names)."
    )
    s3_endpoint: str = Field("", description="S3 server of the sources. Empty: AWS_ENDPOINT_URL, or Amazon's.")
    object_reads: int = Field(16, ge=1, le=256, description="Most objects that a worker fetches at once.")
    path_map: str = Field(
        "",
        description="Folders that lie elsewhere here, RECORDED=HERE with commas (/data/photos=/mnt/nas/photos).",
    )
    allowed_hosts: list[str] = Field(
        default=["localhost", "127.0.0.1", "[::1]"], description="Host names that requests may be addressed to."
    )
    login: Literal["auto", "always"] = Field(
        "auto", description="People sign in: always, or auto: where others may come, or a setting tells of a proxy."
    )
    https: bool = Field(
        False, description="The page is reached by https alone, through a proxy in front: so are its cookies."
    )
    proxies: int = Field(
        0,
        ge=0,
        le=8,
        description="Proxies in front that say whom they speak for (X-Forwarded-For); none is believed else.",
    )
    samples_dir: Path | None = Field(None, description="Pictures offered on the empty page. Empty: home/samples.")
    max_upload_mb: int = Field(20, ge=1, description="Largest picture that may be uploaded, in MB.")
    max_pixels: int = Field(178_956_970, ge=1, description="Pictures with more pixels are refused as bombs.")
    query_timeout_s: float = Field(8.0, gt=0, le=60, description="A search waits this long for the query worker.")
    chunk_files: int = Field(512, ge=1, description="Most files in one chunk of work.")
    chunk_mb: int = Field(256, ge=1, description="Most megabytes of files in one chunk of work.")
    lease_s: float = Field(60.0, ge=1, description="A worker silent for this long loses what it has claimed.")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="Embeds on auto, cpu or cuda:N.")
    decode_processes: int = Field(0, ge=0, description="Processes that decode pictures. 0: one per core.")
    decode_timeout_s: float = Field(30.0, gt=0, description="A picture that takes longer to decode is given up.")
    decode_memory_mb: int = Field(2048, ge=64, description="Memory in MB that the decoding of one picture may take.")
    encoder_dir: Path | None = Field(
        None, description="Encoder folder of `ruiji up`; serves if it is the first. Empty: the shipped one."
    )
    runs_dir: Path | None = Field(
        None, description="Folders of training runs, on a disk that all machines that train share. Empty: in home."
    )
    train_address: str = Field(
        "", description="IPv4 address at which other machines that train reach this one. Empty: found by itself."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log: Literal["plain", "json"] = Field("plain", description="Lines for people, or one JSON object each.")
    metrics_token: str = Field(
        "", description="Who reads /metrics has to send it. Empty: this machine only.", repr=False
    )

    @field_validator("home", "samples_dir", "encoder_dir", "runs_dir", "index_ca", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("samples_dir", "encoder_dir", "runs_dir", "index_ca", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("allowed_roots", mode="after")
    @classmethod
    def _absolute_roots(cls, value: list[Path]) -> list[Path]:
        return [root.expanduser().resolve() for root in value]

    @field_validator("source_schemes", mode="after")
    @classmethod
    def _object_stores(cls, value: list[str]) -> list[str]:
        if others := sorted(set(value) - OBJECT_STORES):
            known = ", ".join(sorted(OBJECT_STORES))
            raise ValueError(f"{others[0]!r} is no object store: those are {known}; folders are given by their path")
        return value

    @field_validator("s3_endpoint", mode="after")
    @classmethod
    def _no_login_in_the_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
            raise ValueError("give http://host:port or https://host, and the keys in AWS_ACCESS_KEY_ID and its like")
        return value

    @field_validator("host", mode="after")
    @classmethod
    def _loopback_only(cls, value: str) -> str:
        if value != "localhost" and not _is_loopback(value):
            raise ValueError(
                f"{value} is not a loopback address: use 127.0.0.1, and for others a proxy with TLS (docs/SCALE.md)"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which the sources are asked."""
        file = Path(os.environ.get(CONFIG_VARIABLE, "ruiji.toml"))
        toml = TomlConfigSettingsSource(settings_cls, toml_file=file)
        return init_settings, env_settings, dotenv_settings, toml

    @property
    def run_folder(self) -> Path:
        """Sockets, ports and the lock of the running stack."""
        return self.home / "run"

    @property
    def socket_path(self) -> Path:
        """The embedded Valkey's socket: in home, or in the temporary folder where home's path is too long for one."""
        path = self.run_folder / "valkey.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ruiji-{os.getuid()}-{digest}" / "valkey.sock"

    @property
    def port_file(self) -> Path:
        """Where the embedded index server writes the port it was given."""
        return self.run_folder / "milvus.port"

    def resolved_database_url(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    def resolved_broker_url(self) -> str:
        """URL of the broker as Celery takes it."""
        return self.broker_url or f"redis+socket://{self.socket_path}?virtual_host=0"

    def resolved_index_url(self) -> str:
        """URL of the index; raises SettingsError while the embedded one is not running."""
        if self.index_url:
            return self.index_url
        try:
            return f"http://127.0.0.1:{int(self.port_file.read_text())}"
        except (OSError, ValueError) as error:
            raise SettingsError(f"the embedded index of {self.home} is not running; start it with: ruiji up") from error

    def index_options(self) -> IndexOptions:
        """How collections are made, held and asked."""
        return IndexOptions(
            type=self.index_type,
            consistency=self.index_consistency,
            shards=self.index_shards,
            replicas=self.index_replicas,
            mmap=self.index_mmap,
            ca_file=str(self.index_ca or ""),
        )

    def resolved_artifacts_url(self) -> str:
        """Folder or URL of the artifact store."""
        return self.artifacts_url or str(self.home / "artifacts")

    def resolved_samples_dir(self) -> Path:
        """Folder of the pictures offered on the empty page."""
        return self.samples_dir or self.home / "samples"

    def where_pictures_are(self) -> dict[str, Any]:
        """What `PictureStorage.of` takes."""
        return {
            "path_map": self.path_map,
            "schemes": self.source_schemes,
            "s3_endpoint": self.s3_endpoint,
            "at_once": self.object_reads,
        }

    def check(self) -> None:
        """Raise SettingsError where remote workers would share what only one machine can hold, or Milvus's address,
        certificate and type do not go together."""
        self._check_index()
        if self.broker_url and not is_local(self.broker_url):
            for name, value, local in (
                ("database_url", self.database_url, not self.database_url or self.database_url.startswith("sqlite")),
                ("index_url", self.index_url, not self.index_url),
                ("artifacts_url", self.artifacts_url, not self.artifacts_url),
            ):
                if local:
                    raise SettingsError(
                        f"RUIJI_BROKER_URL points to another machine while RUIJI_{name.upper()} is"
                        f" {value or 'empty (embedded)'}, which workers elsewhere cannot share;"
                        " give PostgreSQL, Milvus and a shared artifact store by URL, or leave the broker embedded"
                    )

    def _check_index(self) -> None:
        if not self.index_url:
            if self.index_type != "auto":
                raise SettingsError(
                    f"RUIJI_INDEX_TYPE is {self.index_type}, which the embedded milvus-lite has not;"
                    " give a Milvus by RUIJI_INDEX_URL, or leave the type out"
                )
            return
        try:
            address = address_of(self.index_url)
        except ValueError as error:
            raise SettingsError(f"RUIJI_INDEX_URL: {error}") from None  # its traceback would show the password
        if self.index_ca is None:
            return
        if not address.secure:
            raise SettingsError("RUIJI_INDEX_CA is set and RUIJI_INDEX_URL begins with http; write https for TLS")
        if not self.index_ca.is_file():
            raise SettingsError(f"RUIJI_INDEX_CA: there is no file {self.index_ca}")


def without_password(value: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"(://[^/@]*:)[^/]*@", r"\1***@", value)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_local(url: str) -> bool:
    """Whether a service's URL leads to this machine only."""
    parts = urlsplit(url)
    if parts.scheme in ("redis+socket", "unix"):
        return True
    return parts.hostname is not None and (parts.hostname == "localhost" or _is_loopback(parts.hostname))


def as_markdown() -> str:
    """The README's table of settings."""
    lines = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = {"home": "the user's data folder", "allowed_roots": "your home folder"}.get(name)
        if default is None:
            value = field.get_default(call_default_factory=True, validated_data={})
            default = "" if value in ("", None) else f"`{value}`"
        lines.append(f"| `RUIJI_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
