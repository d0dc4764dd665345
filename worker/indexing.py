"""The index worker's loop: shards into the index, then the rows whose labels or sources have changed."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial
from typing import Any

from catalog import rests
from catalog.artifacts import ArtifactMissing
from catalog.encoders import serving_encoder
from catalog.index import IndexUnavailable, VectorIndex, VectorIndexError
from catalog.index_queue import ClaimedShard, claim_shard, heartbeat_shard
from catalog.indexing import index_one_shard, refresh_changes
from catalog.jobs import complete_jobs
from catalog.reconcile import reconcile
from catalog.shards import InvalidVectors, ShardDamaged
from catalog.switching import ALIAS
from worker.context import Context
from worker.leases import LeaseKeeper

CHANGES_AT_ONCE = 2000

logger = logging.getLogger("ruiji.index")


def work_index(context: Context) -> int:
    """Write all that waits; returns the number of rows written. On milvus-lite no other process may write."""
    index = _index_of(context)
    written = 0
    while not context.stopping.is_set():
        claimed = claim_shard(context.ledger, worker=context.presence.name, lease_s=context.limits.lease_s)
        if claimed is not None:
            written += _index(context, index, claimed)
        # After each shard, not after the last: what people have decided must not wait for an ingest to end.
        context.presence.doing = "refreshing changed rows"
        changed = refresh_changes(context.ledger, context.store, index, CHANGES_AT_ONCE)
        written += changed
        if claimed is None and not changed:
            break
    mirror_serving(context, index)
    context.presence.doing = ""
    if written:
        complete_jobs(context.ledger)
        logger.info("%d rows written to the index", written)
    return written


def _index(context: Context, index: VectorIndex, claimed: ClaimedShard) -> int:
    """Write one shard; one that cannot be used is put aside, for it must keep neither shards nor labels waiting."""
    context.presence.doing = f"indexing shard {claimed.id}"
    renew = partial(heartbeat_shard, context.ledger, claimed, lease_s=context.limits.lease_s)
    try:
        with LeaseKeeper(renew, lease_s=context.limits.lease_s, first=True):
            rows = index_one_shard(context.ledger, context.store, index, claimed)
    except (ArtifactMissing, ShardDamaged, InvalidVectors) as error:
        logger.error("shard %d is left out for %.0f minutes: %s", claimed.id, rests.SHARD_S / 60, error)
        heartbeat_shard(context.ledger, claimed, lease_s=rests.SHARD_S)
        return 0
    context.presence.images += rows
    return rows


def mirror_serving(context: Context, index: VectorIndex) -> None:
    """Point Milvus's alias at the collection of the encoder that serves, for outsiders: we ask by its own name."""
    serving = serving_encoder(context.ledger)
    if serving is None or context.mirrored == serving.collection:
        return
    try:
        index.point_alias(ALIAS, serving.collection)
    except IndexUnavailable:
        raise
    except VectorIndexError as error:  # a collection that nothing was written to yet is not there
        logger.debug("the alias %s stays as it was: %s", ALIAS, error)
        return
    context.mirrored = serving.collection
    logger.info("%s is %s now", ALIAS, serving.collection)


def run_reconcile(context: Context, *, repair: bool) -> dict[str, Any]:
    """Compare ledger, shards and index, and mend the difference when told to; the report as plain values."""
    return asdict(reconcile(context.ledger, context.store, _index_of(context), repair=repair))


def _index_of(context: Context) -> VectorIndex:
    if context.index is None:
        raise RuntimeError(f"a {context.queue} worker has no index")
    return context.index
