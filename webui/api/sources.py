"""Sources: folders and buckets that are searched, the ones that may be added, and adding one from the page."""

from __future__ import annotations

import os

from flask import Response, jsonify

from catalog import sources as catalog_sources
from catalog.encoders import serving_encoder
from catalog.jobs import create_ingest_job
from webui import buckets, present
from webui import folders as browsing
from webui.config import parts
from webui.errors import ApiError, no_encoder
from webui.identity import author, by

from .answers import Deleted, Folders, Sources, SourceStarted
from .blueprint import api, described
from .reading import read_json, read_query
from .requests import FolderQuery, NewSource
from .waking import told


@api.get("/sources")
@described("sources", answer=Sources)
def sources() -> Response:
    """List the sources with their number of images."""
    return jsonify(sources=[present.source(row) for row in catalog_sources.list_sources(parts().config.ledger)])


@api.post("/sources")
@described("sources", json=NewSource, answer=SourceStarted, status=202, refusals=(400, 403, 404, 503))
def add_source() -> tuple[Response, int]:
    """Ingest a folder below the allowed roots, or a bucket; one that is known already is looked through again."""
    wanted = read_json(NewSource)
    have = parts().config
    root = allowed_root(wanted.path)
    encoder = serving_encoder(have.ledger)
    if encoder is None:
        raise no_encoder()
    source = catalog_sources.add_source(
        have.ledger, root, name=wanted.name.strip(), labels_from_folders=wanted.labels_from_folders, by=by()
    )
    job = create_ingest_job(have.ledger, source_id=source.id, encoder_id=encoder.id, author=author())
    return jsonify(job=job, source=source.id, woken=told(have.client.wake_embed)), 202


def allowed_root(path: str) -> bytes:
    """What the ledger calls the folder or bucket that is asked for, if it may be read and holds something."""
    have = parts().config
    known = {row.source.root for row in catalog_sources.list_sources(have.ledger)}
    if buckets.is_bucket(path):
        stores = have.storage.objects
        bucket = buckets.resolve(path, have.allowed_buckets, stores)
        if bucket.root not in known:
            buckets.require_objects(bucket, stores)
        return bucket.root
    folder = browsing.resolve(path, have.allowed_roots)
    root = have.storage.root_of(folder)
    if root not in known and not browsing.has_files(folder):
        raise ApiError(400, "folder_empty", f"{path} holds no files. Put pictures there, or choose another.")
    return root


@api.delete("/sources/<int:source_id>")
@described("sources", answer=Deleted, refusals=(400, 404))
def delete_source(source_id: int) -> Response:
    """Take a source and the images that are nowhere else out of the catalog; the files stay."""
    have = parts().config
    deleted = catalog_sources.delete_source(have.ledger, source_id, by=by())
    told(have.client.wake_index)
    return jsonify(deleted=deleted)


@api.get("/folders")
@described("sources", query=FolderQuery, answer=Folders, refusals=(400, 403, 404, 503))
def folders() -> Response:
    """List the folders and buckets that may be added: the allowed ones, or the sub-folders of one of them."""
    path = read_query(FolderQuery).path
    have = parts().config
    roots, stores = have.allowed_roots, have.storage.objects
    if not path:
        counted = [browsing.count(os.fsencode(os.path.realpath(root))) for root in roots if root.is_dir()]
        for one in buckets.allowed(have.allowed_buckets, stores.schemes):
            counted.append(browsing.FolderCount(name=str(one), path=str(one), pictures=0, more=False))
        return jsonify(path=None, parent=None, pictures=0, more=False, folders=[vars(row) for row in counted])
    if buckets.is_bucket(path):
        bucket = buckets.resolve(path, have.allowed_buckets, stores)
        own, below = buckets.listing(bucket, stores)
        above = buckets.parent(bucket, have.allowed_buckets, stores)
        shown = [vars(row) for row in below]
        return jsonify(path=own.path, parent=above, pictures=own.pictures, more=own.more, folders=shown)
    found = browsing.listing(path, roots)
    return jsonify(
        path=found.own.path,
        parent=str(found.parent) if found.parent else None,
        pictures=found.own.pictures,
        more=found.own.more,
        folders=[vars(row) for row in found.folders],
    )
