"""Reading a request's values into a pydantic model, with one clear sentence when they do not fit."""

from __future__ import annotations

from typing import Any, TypeVar, get_origin

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest

from webui.errors import ApiError, nul_refused

Model = TypeVar("Model", bound=BaseModel)


def json_object() -> dict[str, Any]:
    """The request's JSON document, which must be an object."""
    if not request.is_json:
        raise ApiError(415, "not_json", "Send a JSON document with the header Content-Type: application/json.")
    try:
        values = request.get_json()
        # A NUL is escaped in JSON, unless that is UTF-16: the bytes tell that none of 100,000 values needs a look.
        nul = any(sign in request.get_data() for sign in (rb"\u0000", b"\0")) and holds_nul(values)
    except BadRequest:
        raise ApiError(400, "bad_json", "The body is not a JSON document.") from None
    except RecursionError:
        raise ApiError(400, "bad_json", "The JSON document is nested too deeply.") from None
    if not isinstance(values, dict):
        raise ApiError(400, "bad_json", "The JSON document must be an object.")
    if nul:
        raise nul_refused()
    return values


def holds_nul(value: Any) -> bool:
    """Whether a NUL is in a text somewhere in a JSON document."""
    if isinstance(value, dict):
        return any(map(holds_nul, (*value, *value.values())))
    if isinstance(value, list):
        return any(map(holds_nul, value))
    return isinstance(value, str) and "\0" in value


def checked(model: type[Model], values: dict[str, Any]) -> Model:
    """`values` as a `model`, or a 400 that names the first field that does not fit."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ApiError(400, "invalid_value", f"{field}: {first['msg']}.") from None


def read_json(model: type[Model]) -> Model:
    """The request's JSON document as a `model`."""
    return checked(model, json_object())


def read_query(model: type[Model]) -> Model:
    """The address's query string as a `model`; fields that are lists may be given several times."""
    return checked(model, spread(model, request.args.to_dict(flat=False)))


def spread(model: type[BaseModel], given: dict[str, list[Any]]) -> dict[str, Any]:
    """Values as forms give them, a list for each name: whole for the model's list fields, the last for the others.

    An empty text is a field left empty, which is as good as absent.
    """
    values: dict[str, Any] = {}
    for name, texts in given.items():
        field = model.model_fields.get(name)
        if holds_nul(texts):
            raise nul_refused()
        filled = [text for text in texts if text != ""]
        if filled:
            values[name] = filled if field is not None and get_origin(field.annotation) is tuple else filled[-1]
    return values
