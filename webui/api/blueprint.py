"""The blueprint that the modules of the API add their routes to, and the OpenAPI description drawn from them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar, cast

from flask import Blueprint
from pydantic import BaseModel
from spectree import Response as Answers
from spectree import SpecTree

from .answers import Problem

api = Blueprint("api", __name__)
tree = SpecTree(
    "flask",
    mode="strict",
    title="Ruiji",
    version="v1",
    annotations=False,
    naming_strategy=lambda model: str(model.__name__),
    nested_naming_strategy=lambda _, child: child,
)

View = TypeVar("View", bound=Callable[..., object])


def described(
    tag: str,
    *,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    refusals: tuple[int, ...] = (),
    json: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
) -> Callable[[View], View]:
    """Describe a view in the OpenAPI document. It checks nothing: the view reads its input with `reading`, and the
    tests compare its answers with the models."""
    answers = Answers(
        **{f"HTTP_{status}": answer, **{f"HTTP_{refusal}": Problem for refusal in refusals}},
    )
    decorate = tree.validate(json=json, form=form, query=query, resp=answers, tags=(tag,), skip_validation=True)
    return cast(Callable[[View], View], decorate)


def streamed(describe: Callable[[View], View]) -> Callable[[View], View]:
    """`described` for a view whose answer comes piece by piece: spectree's own wrapper would read all of it first."""

    def mark(view: View) -> View:
        @functools.wraps(describe(view))  # where spectree finds the description
        def bare(*args: object, **kwargs: object) -> object:
            return view(*args, **kwargs)

        return cast(View, bare)

    return mark
