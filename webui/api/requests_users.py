"""What requests about users, their tokens and the audit log may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictStr

from catalog.api_tokens import Scope
from catalog.users import Role

from .requests import LARGEST_ID, Id, Request

Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class NewUser(Request):
    """Somebody who may come in once they have chosen a password, by the link in the answer."""

    name: Name
    role: Role


class UserChange(Request):
    """Only what is given is changed."""

    role: Role | None = None
    disabled: StrictBool | None = None


class NewToken(Request):
    """A token of a user's; without `days` it does not end by itself."""

    user: Id
    name: Name
    scope: Scope
    days: Annotated[int, Field(ge=1, le=3650, strict=True)] | None = None


class AuditPage(Request):
    """The newest lines, or those before the line of that number."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    before: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
