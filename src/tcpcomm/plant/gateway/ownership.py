"""The interface between a gateway and what shares links among gateways: :class:`Ownership`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Gained = Callable[[], object]
Lost = Callable[[str], object]


class Ownership(Protocol):
    """
    Decides which of several gateways uses a link.

    It keeps two gateways from using one link for long, not for every moment: when a machine is cut off,
    or is stopped and goes on, two gateways may use a link for some seconds. Equipment that must never have
    two hosts must refuse the second one itself.
    """

    def claim(self, link: str, gained: Gained, lost: Lost) -> None:
        """
        Wait for a link. It is called for each link before :meth:`start`.

        Args:
            link: the name of the link.
            gained: is called when the link belongs to this gateway.
            lost: is called with the reason when it no longer does; ``gained`` may be called again later.
        """

    def owns(self, link: str) -> bool:
        """Return True if the link belongs to this gateway now. A gateway asks this before it acts."""

    def start(self) -> None:
        """Begin to wait for the links."""

    async def stop(self) -> None:
        """Call ``lost`` for each link, and release the links, so that others get them at once."""

    def problem(self) -> str:
        """Return what keeps this gateway from all links, in words; empty if nothing does."""
