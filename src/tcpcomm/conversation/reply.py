"""The Deferred of a reply, which tells people who forgot ``await``: :class:`Reply`."""

from __future__ import annotations

from typing import Any, Final, NoReturn, Self

from twisted.internet import defer
from twisted.internet.defer import Deferred

_ADVICE: Final = (
    "did you forget await? (in asyncio: await as_future(...); in Jupyter: use tcpcomm.blocking)"
)

_NOT_YET: Final = "_NO_RESULT"
"""The name of the object that Twisted takes for the result of a Deferred that has none."""


class Reply(Deferred[Any]):
    """A Deferred of the reply to a command. It says what to do if it is used as if it were the reply."""

    if _NOT_YET in vars(defer):
        # Twisted looks for a result with each await. In the class it is found faster than by __getattr__.
        result: Any = vars(defer)[_NOT_YET]

    @classmethod
    def of(cls, later: Deferred[Any]) -> Self:
        """Return the reply that another Deferred will fire with."""
        reply = cls(lambda _: later.cancel())
        later.addCallbacks(reply.callback, reply.errback)
        return reply

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"this is not the reply, but a Deferred of it, without {name!r}: {_ADVICE}")

    def __repr__(self) -> str:
        return super().__repr__() if self.called else f"<a reply that has not come: {_ADVICE}>"

    __str__ = __repr__
