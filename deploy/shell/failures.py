"""Errors that a user can cause, as one line and an exit code."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from catalog.errors import CatalogError
from catalog.index_errors import IndexUnavailable
from deploy.devices import NoDevice
from deploy.evaluation.errors import NoEvaluation
from deploy.lock import AlreadyRunning
from deploy.ports import PortTaken
from deploy.supervisor import StartFailed
from deploy.training.errors import NoTraining
from deploy.valkey import UnsafeFolder
from encoder.folder import EncoderError
from encoder.maps.apart import NoMap
from encoder.training.errors import TrainingError
from ingest.public.download import DataError
from ingest.walk import FolderMissingError
from settings import SettingsError
from worker.broker_errors import BrokerRefuses
from worker.client import QueryFailed, WorkerUnavailable
from worker.models import NoEncoder

FAILED, NOT_RUNNING = 1, 3


class NotRunning(Exception):
    """A command needs a stack that is not there."""


def explain(error: Exception) -> tuple[str, int] | None:
    """(message, exit code), or None for an error that is ours and deserves its traceback."""
    if isinstance(error, NotRunning | BrokerRefuses | WorkerUnavailable | SettingsError | NoEncoder | IndexUnavailable):
        return str(error), NOT_RUNNING
    ours = QueryFailed | CatalogError | EncoderError | AlreadyRunning | PortTaken | StartFailed | UnsafeFolder
    if isinstance(error, ours | NoDevice | NoEvaluation | NoMap | NoTraining | TrainingError):
        return str(error), FAILED
    if isinstance(error, DataError | FolderMissingError):
        return str(error), FAILED
    if isinstance(error, SQLAlchemyError):
        return f"the ledger cannot be read or written: {str(error).splitlines()[0]}", FAILED
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "), FAILED
    return None
