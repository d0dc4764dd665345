"""What answers about users, their tokens and the audit log hold."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class User(BaseModel):
    """`joined`: has chosen a password; `seen_at`: the last request of a session that is open."""

    id: int
    name: str
    role: Literal["viewer", "labeller", "admin"]
    joined: bool
    disabled: bool
    created_at: float
    seen_at: float | None


class Users(BaseModel):
    users: list[User]


class Invited(BaseModel):
    """`link` is a path here; it is good once, and shown once."""

    user: User
    link: str


class ApiToken(BaseModel):
    id: int
    user: str
    name: str
    scope: Literal["read", "label", "admin"]
    created_at: float
    expires_at: float | None
    used_at: float | None
    revoked_at: float | None


class ApiTokens(BaseModel):
    tokens: list[ApiToken]


class TokenMade(BaseModel):
    """`secret` is shown once: nothing here can tell it again."""

    token: ApiToken
    secret: str


class AuditLine(BaseModel):
    id: int
    at: float
    actor: str
    action: str
    target: str
    address: str
    outcome: Literal["done", "refused"]


class AuditLines(BaseModel):
    events: list[AuditLine]
