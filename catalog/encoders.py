"""Which encoders there are, and which one serves the searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from catalog import tables
from catalog.errors import UnknownEncoder
from catalog.ledger import Ledger, clock, writing
from catalog.statements import insert_or

SHOWN = 12  # digits of an id that people get to see; enough to name it by


@dataclass(frozen=True)
class Encoder:
    """An encoder folder as the ledger knows it; `folder` is its artifact key, `input_size` in pixels."""

    id: str
    name: str
    dimension: int
    input_size: int
    folder: str
    collection: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    created_at: float


def register(
    ledger: Ledger,
    *,
    id: str,
    name: str,
    dimension: int,
    input_size: int,
    folder: str,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Encoder:
    """Make an encoder known; the first one starts to serve. Again: what is known stays as it is."""
    with ledger.write() as connection:
        now = clock(connection)
        statement = insert_or(connection, tables.encoder).values(
            id=id,
            name=name,
            dimension=dimension,
            input_size=input_size,
            folder=folder,
            collection=f"ruiji_{id[:16]}",
            config=dict(config),
            metrics=dict(metrics),
            created_at=now,
        )
        connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
        first = insert_or(connection, tables.serving).values(id=1, encoder_id=id, switched_at=now)
        connection.execute(first.on_conflict_do_nothing(index_elements=["id"]))
        return load_encoder(connection, id)


def get_encoder(ledger: Ledger, encoder_id: str) -> Encoder:
    """The encoder with this id, or UnknownEncoder."""
    with ledger.read() as connection:
        return load_encoder(connection, encoder_id)


def list_encoders(ledger: Ledger) -> list[Encoder]:
    """Every encoder, oldest first."""
    with ledger.read() as connection:
        rows = connection.execute(select(tables.encoder).order_by(tables.encoder.c.created_at, tables.encoder.c.id))
        return [_encoder_of(row) for row in rows]


def named(encoder: Encoder) -> str:
    """As the audit log tells of it."""
    return f"{encoder.name} ({encoder.id[:SHOWN]})"


def serving_encoder(ledger: Ledger) -> Encoder | None:
    """The encoder that answers searches; None before the first is registered."""
    query = select(tables.encoder).join(tables.serving, tables.serving.c.encoder_id == tables.encoder.c.id)
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else _encoder_of(row)


def serving_id(connection: Connection) -> str | None:
    """The id of the encoder that answers searches, inside a transaction."""
    return connection.execute(select(tables.serving.c.encoder_id)).scalar_one_or_none()


def previous_encoder(ledger: Ledger) -> Encoder | None:
    """The encoder that answered searches before: where a roll-back leads. None if there was none."""
    query = select(tables.encoder).join(tables.serving, tables.serving.c.previous_encoder_id == tables.encoder.c.id)
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else _encoder_of(row)


def promote(where: Ledger | Connection, encoder_id: str) -> None:
    """Let this encoder answer the searches from now on; the one before is remembered for a roll-back.

    Asks nothing: `catalog.switching` does, in the same transaction.
    """
    table = tables.serving
    with writing(where) as connection:
        load_encoder(connection, encoder_id)
        now = clock(connection)
        statement = insert_or(connection, table).values(id=1, encoder_id=encoder_id, switched_at=now)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"],
                set_={"previous_encoder_id": table.c.encoder_id, "encoder_id": encoder_id, "switched_at": now},
                where=table.c.encoder_id != encoder_id,
            )
        )


def change_metrics(
    ledger: Ledger, encoder_id: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Encoder:
    """Replace an encoder's metrics by what `change` makes of them, in one transaction; UnknownEncoder."""
    table = tables.encoder
    with ledger.write() as connection:
        query = select(table.c.metrics).where(table.c.id == encoder_id).with_for_update()
        before = connection.execute(query).scalar_one_or_none()
        if before is None:
            raise UnknownEncoder(encoder_id)
        statement = update(table).where(table.c.id == encoder_id).values(metrics=dict(change(before)))
        connection.execute(statement)
        return load_encoder(connection, encoder_id)


def load_encoder(connection: Connection, encoder_id: str) -> Encoder:
    """`get_encoder` inside a transaction."""
    row = connection.execute(select(tables.encoder).where(tables.encoder.c.id == encoder_id)).one_or_none()
    if row is None:
        raise UnknownEncoder(encoder_id)
    return _encoder_of(row)


def _encoder_of(row: Row[Any]) -> Encoder:
    return Encoder(
        row.id,
        row.name,
        row.dimension,
        row.input_size,
        row.folder,
        row.collection,
        row.config,
        row.metrics,
        row.created_at,
    )
