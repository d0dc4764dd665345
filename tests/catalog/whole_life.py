"""A ledger in which everything has happened once: rows in every table, written by what writes them in the product."""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import func, insert, select

from catalog import tables
from catalog.api_tokens import add_token
from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL
from catalog.encoders import register
from catalog.gangs import offer
from catalog.hunt_examples import add_image, add_upload
from catalog.hunts import create_hunt
from catalog.installation import set_version
from catalog.joining import join
from catalog.labels import Decision, ensure_label, merge_label, record, undo
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.runs import create_run
from catalog.sign_in import Door, sign_in
from catalog.unreadable import note_unreadable
from catalog.users import add_user, invite_again
from catalog.workers import announce
from tests.catalog.deciding import CONTENTS, say
from tests.catalog.stand_in import BAD, image_of, ingest, start, with_source

# Names as people give them, and a path that is no text.
LABEL, GROUP, AUTHOR = "飛行機 ✈", "véhicules", "Zoë"
PATHS = [b"%d.jpg" % number for number in range(len(CONTENTS) - 1)] + [b"caf\xe9\n.jpg"]


def live(ledger: Ledger, folder: Path) -> None:
    """Photos, one bad file, a second ingest under way, labels decided, undone and merged, a hunt, a training run."""
    source = with_source(ledger, "/photos/été", labels=True)
    ingest(ledger, source, {**dict(zip(PATHS, CONTENTS, strict=True)), b"broken.jpg": BAD})
    images = [image_of(ledger, content) for content in CONTENTS]
    start(ledger, with_source(ledger, "/more"))  # a scan with a lease that is held
    plane, jet = ensure_label(ledger, LABEL, group=GROUP), ensure_label(ledger, "jet")
    ensure_label(ledger, "ship", group=GROUP)
    say(ledger, "folder", (images[0], plane.id, "yes"), origin="folder")
    hunt = create_hunt(ledger, label_id=plane.id, author=AUTHOR, name="見つける", state={"page": 60, "ratio": 0.1})
    decided = [Decision(image, plane.id, "yes" if at % 3 else "no") for at, image in enumerate(images[1:9])]
    record(ledger, key="hunted", author=AUTHOR, decisions=decided, hunt=hunt.id)
    taken_back = say(ledger, "wrong", (images[9], plane.id, "yes"), (images[2], jet.id, "yes"))
    undo(ledger, taken_back.batch_id, author=AUTHOR, key="undone")
    say(ledger, "jets", (images[10], jet.id, "yes"))
    merge_label(ledger, jet.id, into=plane.id, author=AUTHOR, key="merged")
    add_image(ledger, hunt.id, images[3], sign=1, author=AUTHOR)
    add_upload(ledger, ArtifactStore(folder / "artifacts"), hunt.id, data=b"a picture", sign=-1, author=AUTHOR)
    create_run(
        ledger, name="ours", preset="quick-cpu", source_ids=[source.id], author=AUTHOR, changes={"learning_rate": 1e-05}
    )
    offer(ledger, worker="train@host:1", address="10.0.0.1", lease_s=60)
    register(
        ledger, id="a" * 64, name="second", dimension=8, input_size=64, folder="g", config={"mean": [0.1]}, metrics={}
    )
    announce(ledger, name="embed@host:2", queues="embed", host="host", pid=2, device="cpu", started_at=1.0)
    note_unreadable(ledger, worker="embed@host:2", source_id=source.id, reason="not mounted")
    set_version(ledger)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    user, code = add_user(ledger, AUTHOR, role="labeller", by=SHELL)
    join(ledger, passwords, code, password="a long enough one", address="192.0.2.7")
    sign_in(Door(ledger, passwords, b"key"), name=AUTHOR, password="a long enough one", address="192.0.2.7")
    add_token(ledger, user.id, name="スクリプト", scope="label", lasts_s=3600, by=SHELL)
    invite_again(ledger, user.id, by=SHELL)
    with ledger.write() as connection:
        run = connection.execute(select(tables.run.c.id)).scalar_one()
        values = {"run_id": run, "epoch": 1, "loss": 0.1 + 0.2, "learning_rate": -0.0, "knn": None, "at": 1e9 / 3}
        connection.execute(insert(tables.run_epoch).values(**values))
        # The newest label was made by mistake and is gone: no other may ever get its number.
        gone = insert(tables.label).values(name="gone", colour="#000000", created_at=0.0).returning(tables.label.c.id)
        connection.execute(tables.label.delete().where(tables.label.c.id == connection.execute(gone).scalar_one()))
    assert empty(ledger) == [], "let something happen in these tables too, so that their backup is tested"


def empty(ledger: Ledger) -> list[str]:
    """The tables without a row."""
    with ledger.read() as connection:
        return [
            table.name
            for table in tables.metadata.sorted_tables
            if not connection.execute(select(func.count()).select_from(table)).scalar_one()
        ]


def everything(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as the product reads them, in the order of the key."""
    found = {}
    with ledger.read() as connection:
        for table in tables.metadata.sorted_tables:
            key = [at for at, column in enumerate(table.columns) if column.primary_key]
            rows = [tuple(row) for row in connection.execute(select(table))]
            found[table.name] = sorted(rows, key=lambda row: repr([row[at] for at in key]))
    return found
