"""`ruiji up`: the whole of Ruiji on one machine, started in order, watched, and stopped without a trace."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL
from catalog.encoders import serving_encoder
from catalog.installation import set_version
from catalog.jobs import create_ingest_job
from catalog.ledger import Ledger
from catalog.recovery import release_all
from catalog.sources import add_source
from catalog.storage.pictures import PictureStorage
from catalog.workers import list_workers
from deploy.encoder_setup import SHIPPED, describe, set_up_encoder
from deploy.ingest_lines import IngestLines
from deploy.lock import HomeLock
from deploy.logs import Log
from deploy.milvus_lite import milvus_part
from deploy.ports import listen
from deploy.process import Part, python
from deploy.supervisor import PartEnded, Stopped, Supervisor
from deploy.valkey import answers as valkey_answers
from deploy.valkey import make_private, valkey_part
from settings import Settings, default_home
from worker.client import Client, WorkerUnavailable
from worker.launch import can_train

BULK_NICE = 10
TRAIN_NICE = 15  # hours long: an ingest is not to wait for it
READY_WITHIN_S = 120.0  # of each part; 15 s are usual for all, a busy machine may take long
ROOT = Path(__file__).resolve().parent.parent


def run(settings: Settings, *, sources: list[tuple[str, bool]], port_given: bool = False) -> int:
    """Start everything, ingest `sources` (folder or bucket, whether folder names are labels), stay until told to stop.

    Returns 0 after Ctrl-C or SIGTERM and 1 after the death of a part. Raises AlreadyRunning, PortTaken, StartFailed,
    SettingsError and EncoderDamaged.
    """
    settings.check()
    storage = PictureStorage.of(**settings.where_pictures_are())
    roots = [(storage.root_of(folder), labels) for folder, labels in sources]
    settings.home.mkdir(parents=True, exist_ok=True)
    make_private(settings.run_folder)
    with HomeLock(settings.run_folder / "lock"):
        log = Log(settings.home / "logs", form=settings.log, routine=settings.log_level == "DEBUG")
        supervisor = Supervisor(log)
        supervisor.install_signals()
        try:
            _start_and_watch(settings, supervisor, log, sources=roots, port_given=port_given)
        except Stopped as stopped:
            log.say(f"{stopped}: stopping")
            return 0
        except PartEnded as ended:
            _remember_death(settings, ended.name)
            log.say(f"{ended}: stopping everything; see {settings.home / 'logs' / (ended.name + '.log')}")
            return 1
        finally:
            supervisor.stop_all()
    return 0


def _start_and_watch(
    settings: Settings, supervisor: Supervisor, log: Log, *, sources: Sequence[tuple[bytes, bool]], port_given: bool
) -> None:
    began = time.monotonic()
    log.say(f"Ruiji starting on {settings.home}; what its parts do is told in {settings.home / 'logs' / 'ruiji.log'}")
    listener = listen(settings.host, settings.port, exactly=port_given)
    environment = _environment(settings)
    if not settings.broker_url:
        supervisor.start(valkey_part(data=settings.home / "valkey", socket=settings.socket_path))
    if not settings.index_url:
        supervisor.start(milvus_part(data=settings.home / "milvus", port_file=settings.port_file))

    ledger = Ledger.open(settings.resolved_database_url())
    store = ArtifactStore(settings.resolved_artifacts_url())
    if ledger.dialect == "sqlite":  # no worker elsewhere can share it, and under our lock none is left here
        released = release_all(ledger, count_attempt=_last_death(settings) == "embed")
        if released.chunks or released.scans or released.shards:
            log.say(f"taking up again: {released.chunks} chunks, {released.scans} scans, {released.shards} shards")
    set_version(ledger)
    given = set_up_encoder(ledger, store, settings.encoder_dir or SHIPPED)
    for line in describe(given, serving_encoder(ledger) or given):
        log.say(line)

    broker_url = settings.resolved_broker_url()
    supervisor.wait_until("valkey", lambda: valkey_answers(broker_url), timeout_s=READY_WITHIN_S)
    for part in _workers(environment):
        supervisor.start(part)
    supervisor.wait_until(
        "milvus", lambda: bool(settings.index_url) or settings.port_file.exists(), timeout_s=READY_WITHIN_S
    )
    environment["RUIJI_INDEX_URL"] = settings.resolved_index_url()
    supervisor.start(_worker("index", environment, nice=BULK_NICE))
    descriptor = listener.fileno()
    supervisor.start(
        Part(
            name="web",
            command=python("-m", "deploy.gunicorn_server", "--bind", f"fd://{descriptor}"),
            # Its products are small: threads of BLAS would only spin against the workers.
            environment={**environment, "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=(descriptor,),
        )
    )
    port = int(listener.getsockname()[1])
    listener.close()

    client = Client(broker_url)
    supervisor.wait_until("web", lambda: page_answers(settings.host, port), timeout_s=READY_WITHIN_S)
    supervisor.wait_until("query", lambda: _pong(client), timeout_s=READY_WITHIN_S)
    for name in ("embed", "index"):
        supervisor.wait_until(name, partial(_announced, ledger, supervisor.pid(name)), timeout_s=READY_WITHIN_S)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    if port != settings.port:
        log.say(f"port {settings.port} is taken, so the page is on port {port}")
    page = f"http://{shown}:{port}"
    log.say(f"ready in {time.monotonic() - began:.1f} s: open {page}")
    elsewhere = for_other_shells(settings)
    for line in elsewhere:
        log.say(line)

    jobs = ingest_jobs(ledger, sources, fallback=given.id)
    client.wake_embed()
    supervisor.watch(tick=IngestLines(ledger, jobs, say=log.say, page=page, last=[*elsewhere, f"open {page}"]))


def for_other_shells(settings: Settings) -> list[str]:
    """What other shells need for `ruiji status` and the like to find this home; nothing where it is the usual one."""
    if settings.home == default_home():
        return []
    return [f"for other commands, in another shell: export RUIJI_HOME={shlex.quote(str(settings.home))}"]


def ingest_jobs(ledger: Ledger, sources: Sequence[tuple[Path | bytes, bool]], *, fallback: str) -> list[int]:
    """A job for each folder, with the encoder that serves: what another embeds, no search finds."""
    serving = serving_encoder(ledger)
    encoder_id = serving.id if serving else fallback
    jobs = []
    for root, labels in sources:
        source = add_source(ledger, root, labels_from_folders=labels, by=SHELL)
        jobs.append(create_ingest_job(ledger, source_id=source.id, encoder_id=encoder_id, author="shell"))
    return jobs


def _environment(settings: Settings) -> dict[str, str]:
    path = os.pathsep.join(entry for entry in (str(ROOT), os.environ.get("PYTHONPATH", "")) if entry)
    return {
        "RUIJI_HOME": str(settings.home),
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        # One message a line, whatever the terminal; and no report of use from a library.
        "NO_COLOR": "1",
        "OPENVINO_TELEMETRY_DISABLED": "1",
    }


def _worker(queue: str, environment: dict[str, str], *, nice: int, again: bool = False) -> Part:
    command = python("-m", "ruiji", "worker", "--queues", queue)
    return Part(name=queue, command=command, environment=dict(environment), nice=nice, again=again)


def _workers(environment: dict[str, str]) -> list[Part]:
    """The parts that need no index."""
    return [
        _worker("query", environment, nice=0),
        _worker("embed", environment, nice=BULK_NICE),
        *([_worker("train", environment, nice=TRAIN_NICE, again=True)] if can_train() else []),
        Part(name="beat", command=python("-m", "ruiji", "beat"), environment=dict(environment)),
    ]


def page_answers(host: str, port: int) -> bool:
    """Whether GET /healthz is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _pong(client: Client) -> bool:
    try:
        return bool(client.ping("query", timeout_s=1.0))
    except WorkerUnavailable:
        return False


def _announced(ledger: Ledger, pid: int) -> bool:
    return any(row.pid == pid for row in list_workers(ledger, alive_within_s=60.0))


def _remember_death(settings: Settings, part: str) -> None:
    (settings.run_folder / "last_death").write_text(json.dumps({"part": part, "at": time.time()}))


def _last_death(settings: Settings) -> str:
    """The part whose death ended the last run, or nothing when it was stopped or killed as a whole."""
    path = settings.run_folder / "last_death"
    try:
        return str(json.loads(path.read_text())["part"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    finally:
        path.unlink(missing_ok=True)
