"""What all of the ledger's tables share: how rows are numbered, and how constraints are called."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

# SQLite only numbers rows by itself in a column of type INTEGER; PostgreSQL needs BIGINT for Milvus's int64 keys.
RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
