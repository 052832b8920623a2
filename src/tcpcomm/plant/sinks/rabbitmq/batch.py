"""The messages of one batch that wait for their confirms: :class:`Batch`."""

from __future__ import annotations

from typing import Any

from pika.exceptions import AMQPError, NackError, UnroutableError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.net.error_texts import loss_text


class Batch:
    """
    The outcome of each message that was published together.

    A broker returns a message that no queue gets, and then confirms it. When it confirms several at once,
    pika takes the first of them for the returned one. So returned messages are found by their ids here.

    Attributes:
        confirmed: the ids of messages that the broker has, or returned.
        returned: the reasons for which it returned messages, by id.
        nacked: the ids of messages that it did not take.
        heard_at: the time by the clock of the last confirm, or of the begin.

    Args:
        clock: the reactor, or a test's clock.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.heard_at: float = clock.seconds()
        self.confirmed: set[str] = set()
        self.returned: dict[str, str] = {}
        self.nacked: set[str] = set()
        self._waiting: set[str] = set()
        self._all_sent = False
        self._done: Deferred[None] = Deferred()

    def expect(self, id: str, confirm: Deferred[Any]) -> None:
        """Wait for the confirm of a message."""
        self._waiting.add(id)
        confirm.addCallbacks(self._confirmed, self._failed, callbackArgs=(id,), errbackArgs=(id,))

    def return_message(self, id: str, why: str) -> None:
        """Learn that no queue gets a message."""
        self.returned[id] = why

    def wait(self) -> Deferred[None]:
        """Return a Deferred of the last confirm; it fails when the channel or the connection ends."""
        self._all_sent = True
        self._check()
        return self._done

    def fail(self, error: Exception) -> None:
        """Give up waiting."""
        if not self._done.called:
            self._done.errback(error)

    def _confirmed(self, result: object, id: str) -> None:
        self.heard_at = self._clock.seconds()
        self.confirmed.add(id)
        self._waiting.discard(id)
        self._check()

    def _failed(self, failure: Failure, id: str) -> None:
        if failure.check(UnroutableError):  # of some message, which return_message() named
            self._confirmed(None, id)
        elif failure.check(NackError):
            self.nacked.add(id)
            self._waiting.discard(id)
            self._check()
        else:
            self.fail(_exception(failure))

    def _check(self) -> None:
        if self._all_sent and not self._waiting and not self._done.called:
            self._done.callback(None)


def _exception(failure: Failure) -> Exception:
    """Return the error of a channel as it is, and any other as a ConnectionError."""
    error = failure.value
    return error if isinstance(error, AMQPError) else ConnectionError(loss_text(failure))
