"""Nothing that is loaded can hold code: read from the product's source, and tried on a running worker."""

from __future__ import annotations

import ast
import os
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from tests.attacks.speaking import Attacker
from tests.photos import jpeg, scene
from tests.stack import Stack
from tests.test_architecture import name, sources
from worker.app import EMBED_QUERY, PING, WORK_EMBED, WORK_INDEX

WORKERS = {"query", "embed", "index"}
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}
CALLS |= {"yaml.full_load", "torch.jit.load", "pandas.read_pickle", "multiprocessing.Pipe", "tarfile.extractall"}


def dotted(node: ast.expr) -> str:
    """a.b.c as text, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def code_from_data(tree: ast.Module) -> Iterator[str]:
    """What in a file could run code that came as data."""
    for node in ast.walk(tree):
        imported = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        yield from (f"import {one}" for one in imported if one.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        given = {word.arg: word.value for word in node.keywords}
        yes = {word for word, value in given.items() if isinstance(value, ast.Constant) and value.value is True}
        if called in CALLS or "shell" in yes or "allow_pickle" in yes or called.endswith(".extractall"):
            yield f"{called} in line {node.lineno}"
        if called == "torch.load" and "weights_only" not in yes:
            yield f"torch.load without weights_only in line {node.lineno}"


@pytest.mark.parametrize("path", sources(), ids=name)
def test_no_file_runs_what_it_reads(path: Path) -> None:
    assert list(code_from_data(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import dill.source",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(text, shell=True)",
        "np.load(path, allow_pickle=True)",
        "os.system(text)",
        "packed.extractall(folder)",
    ],
)
def test_a_file_that_would_is_seen(source: str) -> None:
    assert len(list(code_from_data(ast.parse(source)))) == 1


class Mark:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def refusing(stack: Stack) -> set[str]:
    """Which logs say that a message was refused: a worker's is named after its queue."""
    logs = (stack.home / "logs").glob("*.log")
    return {path.stem for path in logs if "Refusing to deserialize" in path.read_text(errors="replace")}


def test_a_pickled_message_is_refused_and_the_worker_lives(stack: Stack, attacker: Attacker, tmp_path: Path) -> None:
    workers = {pid for pid, line in stack.processes().items() if "worker --queues" in line}
    broker = f"redis+socket://{next(stack.home.rglob('valkey.sock'))}?virtual_host=0"
    enemy = Celery("enemy", broker=broker, set_as_current=False)
    enemy.conf.update(task_serializer="pickle", accept_content=["pickle"])
    for queue, task in (("query", EMBED_QUERY), ("query", PING), ("embed", WORK_EMBED), ("index", WORK_INDEX)):
        enemy.send_task(
            task, args=[Mark(tmp_path / "taken")], kwargs={}, queue=queue, serializer="pickle", ignore_result=True
        )
    enemy.close()
    until = time.monotonic() + 120
    while not (refused := refusing(stack)) >= WORKERS and time.monotonic() < until:
        time.sleep(0.1)
    assert refused >= WORKERS
    answer = attacker.upload(jpeg(scene("grass", 424_242)))
    assert answer.status == 200, answer.body
    assert not (tmp_path / "taken").exists()
    assert workers <= stack.processes().keys(), "no worker was replaced"
    pickle.loads(pickle.dumps(Mark(tmp_path / "taken")))
    assert (tmp_path / "taken").is_dir(), "the control: the message would have worked"
