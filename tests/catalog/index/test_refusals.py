"""A Milvus that cannot be used says why and what to do: login, version, certificate, collections of another kind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest
from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

from catalog.index import (
    CollectionMismatch,
    IndexLoginRefused,
    IndexOptions,
    IndexTooOld,
    IndexUnavailable,
    VectorIndex,
)
from tests.catalog.index.made import embeddings, eventually
from tests.servers.tls import TlsFront


def bare(url: str) -> str:
    """The address without its login."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}"


@pytest.mark.milvus
@pytest.mark.parametrize(
    ("token", "said"),
    [("", "asks for a login"), ("root:wrong-9f31", "does not accept"), ("key-9f31", "does not accept")],
)
def test_a_login_that_milvus_does_not_take(milvus_url: str, token: str, said: str) -> None:
    index = VectorIndex(bare(milvus_url), token=token)
    for act in (index.ready, lambda: index.ensure_collection("x", 8), lambda: index.count("x")):
        with pytest.raises(
            IndexLoginRefused, match=rf"Milvus at {bare(milvus_url)} {said}.*RUIJI_INDEX_TOKEN"
        ) as raised:
            act()
        assert "9f31" not in str(raised.value)
    index.close()


@pytest.mark.milvus
def test_the_login_may_stand_beside_the_address(milvus_url: str) -> None:
    parts = urlsplit(milvus_url)
    index = VectorIndex(bare(milvus_url), token=f"{parts.username}:{parts.password}")
    assert index.ready()
    index.close()


class OldMilvus(milvus_pb2_grpc.MilvusServiceServicer):  # type: ignore[misc]
    """As much of a Milvus as tells its version; all else is not implemented."""

    def Connect(self, request: Any, context: Any) -> Any:  # noqa: N802
        return milvus_pb2.ConnectResponse(identifier=1)

    def GetVersion(self, request: Any, context: Any) -> Any:  # noqa: N802
        return milvus_pb2.GetVersionResponse(version="v2.2.14")


class OlderMilvus(milvus_pb2_grpc.MilvusServiceServicer):  # type: ignore[misc]
    """One from before clients had to introduce themselves."""

    def Connect(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown method Connect")


@pytest.fixture(params=[(OldMilvus, r"version v2\.2\.14"), (OlderMilvus, "one that does not know")])
def old_milvus(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Its address, and what is said of it."""
    kind, said = request.param
    server = grpc.server(ThreadPoolExecutor(2))
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(kind(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}", said
    server.stop(grace=None)


def test_a_version_that_is_too_old_is_named_with_the_one_that_is_needed(old_milvus: tuple[str, str]) -> None:
    url, said = old_milvus
    index = VectorIndex(url)
    for act in (index.ready, lambda: index.ensure_collection("x", 8)):
        with pytest.raises(IndexTooOld, match=rf"Milvus at {url} is {said}.*needs 2\.3 or newer"):
            act()
    index.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=milvus", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


def test_tls_with_the_certificate_that_is_named(milvus_lite_url: str, certificate: tuple[Path, Path]) -> None:
    made, key = certificate
    front = TlsFront(made, key, behind=int(milvus_lite_url.rpartition(":")[2]))
    front.start()
    url = f"https://127.0.0.1:{front.port}"
    try:
        trusting = VectorIndex(url, options=IndexOptions(ca_file=str(made)))
        vectors = embeddings(5, dimension=8)
        trusting.ensure_collection("over_tls", 8)
        trusting.upsert("over_tls", ids=np.arange(1, 6), vectors=vectors, labels=[()] * 5, sources=[(1,)] * 5)
        assert trusting.count("over_tls") == 5
        trusting.drop("over_tls")
        trusting.close()
        with pytest.raises(IndexUnavailable, match=rf"Milvus at {url} does not answer.*RUIJI_INDEX_CA"):
            VectorIndex(url, timeout_s=2).ready()
        with pytest.raises(IndexUnavailable, match="does not answer"):
            VectorIndex(url.replace("https", "http"), timeout_s=2).ready()
    finally:
        front.stop()


def test_tls_asked_of_a_server_without(milvus_lite_url: str) -> None:
    with pytest.raises(IndexUnavailable, match="write http instead of https"):
        VectorIndex(milvus_lite_url.replace("http", "https"), timeout_s=2).ready()


def test_vectors_of_another_length_are_refused_by_name(index: VectorIndex, collection: str) -> None:
    index.ensure_collection(collection, 8)
    with pytest.raises(CollectionMismatch, match=rf"{collection}.*8 numbers, not 16.*doctor --repair"):
        index.ensure_collection(collection, 16)
    index.upsert(collection, ids=np.array([1]), vectors=embeddings(1, dimension=8), labels=[()], sources=[(1,)])
    eventually(lambda: len(index.search(collection, embeddings(1, dimension=8), limit=3)[0].ids), 1)
    with pytest.raises(CollectionMismatch, match=rf"{collection}.*not 16"):
        index.search(collection, embeddings(1, dimension=16), limit=3)
