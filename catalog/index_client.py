"""One client of a Milvus server: pymilvus's for what is rare, and its protocol itself for rows, which come in millions.

pymilvus takes 28 to 109 microseconds of this process to turn a row into a message, a packed column of them takes 1.
"""

from __future__ import annotations

import base64
import re
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen import milvus_pb2_grpc

from catalog.index_connection import LEAST
from catalog.index_errors import IndexTooOld
from catalog.index_options import Address

# pymilvus pings every 10 s, calls or not; a gRPC server takes that for an attack after a few, milvus-lite's too,
# and ends the connection, at times in the middle of a call. A lost server is noticed by the time limit of each call.
SELDOM_PINGED: Final = {"grpc.keepalive_time_ms": 330_000, "grpc.keepalive_permit_without_calls": False}
IN_FLIGHT: Final = 2  # writes that a Milvus works on at a time: while one is stored, the next is unpacked
RATE_LIMITED: Final = 8
PAUSE_S: Final = 0.2


class IndexClient:
    """What `Connection` keeps: `milvus` for all calls but writing, `version`, and whether it is milvus-lite."""

    def __init__(self, address: Address, *, ca_file: str, timeout_s: float) -> None:
        """Connect. Raises MilvusException, grpc.RpcError, IndexTooOld, and OSError for the file of the certificate."""
        secure: dict[str, Any] = {"secure": address.secure}
        if address.secure and ca_file:
            secure["server_pem_path"] = ca_file
        # `dedicated`: pymilvus would share one connection among all clients of this process, a broken one too.
        self.milvus = MilvusClient(
            uri=f"{'https' if address.secure else 'http'}://{address.host}:{address.port}",
            token=address.token, db_name=address.database, timeout=timeout_s,
            dedicated=True, grpc_options=SELDOM_PINGED, **secure,
        )  # fmt: skip
        self._channel: grpc.Channel | None = None
        try:
            self.version = str(self.milvus.get_server_version(timeout=timeout_s))
            self.lite = self.version.startswith("milvus_lite")  # PyPI's real Milvus calls itself 2.3.5-lite
            check_version(address.url, self.version, lite=self.lite)
            self._channel = _channel(address, ca_file)
            self._rows = milvus_pb2_grpc.MilvusServiceStub(self._channel)
            login = base64.b64encode(address.token.encode()).decode()
            self._metadata = [("authorization", login)] if address.token else []
            self._database = address.database
        except BaseException:
            self.close()
            raise

    def write(self, requests: Iterable[Any], *, timeout_s: float) -> None:
        """Send requests of rows (`index_rows.packed`) one after the other; on a Milvus, IN_FLIGHT of them at a time.

        Returns when all have been taken. Raises MilvusException and grpc.RpcError; any part may have been taken then.
        """
        waiting: deque[tuple[Any, Any]] = deque()
        try:
            for request in requests:
                request.db_name = self._database
                waiting.append((request, self._send(request, timeout_s)))
                # milvus-lite loses rows when it takes in several writes at a time.
                while len(waiting) >= (1 if self.lite else IN_FLIGHT):
                    self._finish(*waiting.popleft(), timeout_s=timeout_s)
            while waiting:
                self._finish(*waiting.popleft(), timeout_s=timeout_s)
        finally:
            for _, call in waiting:
                call.cancel()

    def close(self) -> None:
        """Give both connections back."""
        self.milvus.close()
        if self._channel is not None:
            self._channel.close()

    def _send(self, request: Any, timeout_s: float) -> Any:
        return self._rows.Upsert.future(request, timeout=timeout_s, metadata=self._metadata)

    def _finish(self, request: Any, call: Any, *, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while True:
            status = call.result().status
            code = status.code or status.error_code
            if not code:
                return
            if code != RATE_LIMITED or time.monotonic() > until:
                raise MilvusException(code, status.reason)
            time.sleep(PAUSE_S)
            call = self._send(request, timeout_s)


def check_version(url: str, version: str, *, lite: bool) -> None:
    """Raise IndexTooOld for a Milvus older than LEAST; one that calls itself otherwise is taken at its word."""
    found = re.search(r"(\d+)\.(\d+)", version)
    if not lite and found and [int(found[1]), int(found[2])] < [int(part) for part in LEAST.split(".")]:
        raise IndexTooOld(url, f"version {version[:40]}", LEAST)


def _channel(address: Address, ca_file: str) -> grpc.Channel:
    options = [*SELDOM_PINGED.items(), ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    target = f"{address.host}:{address.port}"
    if not address.secure:
        return grpc.insecure_channel(target, options=options)
    trusted = Path(ca_file).read_bytes() if ca_file else None
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(root_certificates=trusted), options=options)
