"""Ledgers for the catalog's tests: SQLite everywhere, and a private PostgreSQL where its server is installed."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.ledger import Ledger
from tests.catalog.deciding import CONTENTS
from tests.catalog.large import fill
from tests.catalog.stand_in import image_of, ingest, with_source

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
DATABASES = ["sqlite", "postgresql"] if PROGRAMS else ["sqlite"]
numbers = itertools.count()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite ledger to copy: the migration runs once."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A SQLite ledger of 100,000 images to copy: writing it takes seconds."""
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    shutil.copy(migrated, path)
    ledger = Ledger.open(f"sqlite:///{path}")
    fill(ledger)
    ledger.close()
    return path


@pytest.fixture
def ledger(tmp_path: Path, migrated: Path) -> Iterator[Ledger]:
    """An empty ledger on SQLite."""
    shutil.copy(migrated, tmp_path / "ledger.db")
    opened = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.close()


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database in which nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/both.db"
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture(params=DATABASES)
def any_ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger, once on each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("ledger")
        return
    server: Path = request.getfixturevalue("postgresql")
    opened = Ledger.open(new_database(server, like=request.getfixturevalue("migrated_postgresql")))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: Path) -> str:
    """The name of an empty PostgreSQL ledger to copy."""
    url = new_database(postgresql)
    Ledger.open(url).close()
    return url.partition("@/")[2].partition("?")[0]


def new_database(server: Path, *, like: str = "template1") -> str:
    """A database of its own; `like` is the name of the one that it starts as a copy of."""
    name = f"ledger_{next(numbers)}"
    with psycopg.connect(host=str(server), user="ruiji", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
    return f"postgresql://ruiji@/{name}?host={server}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """A PostgreSQL server that listens on a Unix socket only; the folder of the socket."""
    # Not pytest's folder, and for root not TMPDIR either, which may be root's alone: PostgreSQL refuses to run as root,
    # and another user cannot go through those.
    folder = Path(tempfile.mkdtemp(prefix="ruiji-pg-", dir="/tmp" if os.getuid() == 0 else None))
    user = None
    if os.getuid() == 0:
        user = "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"
        shutil.chown(folder, user)
    data, programs = folder / "data", PROGRAMS[-1].parent
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=100"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
    make = [str(programs / "initdb"), "-D", str(data), "-U", "ruiji", "-A", "trust", "-E", "UTF8", "--no-sync"]
    log = ["-l", str(folder / "log"), "-o", options]
    try:
        subprocess.run(make, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        subprocess.run([*control, *log, "start"], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        yield folder
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], user=user, cwd=folder, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


@pytest.fixture
def images(any_ledger: Ledger) -> list[int]:
    """Twelve images without labels."""
    folder = {b"%d" % number: content for number, content in enumerate(CONTENTS)}
    ingest(any_ledger, with_source(any_ledger), folder)
    return [image_of(any_ledger, content) for content in CONTENTS]
