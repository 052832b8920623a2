"""The camera beside the windows: it answers its first question, and no later one."""

from __future__ import annotations

from typing import Any

from my_camera import Position, VisionCamera  # type: ignore[import-not-found]  # the page's file
from twisted.internet.defer import Deferred

__all__ = ["SilentCamera"]


class SilentCamera(VisionCamera):  # type: ignore[misc]
    """A camera that hangs after its first reply."""

    asked = 0

    async def locate(self, job: int) -> Any:
        self.asked += 1
        self.alarm(self.asked)
        if self.asked > 1:
            await Deferred()
        return Position(1.5, 2.5)
