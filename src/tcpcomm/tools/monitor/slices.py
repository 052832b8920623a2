"""Work in slices, so that links are not held up: :func:`joined_in_slices`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from twisted.internet.defer import Deferred

_ROWS_AT_ONCE: Final = 200


def joined_in_slices(pieces: Iterable[bytes], clock: Any) -> Deferred[bytes]:
    """
    Join pieces, a few hundred in each turn of the reactor.

    Returns:
        A Deferred of the whole.
    """
    done: Deferred[bytes] = Deferred()
    parts: list[bytes] = []
    waiting = iter(pieces)

    def go_on() -> None:
        try:
            part = list(islice(waiting, _ROWS_AT_ONCE))
        except Exception:
            done.errback()
            return
        parts.extend(part)
        if part:
            clock.callLater(0, go_on)
        else:
            done.callback(b"".join(parts))

    go_on()
    return done
