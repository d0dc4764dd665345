"""Who may do what: one line for each address of the page and the API, and nothing that is not listed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, unquote

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response

from catalog.users import Role

from .errors import PROGRAM_PATHS, ApiError
from .identity import Visitor, recognise, visitor

Need = Role | Literal["nobody"]
USER_HEADER = "X-Ruiji-User"
READING_METHODS = ("GET", "HEAD", "OPTIONS")

# No look at who it is: the last has a rule of its own.
FREE = ("static", "health.alive", "health.ready", "metrics.figures")
DOOR = ("door.page", "door.enter", "links.first", "links.be_first", "links.join_page", "links.be_joined")
PAGES = (
    *("search.page", "hunts.page", "hunts.hunt", "labels.page", "labels.history", "review.page", "maps.page"),
    *("exports.page", "jobs.page", "encoders.page", "account.page", "account.change", "door.leave"),
)
PICTURES = ("thumbnail", "view", "upload_view", "example_view", "sample")
# What reads, whatever its method: a search is sent, and changes nothing that others see.
READING = (
    *("all_hunts", "batch", "batches", "bad_files", "browse", "chosen", "compared", "encoders", "estimate", "export"),
    *("export_plan", "figures", "give_out", "groups", "image", "job", "jobs", "labels", "list_maps", "merge_plan"),
    *("one_hunt", "one_map", "openapi", "points", "review", "run", "runs", "samples", "search", "side_by_side"),
    *("sources", "status", "suggested", "token"),
)
LABELLING = (
    *("accept_run", "add_example", "add_label", "above_line", "begin_hunt", "change_group", "change_hunt"),
    *("change_label", "decide", "decide_in_hunt", "decide_match", "decide_review", "decide_suggested"),
    *("delete_group", "find_match", "forget_hunt", "forget_map", "merge", "move", "new_map", "next_step"),
    *("plan_match", "random_check", "redo", "remove_example", "undo"),
)
# What costs the installation's machines, changes what everybody finds, or shows what lies on the server.
ADMINISTERING = (
    *("add_source", "delete_source", "folders", "delete_image", "pause", "resume", "cancel"),
    *("take_in", "fill", "promote", "go_back", "start", "pause_run", "resume_run", "cancel_run"),
    *("users", "add_user", "change_user", "invite", "tokens", "add_token", "revoke_token", "audit"),
)
API = "api."
RULES: Mapping[str, Need] = {
    **dict.fromkeys((*FREE, *DOOR), "nobody"),
    **dict.fromkeys((*PAGES, *(f"pictures.{name}" for name in PICTURES)), "viewer"),
    **dict.fromkeys((API + name for name in READING), "viewer"),
    **dict.fromkeys((API + name for name in LABELLING), "labeller"),
    **dict.fromkeys(("users.page", *(API + name for name in ADMINISTERING)), "admin"),
}


def install(app: Flask) -> None:
    """Look at every request before anything else does more than route it; tell templates what the visitor may do."""
    app.jinja_env.globals.update(may=may, refused=refused, allowed=allowed)

    @app.before_request
    def check_visitor() -> Response | None:
        endpoint = request.endpoint
        need = "nobody" if endpoint is None else RULES.get(endpoint)  # nothing is there, whoever asks
        if need is None:
            raise ApiError(403, "no_rule", "Nobody may do this: it has no rule in webui/access.py.")
        if endpoint in FREE:
            return None
        who = g.visitor = recognise()
        if not enough(who, need):
            return turned_away(who, need)
        check_page(who)
        return None


def enough(who: Visitor, need: Need) -> bool:
    """The check: that of a request, and that of what a page shows."""
    return need == "nobody" or who.may(need)


def may(operation: str) -> bool:
    """Whether the visitor may do something, by its name in the API's document; KeyError for what has no rule."""
    return enough(visitor(), RULES[API + operation])


def refused(operation: str) -> str:
    """For the class of a control in a template: out of sight where the server would refuse what it does."""
    return "" if may(operation) else " refused"


def allowed() -> str:
    """All operations that the visitor may do, for the page's scripts (js/may.js)."""
    names = (endpoint.removeprefix(API) for endpoint in RULES if endpoint.startswith(API))
    return " ".join(name for name in names if may(name))


def turned_away(who: Visitor, need: Need) -> Response:
    """To the door, for people who may come in; a refusal for programs, and for those who are in."""
    if who.role is not None:
        raise ApiError(403, "not_allowed", f"This needs the role {need}; {who.name} comes as {who.role} here.")
    if request.path.startswith(PROGRAM_PATHS):
        raise ApiError(401, "sign_in", "Sign in first, or send an API token in the header Authorization.")
    return redirect(door_for(request.full_path if request.method in READING_METHODS else "/"), 303)


def check_page(who: Visitor) -> None:
    """A page that somebody else has opened in this browser writes nothing in the name of who is signed in now."""
    meant = request.headers.get(USER_HEADER)
    if meant is not None and request.method not in READING_METHODS and unquote(meant) != who.name:
        raise ApiError(409, "other_user", "Somebody else is signed in by now; load the page again.")


def door_for(path: str) -> str:
    """The address of the door that leads there afterwards."""
    path = path.rstrip("?")
    return "/login" if path == "/" else f"/login?next={quote(path, safe='/')}"
