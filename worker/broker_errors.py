"""What is wrong with the broker, in one sentence: full, refusing the password, or not there."""

from __future__ import annotations

from collections.abc import Iterator

from redis.exceptions import AuthenticationError, AuthorizationError, OutOfMemoryError, ReadOnlyError, RedisError

from worker.replies import connect


class BrokerRefuses(Exception):
    """The broker is there and lets nobody in with what we were given; the message says what to do."""


def explained(error: BaseException) -> str:
    """The error of a call to the broker; any other in its own words."""
    for one in _chain(error):
        said = str(one)
        if isinstance(one, OutOfMemoryError) or "OOM command not allowed" in said:
            return (
                "the broker (Redis or Valkey) is full and takes no messages: raise its maxmemory, or find out what else"
                " fills it. Nothing is lost, the work waits in the ledger"
            )
        if isinstance(one, AuthenticationError | AuthorizationError) or said.startswith(("WRONGPASS", "NOAUTH")):
            return f"the broker refuses the user or password of RUIJI_BROKER_URL ({said}): correct it, then start again"
        if isinstance(one, ReadOnlyError):
            return "RUIJI_BROKER_URL leads to a replica, which takes no messages: give the address of the primary"
    if isinstance(error, RedisError | OSError) or type(error).__name__ == "OperationalError":
        return f"the broker does not answer ({error}); start everything with `ruiji up`"
    return str(error)


def check_broker(broker_url: str) -> None:
    """Raise BrokerRefuses if it lets us in under no circumstances. One that is away may come: Celery waits for it."""
    connection = connect(broker_url)
    try:
        connection.ping()
    except (AuthenticationError, AuthorizationError) as error:
        raise BrokerRefuses(explained(error)) from error
    except (RedisError, OSError):
        return
    finally:
        connection.close()


def _chain(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__
