"""The health checks of containers: `python -m deploy.healthy page http://web:8765/healthz` or `… worker embed`.

Says what is wrong and ends with 1, or ends with 0. The page is asked by a name that it answers to, wherever it is.
"""

from __future__ import annotations

import argparse
import urllib.error
import urllib.request

TIMEOUT_S = 3.0


def page(url: str) -> str | None:
    """Why the web server does not answer with 200, or None."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "localhost"}), timeout=TIMEOUT_S):  # noqa: S310  an address of ours
            return None
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}: {error.read(1000).decode(errors='replace').strip()}"
    except OSError as error:
        return f"{url} does not answer: {error}"


def worker(queue: str) -> str | None:
    """Why the workers of a queue in this container are not well, or None."""
    from settings import Settings
    from worker.pulse import what_is_wrong

    return what_is_wrong(Settings().run_folder, queue)


CHECKS = {"page": page, "worker": worker}


def main() -> int:
    """Run one check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.healthy", description=__doc__)
    parser.add_argument("kind", choices=CHECKS)
    parser.add_argument("what", help="the page's address, or the worker's queue")
    given = parser.parse_args()
    wrong = CHECKS[given.kind](given.what)
    if wrong is not None:
        print(wrong)
    return int(wrong is not None)


if __name__ == "__main__":
    raise SystemExit(main())
