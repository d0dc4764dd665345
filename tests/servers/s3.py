"""A real S3 server over HTTP on loopback, moto's, with buckets that a test may fill, spoil and take away."""

from __future__ import annotations

from typing import Any


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

    def stop(self) -> None:
        """End it."""
        self._server.stop()
