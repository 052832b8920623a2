"""
Start a program again when its files change: :class:`Supervisor`.

A supervisor and a process that serves, because a module cannot be taken back out of a running Python, and
a process that replaces itself could neither keep the old code while the new does not load, nor keep its
place in the console of Windows.

=================  ==============================  =========================================
while              a file changes                  the new process ends before it is loaded
=================  ==============================  =========================================
nothing serves     start a process                 wait for the next change
one serves         start a process beside it       the old one goes on; wait for the next change
one is loading     kill that, start another        as above
=================  ==============================  =========================================

When a process is loaded, the one that serves is stopped. When that has ended, the new one serves.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.server.reload.child import LONGEST_STOP
from tcpcomm.server.twistd_hooks import TwistdHooks

POLL: Final = 0.2
"""Seconds between two looks at the files."""

POLL_SHARE: Final = 0.2
"""The part of the time that looking at the files may take. Beyond it the next look comes later."""

SETTLE: Final = 0.1
"""Seconds without a further change until the program is loaded: an editor may write a file in steps."""

KILL_AFTER: Final = LONGEST_STOP + 2.0
"""Seconds after which a process that was told to stop is killed."""

_SHOWN_FILES: Final = 3


class Files(Protocol):
    """The files of the program."""

    places: tuple[Path, ...]

    def changes(self) -> list[Path]:
        """Return the files that changed since the last call."""


Start = Callable[["Supervisor"], Any]
"""Starts a process, and returns a :class:`~tcpcomm.server.reload.program.Program`, or raises OSError."""


class Supervisor(TwistdHooks):
    """
    The service that watches the files and runs the processes.

    Args:
        start: starts a process.
        files: the files of the program.
        reactor: the reactor, or a test's clock.
    """

    log = BoundedLogger()

    def __init__(self, start: Start, files: Files, *, reactor: Any) -> None:
        self._start = start
        self._files = files
        self._reactor = reactor
        self._serving: Any = None
        self._next: Any = None
        self._next_is_loaded = False
        self._stopping: Any = None
        """The process that was told to stop."""
        self._kill_timer: IDelayedCall | None = None
        self._poll_timer: IDelayedCall | None = None
        self._changed: dict[Path, None] = {}
        self._over: Deferred[None] | None = None

    def privilegedStartService(self) -> None:
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self.reload_at_hangup()

    def startService(self) -> None:
        super().startService()
        self.log.info(
            "watching the .py files below {folders}; --reload is for development only",
            folders=", ".join(map(str, self._files.places)),
        )
        self._files.changes()
        self._load()
        self._poll_later(POLL)

    def stopService(self) -> Any:
        """Stop the process that serves. Return a Deferred that fires when none is left."""
        super().stopService()  # type: ignore[no-untyped-call]
        self.expect_second_signal()
        if self._poll_timer is not None:
            self._poll_timer.cancel()
            self._poll_timer = None
        if self._next is not None:
            self._next.kill()
        if self._serving is not None:
            self._stop_serving()
            self.log.info("the server stops; a second signal kills it")
        if self._serving is None and self._next is None:
            return succeed(None)
        self._over = Deferred()
        return self._over

    def reload(self) -> None:
        """Have the process load certificates and keys again."""
        if self._serving is not None:
            self._serving.hang_up()

    def abort(self) -> None:
        """Kill the process that serves."""
        if self._serving is not None:
            self._serving.kill()

    def loaded(self, program: Any) -> None:
        """Let a process that is loaded serve, when the old one has ended."""
        if program is not self._next:
            return
        self._next_is_loaded = True
        if self._serving is None:
            self._go()
        else:
            self._stop_serving()

    def ended(self, program: Any) -> None:
        """Take note of the end of a process."""
        if program is self._stopping:
            self._stopping = None
            if self._kill_timer is not None and self._kill_timer.active():
                self._kill_timer.cancel()
            self._serving = None
            if self._over is None:
                self._old_one_ended()
        elif program is self._serving:
            self._serving = None
            if self._over is None:
                then = "" if self._next is not None else "; it starts again at the next change of a file"
                self.log.error("the server has ended: {reason}{then}", reason=program.reason, then=then)
                self._old_one_ended()
        elif program is self._next:
            self._next = None
            if self._over is None:
                self._tell_not_loaded(program.reason)
        if self._over is not None and self._serving is None and self._next is None:
            over, self._over = self._over, None
            over.callback(None)

    def _old_one_ended(self) -> None:
        if self._next is not None and self._next_is_loaded:
            self._go()

    def _tell_not_loaded(self, reason: str) -> None:
        serves = self._serving is not None and self._serving is not self._stopping
        then = "the old code goes on serving" if serves else "nothing is served"
        self.log.error(
            "the program cannot be loaded: {reason}; {then} until the next change of a file",
            reason=reason,
            then=then,
        )

    def _poll_later(self, seconds: float) -> None:
        self._poll_timer = self._reactor.callLater(seconds, self._poll)

    def _poll(self) -> None:
        began_at = self._reactor.seconds()
        changed = self._files.changes()
        rest = (self._reactor.seconds() - began_at) / POLL_SHARE  # a folder may have 100,000 pictures
        self._changed.update(dict.fromkeys(changed))
        if changed:
            self._poll_later(max(SETTLE, rest))
            return
        if self._changed:
            self.log.info("{files} changed: loading the program again", files=_text([*self._changed]))
            self._changed.clear()
            self._load()
        self._poll_later(max(POLL, rest))

    def _load(self) -> None:
        if self._next is not None:
            self._next.kill()
        self._next_is_loaded = False
        try:
            self._next = self._start(self)
        except OSError as error:
            self._next = None
            self._tell_not_loaded(f"no process can be started: {error.strerror}")

    def _go(self) -> None:
        self._serving, self._next = self._next, None
        self._serving.go()

    def _stop_serving(self) -> None:
        if self._stopping is not None:
            return
        self._stopping = self._serving
        self._stopping.stop()
        self._kill_timer = self._reactor.callLater(KILL_AFTER, self._kill_late, self._stopping)

    def _kill_late(self, program: Any) -> None:
        self.log.warn("the old process did not stop within {seconds:g} s: killing it", seconds=KILL_AFTER)
        program.kill()


def _text(files: list[Path]) -> str:
    more = len(files) - _SHOWN_FILES
    return ", ".join(each.name for each in files[:_SHOWN_FILES]) + (f" and {more} more" if more > 0 else "")
