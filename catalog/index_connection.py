"""One connection to Milvus, shared by threads: made when needed, given up when it fails, errors put into our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import grpc

from catalog.index_errors import (
    CollectionMissing,
    CollectionNotLoaded,
    IndexLoginRefused,
    IndexTooOld,
    IndexUnavailable,
    VectorIndexError,
)

Client = TypeVar("Client")
T = TypeVar("T")

# Milvus's error codes, the same in milvus-lite.
_NOT_FOUND = 100
_NOT_LOADED = 101
LEAST = "2.3"  # the first version that knows COSINE
_NOT_READY = 1  # and, in milvus-lite, anything unforeseen
_GONE = 2  # unavailable; also said by pymilvus itself when it cannot connect
# Unavailable, out of memory, too many requests, out of disk, rate limit, a collection that is just being loaded.
_TRY_LATER = {_GONE, 3, 4, 7, 8, 103}
_NO_INDEX = 700  # somebody makes it anew at this moment
_REFUSED = {1400, 1401, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


class Connection(Generic[Client]):
    """A client that is connected again after a failure, and in a forked child: gRPC does not survive a fork."""

    def __init__(
        self,
        url: str,
        connect: Callable[[], Client],
        *,
        failure: type[Exception],
        timeout_s: float,
        login_given: bool = False,
    ) -> None:
        """`connect` makes a client with a `close`; `failure` is its library's exception, with `code` and `message`."""
        self._url = url
        self._login_given = login_given
        self._connect = connect
        self._failure = failure
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._owner = os.getpid()

    def call(self, action: Callable[[Client], T]) -> T:
        """Return what `action` does with the client.

        Raises IndexUnavailable, IndexLoginRefused, IndexTooOld, CollectionMissing, CollectionNotLoaded and, for
        whatever else it refuses, VectorIndexError.
        """
        client = self._connected()
        try:
            return action(client)
        except self._failure as error:
            code, message = getattr(error, "code", None), str(getattr(error, "message", error))
            if code == _NOT_FOUND:
                raise CollectionMissing("") from error
            if code in (_NOT_LOADED, _NO_INDEX):
                raise CollectionNotLoaded(message) from error
            if code in _REFUSED:
                raise self._refused(message) from error
            # "delegator": who searches a part of the collection has just been told to hold another one.
            starting = (code == _NOT_READY and "not ready" in message) or "search/query delegator" in message
            if isinstance(code, grpc.StatusCode) or code in _TRY_LATER or starting or self._gave_up(client):
                if code in (grpc.StatusCode.UNAVAILABLE, _GONE):
                    self._give_up(client)
                raise self._unavailable(message) from error
            raise VectorIndexError(f"Milvus at {self._url} refused: {' '.join(message.split())[:500]}") from error
        except grpc.RpcError as error:
            if (refusal := _login_refused(error)) is not None:
                raise self._refused(refusal) from error
            # A call that took too long says nothing of the others that share the client.
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAVAILABLE:
                self._give_up(client)
            raise self._unavailable(str(error.details() if isinstance(error, grpc.Call) else error)) from error
        except ValueError as error:
            if not self._gave_up(client):
                raise
            raise self._unavailable("the connection was lost") from error

    def close(self) -> None:
        """Close the client; the next call makes another."""
        if (client := self._client) is not None:
            self._give_up(client)

    def _connected(self) -> Client:
        if self._owner != os.getpid():
            self._lock = threading.Lock()  # the parent's may have been held at the fork
            self._client, self._owner = None, os.getpid()
        if (client := self._client) is not None:
            return client
        # Threads that all find the server gone must not wait for one another's attempts in turn.
        if not self._lock.acquire(timeout=self._timeout_s):
            raise self._unavailable("connecting takes too long")
        try:
            if self._client is None:
                self._client = self._connect()
            return self._client
        except (self._failure, grpc.RpcError) as error:
            # pymilvus says of whatever goes wrong in connecting that the server may be away; the reason is beneath.
            for cause in (error, error.__cause__):
                if (refusal := _login_refused(cause)) is not None:
                    raise self._refused(refusal) from error
            if isinstance(error.__cause__, grpc.Call) and error.__cause__.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise IndexTooOld(self._url, "one that does not know how to greet", LEAST) from error
            beneath = error.__cause__.details() if isinstance(error.__cause__, grpc.Call) else ""
            raise self._unavailable(str(beneath or getattr(error, "message", error))) from error
        finally:
            self._lock.release()

    def _gave_up(self, client: Client) -> bool:
        """Whether another thread has closed it meanwhile: gRPC and pymilvus say so in many words and types."""
        return self._client is not client

    def _give_up(self, client: Any) -> None:
        if self._client is client:
            self._client = None
        client.close()

    def _refused(self, reason: str) -> IndexLoginRefused:
        return IndexLoginRefused(self._url, " ".join(reason.split())[:200], given=self._login_given)

    def _unavailable(self, reason: str) -> IndexUnavailable:
        short = " ".join(reason.split())
        remedy = "start it, or check the address"
        if "CERTIFICATE_VERIFY_FAILED" in short:
            remedy = "set RUIJI_INDEX_CA to the file of whoever signed its certificate"
        elif "WRONG_VERSION_NUMBER" in short:
            remedy = "it has no TLS: write http instead of https into RUIJI_INDEX_URL"
        return IndexUnavailable(f"Milvus at {self._url} does not answer ({short[:240]}); {remedy}.")


def _login_refused(error: object) -> str | None:
    """What Milvus said, if the error is that it refused the login or what it may do."""
    code = error.code() if isinstance(error, grpc.Call) else getattr(error, "code", None)
    if code not in _REFUSED:
        return None
    return str(error.details() if isinstance(error, grpc.Call) else getattr(error, "message", error))
