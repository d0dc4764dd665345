"""The catalog's refusals, each with the HTTP status that says the same."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from catalog.artifacts import ArtifactError
from catalog.errors import (
    CatalogError,
    HuntChanged,
    InvalidHunt,
    InvalidKey,
    InvalidLabel,
    InvalidRun,
    KeyTaken,
    LedgerAway,
    LedgerBusy,
    LedgerError,
    UnknownBatch,
    UnknownEncoder,
    UnknownGroup,
    UnknownHunt,
    UnknownImage,
    UnknownJob,
    UnknownLabel,
    UnknownRun,
    UnknownSource,
)
from catalog.maps import MapNotReady, UnknownMap
from catalog.shards import ShardDamaged
from catalog.user_errors import (
    ComeBackLater,
    InvalidToken,
    InvalidUser,
    LastAdmin,
    LinkGone,
    SignInRefused,
    UnknownToken,
    UnknownUser,
    WeakPassword,
)
from curate.kept_matches import MatchGone
from curate.ranker import NoPositives
from worker.client import EncoderRefused

from .errors import FULL_DISK, ApiError, internal, storage_full

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], int] = {
    CatalogError: 409,
    ComeBackLater: 429,
    HuntChanged: 409,
    InvalidHunt: 400,
    InvalidKey: 400,
    InvalidLabel: 400,
    InvalidRun: 400,
    InvalidToken: 400,
    InvalidUser: 400,
    LastAdmin: 409,
    LedgerBusy: 503,
    LinkGone: 410,
    MapNotReady: 409,
    MatchGone: 404,
    SignInRefused: 403,
    UnknownBatch: 404,
    UnknownEncoder: 404,
    UnknownGroup: 404,
    UnknownHunt: 404,
    UnknownImage: 404,
    UnknownJob: 404,
    UnknownLabel: 404,
    UnknownMap: 404,
    UnknownRun: 404,
    UnknownSource: 404,
    UnknownToken: 404,
    UnknownUser: 404,
    WeakPassword: 400,
}


def refusal(status: int) -> Callable[[CatalogError], ApiError]:
    """An answer with the exception's own sentence, and its name as the code: UnknownSource is unknown_source."""
    return lambda error: ApiError(status, re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower(), str(error))


def of_ledger(error: LedgerError) -> ApiError:
    if not isinstance(error, LedgerAway):
        return internal(error)
    if "full" in str(error):
        return storage_full()
    return ApiError(503, "ledger_unavailable", str(error))


def of_artifacts(error: ArtifactError) -> ApiError:
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL_DISK:
        return storage_full()
    log.error("an artifact could not be used: %s", error)
    return ApiError(500, "storage_failed", str(error))


def of_shard(error: ShardDamaged) -> ApiError:
    log.error("%s", error)
    return ApiError(500, "shard_damaged", str(error))


REFUSALS: dict[type[Exception], Callable[[Any], ApiError]] = {
    **{family: refusal(status) for family, status in STATUS.items()},
    KeyTaken: lambda error: ApiError(409, "key_taken", str(error), batch=error.batch_id),
    NoPositives: lambda error: ApiError(409, "no_examples", str(error)),
    EncoderRefused: lambda error: ApiError(422, "encoder_refused", f"{str(error)[:1].upper()}{str(error)[1:]}."),
    LedgerError: of_ledger,
    ArtifactError: of_artifacts,
    ShardDamaged: of_shard,
}
