"""The Deferred of a reply, which tells people who forgot ``await``: :class:`Reply`."""

from __future__ import annotations

from typing import Any, Final, Self

from twisted.internet.defer import Deferred

_ADVICE: Final = (
    "did you forget await? (in asyncio: await as_future(...); in Jupyter: use tcpcomm.blocking)"
)


class Reply(Deferred[Any]):
    """A Deferred of the reply to a command. It says what to do if it is used as if it were the reply."""

    call: Any
    """The command that the reply belongs to, for its canceller."""

    def settle(self, outcome: Any) -> None:
        """Fire with a result or an exception, unless it is cancelled."""
        if self.called:
            return
        if isinstance(outcome, Exception):
            self.errback(outcome)
        else:
            self.callback(outcome)

    @classmethod
    def of(cls, later: Deferred[Any]) -> Self:
        """Return the reply that another Deferred will fire with."""
        reply = cls(lambda _: later.cancel())
        later.addCallbacks(reply.callback, reply.errback)
        return reply

    def __repr__(self) -> str:
        return super().__repr__() if self.called else f"<a reply that has not come: {_ADVICE}>"

    __str__ = __repr__


# Python's own errors show the name: "'Reply (did you forget await?)' object has no attribute 'x'". A method
# __getattr__ would say the same, but makes each use of an attribute slower.
Reply.__name__ = "Reply (did you forget await?)"
