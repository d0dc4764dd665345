"""Label groups: which labels belong together, and whether an image is one of them at most."""

from __future__ import annotations

from flask import Response, jsonify

from catalog import label_groups
from webui import present
from webui.config import parts

from .answers import Group, Groups
from .blueprint import api, described
from .reading import read_json
from .requests import GroupChange


@api.get("/label-groups")
@described("labels", answer=Groups)
def groups() -> Response:
    """List the groups with the names of their labels."""
    return jsonify(groups=[present.group(row) for row in label_groups.list_groups(parts().config.ledger)])


@api.patch("/label-groups/<int:group_id>")
@described("labels", json=GroupChange, answer=Group, refusals=(400, 404))
def change_group(group_id: int) -> Response:
    """Give a group another name, or make it exclusive or not."""
    wanted = read_json(GroupChange)
    ledger = parts().config.ledger
    changed = label_groups.change_group(ledger, group_id, name=wanted.name, exclusive=wanted.exclusive)
    return jsonify(present.group(changed))


@api.delete("/label-groups/<int:group_id>")
@described("labels", answer=Groups, refusals=(400, 404))
def delete_group(group_id: int) -> Response:
    """Take every label out of a group and forget it; answers with the groups that are left."""
    ledger = parts().config.ledger
    label_groups.delete_group(ledger, group_id)
    return jsonify(groups=[present.group(row) for row in label_groups.list_groups(ledger)])
