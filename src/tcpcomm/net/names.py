"""
The addresses of machines that are known by name: :class:`Names`.

A lookup has a thread of its own, because the operating system's lookup blocks, and may do so for minutes.
These threads are few, and do not keep the process from ending. The threads of the reactor are not used:
handlers need them. The last good answer of each name is kept, and used while a newer one is sought, so a
link comes back although the name server is dead.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from math import inf
from threading import Thread
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor

MAX_LOOKUPS: Final = 16
"""
Lookups under way at once, each in its thread, and one for each name. The next one waits for its turn, and
its link says so.
"""

MAX_NAMES: Final = 1000
"""Names with a kept answer. The name that was not used for the longest time is forgotten."""

REFRESH_AFTER: Final = 10.0
"""
Seconds for which an answer is used without a new lookup. Then it is still used, and looked up again
meanwhile.
"""

RETRY_AFTER: Final = 1.0
"""
Seconds for which a name that did not resolve is not looked up again. Then the next attempt looks it up.
"""

Addresses = tuple[str, ...]

LookUp = Callable[[str], Deferred[Sequence[str]]]
"""A function that looks up the addresses of a name, without blocking."""

_ERROR_TEXTS: Final = {
    socket.EAI_NONAME: "there is no such name",
    socket.EAI_AGAIN: "the name server does not answer",
    getattr(socket, "EAI_NODATA", None): "it has no address",  # not on all systems
}


class NameNotFound(DNSLookupError):
    """A name that did not resolve. The text says why."""

    def __str__(self) -> str:
        return " ".join(self.args)


@define(eq=False)
class _Name:
    """A name with its last answer and its waiting callers."""

    addresses: Addresses = ()
    """The last good answer, or none."""
    problem: str | None = None
    """The reason for which the last lookup failed; None if it did not."""
    asked_at: float = -inf
    """The time when the last lookup ended, in seconds."""
    under_way: bool = False
    """True if a lookup is under way, or waits for its turn."""
    waiting: list[Deferred[Addresses]] = field(factory=list)


class Names:
    """
    Looks names up, each at most once at a time, and keeps their last good answers.

    Args:
        clock: the reactor, or a test's clock.
        look_up: looks up one name. :func:`system_look_up` asks the operating system.
    """

    log = BoundedLogger()

    def __init__(self, clock: IReactorTime, look_up: LookUp) -> None:
        self._clock = clock
        self._look_up = look_up
        self._names: dict[str, _Name] = {}  # the one that was asked for last is last
        self._queue: deque[str] = deque()  # names with lookups that wait for their turn
        self._under_way = 0

    def resolve(self, name: str) -> Deferred[Addresses]:
        """
        Return a Deferred of the addresses of a name, best first. It has no timeout, but may be cancelled.

        It fires at once with the last good answer, if there is one; an old answer is sought anew meanwhile.
        It fails with :class:`NameNotFound` if there never was a good answer.
        """
        known = self._names.pop(name, None) or _Name()
        self._names[name] = known
        age = self._clock.seconds() - known.asked_at
        if known.addresses:
            if age >= REFRESH_AFTER:
                self._seek(name, known)
            return succeed(known.addresses)
        if known.problem is not None and age < RETRY_AFTER:
            return fail(NameNotFound(known.problem))
        waiting: Deferred[Addresses] = Deferred(known.waiting.remove)
        known.waiting.append(waiting)
        self._seek(name, known)
        return waiting

    def ahead_of(self, name: str) -> int:
        """Return the number of other lookups before that of this name, which waits for its turn, or 0."""
        return self._under_way + self._queue.index(name) if name in self._queue else 0

    def _seek(self, name: str, known: _Name) -> None:
        if known.under_way:
            return
        known.under_way = True
        self._queue.append(name)
        self._begin_lookups()
        if len(self._names) > MAX_NAMES:
            # A lookup that hangs keeps its name, because it must not be begun again.
            for old in [each for each, its in self._names.items() if not its.under_way]:
                del self._names[old]
                if len(self._names) <= MAX_NAMES:
                    break

    def _begin_lookups(self) -> None:
        while self._queue and self._under_way < MAX_LOOKUPS:
            name = self._queue.popleft()
            self._under_way += 1
            maybeDeferred(self._look_up, name).addBoth(self._looked_up, name)

    def _looked_up(self, result: Sequence[str] | Failure, name: str) -> None:
        self._under_way -= 1
        known = self._names[name]
        known.under_way, known.asked_at = False, self._clock.seconds()
        addresses = () if isinstance(result, Failure) else tuple(dict.fromkeys(result))
        why = _error_text(result.value) if isinstance(result, Failure) else "it has no address"
        problem = None if addresses else f"the name {name} did not resolve: {why}"
        self._log_change(name, known, addresses, problem)
        known.problem = problem
        if addresses:
            known.addresses = addresses
        waiting = known.waiting
        while waiting:
            waiting.pop(0).callback(addresses or Failure(NameNotFound(problem)))
        self._begin_lookups()

    def _log_change(self, name: str, known: _Name, addresses: Addresses, problem: str | None) -> None:
        """Log what changes for a name that was good once: its links go on as if nothing had happened."""
        if not known.addresses:
            return
        before, now = ", ".join(known.addresses), ", ".join(addresses)
        if problem is not None:
            if known.problem is None:
                self.log.warn("{problem}; its last answer is used: {last}", problem=problem, last=before)
        elif set(addresses) != set(known.addresses):
            self.log.info("{name} has moved from {before} to {now}", name=name, before=before, now=now)
        elif known.problem is not None:
            self.log.info("the name {name} resolves again: {now}", name=name, now=now)


def is_address(host: str) -> bool:
    """Return True if a host is given by its address, so that nothing must be looked up."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def addresses_of(name: str) -> Sequence[str]:
    """Ask the operating system for the addresses of a name. It blocks, perhaps for minutes."""
    found = []
    answers: Sequence[Any] = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    for family, _, _, _, place in answers:
        host = str(place[0])
        if family is socket.AF_INET6 and place[3] and "%" not in host:
            found.append(f"{host}%{place[3]}")  # a link-local address is valid on one interface only
        elif family in (socket.AF_INET, socket.AF_INET6):
            found.append(host)
    return found


def system_look_up(reactor: Any) -> LookUp:
    """Return a function that asks the operating system, in a thread for each lookup."""

    def look_up(name: str) -> Deferred[Sequence[str]]:
        found: Deferred[Sequence[str]] = Deferred()

        def run() -> None:
            try:
                outcome: Any = addresses_of(name)
            except Exception:
                outcome = Failure()
            with suppress(RuntimeError):  # the asyncio loop is closed: the program ends
                reactor.callFromThread(found.callback, outcome)

        # A daemon thread: the process does not wait for it at its end.
        Thread(target=run, name=f"tcpcomm lookup of {name}", daemon=True).start()
        return found

    return look_up


_of_reactors: Final[dict[Any, Names]] = {}
"""The names of each reactor; a process has one."""


def names_of(reactor: Any) -> Names:
    """Return the names of a reactor, which all its links share."""
    found = _of_reactors.get(reactor)
    if found is None:
        found = _of_reactors[reactor] = Names(the_reactor(reactor), system_look_up(reactor))
    return found


def _error_text(error: BaseException | None) -> str:
    if isinstance(error, socket.gaierror):
        return _ERROR_TEXTS.get(error.errno) or error.strerror or str(error)
    if isinstance(error, UnicodeError):
        return "it cannot be the name of a machine"
    return f"{type(error).__name__}: {error}"
