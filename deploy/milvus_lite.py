"""The embedded index server: milvus-lite on 127.0.0.1, on a port the system chooses, closed in order at SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path

from deploy.process import Part, python


def milvus_part(*, data: Path, port_file: Path) -> Part:
    """How to start it; the port file appears when it listens."""
    port_file.unlink(missing_ok=True)
    return Part(
        name="milvus", command=python("-m", "deploy.milvus_lite", "--data", str(data), "--port-file", str(port_file))
    )


def main() -> None:
    """Serve until SIGTERM or SIGINT. milvus-lite's own command line listens on every address: it is not used."""
    parser = argparse.ArgumentParser(prog="python -m deploy.milvus_lite", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port-file", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s")

    # pymilvus asks milvus-lite for a timestamp, does without, and the server would print a traceback for it.
    logging.getLogger("grpc._server").addFilter(_is_no_missing_method)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    from milvus_lite.adapter.grpc.server import start_server_in_thread

    from deploy import milvus_lite_index_files, milvus_lite_search, milvus_lite_writes

    milvus_lite_search.install()
    milvus_lite_writes.install()
    milvus_lite_index_files.install()

    given.data.mkdir(parents=True, exist_ok=True)
    server, database, port = start_server_in_thread(str(given.data), host="127.0.0.1", port=0)
    milvus_lite_index_files.sweep(given.data)
    partial = given.port_file.with_suffix(".partial")
    partial.write_text(str(port))
    partial.replace(given.port_file)
    print(f"milvus-lite listens on 127.0.0.1:{port}", flush=True)
    stop.wait()
    server.stop(grace=3).wait()
    database.close()
    given.port_file.unlink(missing_ok=True)


def _is_no_missing_method(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], NotImplementedError))


if __name__ == "__main__":
    main()
