"""Every field of the API and of HTTP itself that takes a text: one function each, which sends a text there."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from tests.attacks.speaking import Attacker, Heard, quoted

Field = Callable[[Attacker, str], Heard]
PICTURE = b"\xff\xd8 no picture"


def header(name: str, *, method: str = "GET", path: str = "/api/v1/token") -> Field:
    """A header: its bytes as they are, but for what would end it, which no client could send in one header."""

    def send(attacker: Attacker, text: str) -> Heard:
        value = text.encode("utf-8", "surrogatepass")
        for ending in (b"\r", b"\n", b"\0"):
            value = value.replace(ending, b"")
        return attacker.send(method, path, headers={name: value[:4000]})

    return send


def query(path: str, name: str) -> Field:
    """A value in the address."""
    return lambda attacker, text: attacker.get(path, **{name: text})


def part(path: str, *, method: str = "GET") -> Field:
    """A part of the address."""
    return lambda attacker, text: attacker.send(method, path.replace("*", quoted(text)))


def document(method: str, path: str, name: str, /, **rest: object) -> Field:
    """A value in a JSON document."""
    return lambda attacker, text: attacker.put_json(method, path, {**rest, name: text})


def decision(attacker: Attacker, text: str) -> Heard:
    """A decision about an image that is not there makes no label."""
    body = {"key": uuid4().hex, "label": text, "decision": "yes", "image_ids": [2**40]}
    return attacker.post("/api/v1/labels/decisions", body)


def key(attacker: Attacker, text: str) -> Heard:
    """The key that makes a request count once; an image that is not there keeps it from counting at all."""
    body = {"key": text, "label": "sky", "decision": "yes", "image_ids": [2**40]}
    return attacker.post("/api/v1/labels/decisions", body)


def upload_name(attacker: Attacker, text: str) -> Heard:
    """The file name that an upload says of itself."""
    return attacker.upload(PICTURE, filename=text.encode("utf-8", "surrogatepass"))


def upload_type(attacker: Attacker, text: str) -> Heard:
    """The type that an upload says of itself."""
    return attacker.upload(PICTURE, content_type=text.encode("utf-8", "surrogatepass").replace(b"\0", b""))


FIELDS: dict[str, Field] = {
    "search: label": document("POST", "/api/v1/search", "label", image_id=2**40),
    "search: source": document("POST", "/api/v1/search", "source", image_id=1),
    "search: source in the address": query("/api/v1/export/plan", "label"),
    "search: sample": document("POST", "/api/v1/search", "sample"),
    "search: upload": document("POST", "/api/v1/search", "upload"),
    "search: k": document("POST", "/api/v1/search", "k", image_id=1),
    "search: file name": upload_name,
    "search: file type": upload_type,
    "match: label": document("POST", "/api/v1/matches", "label", keep=False),
    "match: token": part("/api/v1/matches/*/plan", method="POST"),
    "decision: label": decision,
    "decision: key": key,
    "label: colour": document("PATCH", "/api/v1/labels/1", "colour"),
    "label: merged into": query("/api/v1/labels/1/merge", "into"),
    "hunt: id": part("/api/v1/hunts/*"),
    "hunt: page": part("/hunts/*"),
    "hunt: picture": part("/view/hunt/*/1"),
    "upload: picture": part("/view/upload/*"),
    "sample: picture": part("/samples/*"),
    "encoder: id": part("/api/v1/encoders/*/archive"),
    "encoder: path": document("POST", "/api/v1/encoders", "path"),
    "map: id": part("/api/v1/maps/*"),
    "source: path": document("POST", "/api/v1/sources", "path"),
    "folder: path": query("/api/v1/folders", "path"),
    "history: author": query("/api/v1/batches", "author"),
    "history: limit": query("/api/v1/batches", "limit"),
    "export: format": query("/api/v1/export", "format"),
    "export: labels": query("/api/v1/export/plan", "labels"),
    "view: side": query("/view/1", "side"),
    "review: sort": query("/api/v1/labels/1/review", "sort"),
    "training: name": document("POST", "/api/v1/training", "name", preset="none", sources=[2**40]),
    "training: preset": document("POST", "/api/v1/training", "preset", name="x", sources=[2**40]),
    "user: name": document("POST", "/api/v1/users", "name", role="viewer"),
    "token: name": document("POST", "/api/v1/tokens", "name", user=2**40, scope="read"),
    "audit: before": query("/api/v1/audit", "before"),
    "door: next": query("/login", "next"),
    "link: code": query("/join", "code"),
    "page: search": part("/*"),
    "page: history": query("/labels/history", "author"),
    "header: host": header("Host"),
    "header: token": header("X-CSRF-Token", method="POST", path="/api/v1/labels"),
    "header: installation": header("X-Ruiji-Installation", method="POST", path="/api/v1/labels"),
    "header: type": header("Content-Type", method="POST", path="/api/v1/labels"),
    "header: tag": header("If-None-Match", path="/thumbnail/1"),
    "header: range": header("Range", path="/static/css/base.css"),
    "header: since": header("If-Modified-Since", path="/static/css/base.css"),
    "header: cookie": header("Cookie"),
    "header: forwarded": header("X-Forwarded-For"),
    "header: user": header("X-Ruiji-User", method="POST", path="/api/v1/labels"),
    "header: API token": header("Authorization"),
    "header: agent": header("User-Agent", path="/"),
    "header: language": header("Accept-Language", path="/"),
    "header: referrer": header("Referer", method="POST", path="/api/v1/labels"),
}
