"""A real S3 server over HTTP on loopback, moto's, with buckets that a test may fill, spoil and take away."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Traffic:
    """A busy server: each object is refused `refusals` times before it comes, and then takes `lasts_s`.

    None comes before as many as `meeting` were asked for at one moment.
    """

    def __init__(self, app: Any, *, refusals: int, lasts_s: float, meeting: int) -> None:
        self.most_at_once = 0
        self.asked: Counter[str] = Counter()
        self._app, self._refusals, self._lasts_s = app, refusals, lasts_s
        self._now = 0
        self._meeting, self._met = meeting, threading.Event()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """One request; only those for objects count."""
        if environ["REQUEST_METHOD"] != "GET" or "list-type" in environ["QUERY_STRING"]:
            return self._app(environ, start_response)
        with self._lock:
            self.asked[environ["PATH_INFO"]] += 1
            refused = self.asked[environ["PATH_INFO"]] <= self._refusals
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            if self.most_at_once >= self._meeting:
                self._met.set()
        try:
            self._met.wait(60)
            time.sleep(self._lasts_s)
            if refused:
                start_response("503 Slow Down", [("Content-Type", "application/xml")])
                return [BUSY]
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self._now -= 1


class S3Server:
    """Buckets are in memory and end with it; `variables` are what a process needs to read them."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.variables = {
            "AWS_ACCESS_KEY_ID": "a-key-for-tests",
            "AWS_SECRET_ACCESS_KEY": "a-secret-for-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> Any:
        """A client of Amazon's own library."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=self.variables["AWS_DEFAULT_REGION"],
        )

    def put(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Write objects into a bucket, which is made if it is not there."""
        client = self.client()
        if bucket not in {one["Name"] for one in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        for key, data in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=data)

    def delete(self, bucket: str, *keys: str) -> None:
        """Delete objects."""
        client = self.client()
        for key in keys:
            client.delete_object(Bucket=bucket, Key=key)

    def take_away(self, bucket: str) -> None:
        """Delete a bucket with all that is in it."""
        client = self.client()
        self.delete(bucket, *(one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", ())))
        client.delete_bucket(Bucket=bucket)

    @contextlib.contextmanager
    def busy(self, *, refusals: int = 0, lasts_s: float = 0.0, meeting: int = 0) -> Iterator[Traffic]:
        """For as long as the block runs."""
        server: Any = self._server._server
        calm = server.app
        server.app = Traffic(calm, refusals=refusals, lasts_s=lasts_s, meeting=meeting)
        try:
            yield server.app
        finally:
            server.app = calm

    def stop(self) -> None:
        """End it."""
        self._server.stop()
