"""The ledger's tables of people: who may come in, how they prove it, and what they did that others have to know."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, String, Table, Text

from catalog.schema import RowId, metadata

account = Table(
    # Never deleted: its name stands beside what it decided, and nobody else may ever get it.
    "account",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),  # the name as it is compared: NFKC, without case
    Column("role", String(8), nullable=False),
    Column("password", Text),  # argon2id's own form; null until the first one-time link is used
    Column("created_at", Float, nullable=False),
    Column("disabled_at", Float),
    CheckConstraint("role IN ('viewer', 'labeller', 'admin')", name="role"),
    sqlite_autoincrement=True,
)

account_session = Table(
    # One browser in which somebody is signed in. The cookie holds the secret, this only its digest.
    "account_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

api_token = Table(
    # What a program signs its requests with: its owner's name, and the owner's role cut to `scope`.
    "api_token",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scope", String(8), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("used_at", Float),
    Column("revoked_at", Float),
    CheckConstraint("scope IN ('read', 'label', 'admin')", name="scope"),
    sqlite_autoincrement=True,
)

one_time_link = Table(
    "one_time_link",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(8), nullable=False),  # first: the first admin; password: this account's password
    Column("account_id", RowId, ForeignKey("account.id"), index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    CheckConstraint(
        "(purpose = 'first' AND account_id IS NULL) OR (purpose = 'password' AND account_id IS NOT NULL)",
        name="purpose",
    ),
)

audit_event = Table(
    # Append-only. Names, not ids: it has to be read without the rest, and after it.
    "audit_event",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False),  # a user; local: the page without login; shell: the command line; or nobody
    Column("action", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("address", Text, nullable=False),  # where the request came from
    Column("outcome", String(8), nullable=False),
    Index("ix_audit_event_action", "action", "at"),
    CheckConstraint("outcome IN ('done', 'refused')", name="outcome"),
    sqlite_autoincrement=True,
)
