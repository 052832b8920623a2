"""The outages of a link, made of its many states: :class:`Outages`."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from tcpcomm.link.states import LinkState


@define(eq=False)
class Outages:
    """
    Calls a function when an outage begins, and another when it ends. It is an observer of a link's states.

    An outage begins when the link loses its peer, or when its first attempt fails. It has many attempts,
    which are not reported. A link that is stopped has no outage.

    Args:
        gone: gets the reason, in plain words, when an outage begins.
        back: called when the link is ready again.
        is_running: returns False if the link was stopped.
        last: the state of the link now.
    """

    gone: Callable[[str], object]
    back: Callable[[], object]
    is_running: Callable[[], bool]
    last: LinkState
    is_out: bool = False

    def __call__(self, state: LinkState, reason: str) -> None:
        """Take note of a new state."""
        before, self.last = self.last, state
        if not self.is_running():
            self.is_out = False
        elif state is LinkState.DOWN and before is not LinkState.DOWN and not self.is_out:
            self.is_out = True
            self.gone(reason)
        elif state is LinkState.READY and self.is_out:
            self.is_out = False
            self.back()
