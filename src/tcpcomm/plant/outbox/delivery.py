"""The loop that delivers the messages of an outbox to one sink: :class:`Delivery`."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar, Final

from attrs import define, frozen
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater

from tcpcomm.link.policy import Backoff
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.outbox.committer import Committer, StoreFailed
from tcpcomm.plant.outbox.figures import DELIVERING
from tcpcomm.plant.outbox.store import Fetched, Refused, Store
from tcpcomm.plant.sink import Sink, SinkConnection
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

MAX_WAITING_SOURCES: Final = 500
"""Sources of one sink that wait because a message was refused. With more, all other sources wait, too."""

_BACKOFF: Final = Backoff(quick=0.5, cap=10.0)
"""The waits of a sink that cannot be reached, and of a message that was refused."""

_STORE_RETRY: Final = 1.0
"""Seconds between two attempts to note in the file what was confirmed."""

_LOG_INTERVAL: Final = 10.0

_LONGEST_REASON: Final = 1000
"""Characters of a reason that are kept with a message."""


def storable_reason(text: str) -> str:
    """Cut a reason, and replace half surrogate pairs: a database cannot store those."""
    return text[:_LONGEST_REASON].encode("utf-8", "replace").decode("utf-8")


@define
class _Waiting:
    """A source that waits, because the sink refused one of its messages."""

    due: float
    """The time at which its next messages are delivered."""


@frozen
class _Taken:
    """The messages of the next delivery."""

    messages: Sequence[OutboxMessage]
    begin: int
    """A number before theirs."""
    source: str | None = None
    """Their source, if it is one that waited."""


@frozen
class _Result:
    """The result of one delivery."""

    confirmed: Sequence[int]
    refused: Sequence[Refused] = ()
    problem: str = ""
    """The reason why the sink is unavailable; empty if it is not."""


class Delivery:
    """
    Delivers to one sink, a batch at a time, and notes what is confirmed.

    Args:
        name: the name of the sink.
        sink: its configuration.
        connection: delivers.
        number: its number in the file.
        committer: does the work on the file.
        clock: the reactor, or a test's clock.
        wall_clock: returns the time of day, in seconds since 1970.
        random: the source of the jitter.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        name: str,
        sink: Sink,
        connection: SinkConnection,
        *,
        number: int,
        committer: Committer,
        clock: Any,
        wall_clock: Callable[[], float],
        random: Random,
    ) -> None:
        self.name = name
        self.connection = connection
        self.number = number
        self._sink = sink
        self._committer = committer
        self._clock = clock
        self._now = wall_clock
        self._random = random
        self._problem = self._store_problem = ""
        self._failures = 0
        self._failing_since = 0.0
        self._looked_up_to = 0
        self._has_more = True
        self._has_backlog = False
        self._begins_again = False
        self._ahead: Deferred[_Taken] | None = None
        self._noted: Deferred[None] = succeed(None)
        self._is_others_turn = False
        self._waiting: dict[str, _Waiting] = {}
        self._sleeper: Deferred[None] | None = None
        self._under_way: Deferred[Any] | None = None
        self._is_idle = False
        self._stops = False
        self._running: Deferred[None] | None = None
        self._expired = LogThrottle(_LOG_INTERVAL)

    @property
    def state(self) -> str:
        """``delivering``, or the problem in words."""
        return self._store_problem or self._problem or self.connection.problem() or DELIVERING

    def start(self) -> None:
        """Begin to deliver."""
        self._running = Deferred.fromCoroutine(self._run())

    def wake(self, *, from_the_start: bool = False) -> None:
        """
        Look for new messages.

        Args:
            from_the_start: True if there may be messages that stand before those delivered last.
        """
        self._has_more = True
        self._begins_again = self._begins_again or from_the_start
        if self._is_idle:
            self._end_sleep()

    def stop(self, grace: float) -> Deferred[None]:
        """
        Stop delivering. The Deferred fires when nothing is under way.

        Args:
            grace: the seconds that a delivery under way may take until it is cancelled.
        """
        if self._running is None:
            self._running = Deferred()
            self._running.callback(None)
        self._stops = True
        self._end_sleep()
        if self._under_way is not None:
            call = self._clock.callLater(grace, self._cancel)
            self._running.addBoth(lambda result: (call.active() and call.cancel(), result)[1])
        return self._running

    def _cancel(self) -> None:
        if self._under_way is not None:
            self._under_way.cancel()

    # -- the loop

    async def _run(self) -> None:
        """
        Deliver batch after batch.

        If more than a batch waits, the next one is taken while this one is delivered. The file is told what
        was confirmed while the next one is delivered.
        """
        try:
            while not self._stops:
                await self._try(self._step)
            await self._try(self._give_back)
            await self._try(self._all_noted)
        except CancelledError:  # the disk hangs, and the outbox stops
            return

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except StoreFailed as error:
            self._store_problem = str(error)
        except CancelledError:
            raise
        except Exception:
            self.log.failure("the delivery to the sink {sink} failed; it goes on", sink=self.name)
        else:
            return
        self._has_more = self._begins_again = True  # whatever was fetched is fetched again
        await self._sleep(_STORE_RETRY)

    async def _step(self) -> None:
        """Deliver one batch, or wait for one."""
        ahead, self._ahead = self._ahead, None
        taken = await (self._take() if ahead is None else ahead)
        messages, source = taken.messages, taken.source
        if not messages or self._stops:  # a delivery that begins now would not be cancelled in time
            if not self._has_more:
                await self._rest()
            return
        if self._has_backlog and source is None and not (self._waiting or self._begins_again):
            self._ahead = Deferred.fromCoroutine(self._take())
        result = await self._deliver(messages)
        if result.problem or result.refused:
            await self._give_back()
        await self._note(result)
        if result.problem:
            if source is None and len(result.confirmed) < len(messages):
                self._looked_up_to = min(self._looked_up_to, taken.begin)
                self._has_more = True
            await self._fail(result)
        else:
            self._succeed()
        if source is not None and source in self._waiting and not result.problem and not result.refused:
            self._waiting[source].due = self._clock.seconds()  # go on with what waits behind it
        self._hold_back(result.refused, messages)

    async def _give_back(self) -> None:
        """Forget the messages that were taken ahead. They are taken again."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            self._has_more = self._begins_again = True
            try:
                await ahead
            except StoreFailed as error:  # the result of the delivery must be noted nevertheless
                self._store_problem = str(error)

    def _hold_back(self, refused: Sequence[Refused], messages: Sequence[OutboxMessage]) -> None:
        """Let the sources of refused messages wait."""
        by_number = {each.number: each for each in messages}
        for each in refused:
            message = by_number[each.number]
            wait = 0.0 if each.is_last else _BACKOFF.wait(message.attempts, math.inf, self._random)
            due = self._clock.seconds() + wait
            known = self._waiting.get(message.source)
            self._waiting[message.source] = _Waiting(due if known is None else max(due, known.due))

    async def _take(self) -> _Taken:
        """Return the next messages, which may be none."""
        now = self._clock.seconds()
        if self._begins_again or self._waiting:
            await self._all_noted()  # else messages that are confirmed are found again
        if self._begins_again:
            self._begins_again = False
            self._looked_up_to = 0
        due = [source for source, each in self._waiting.items() if each.due <= now]
        self._is_others_turn = bool(due) and not self._is_others_turn
        if due and (self._is_others_turn or not self._has_more):
            return await self._take_of(due[0])
        after = self._looked_up_to
        if not self._has_more or len(self._waiting) > MAX_WAITING_SOURCES:
            self._has_more = self._has_more and not self._waiting
            return _Taken((), after)
        self._has_more = False  # a post that is stored meanwhile sets it again
        waiting = frozenset(self._waiting)
        found = await self._fetch(
            lambda store: store.fetch(self.number, after, self._sink.batch, waiting, self._now())
        )
        self._looked_up_to = max(after, found.looked_up_to)
        self._has_backlog = found.has_more
        self._has_more = self._has_more or found.has_more
        for source in found.refused_before:
            self._waiting.setdefault(source, _Waiting(now))
        return _Taken(found.messages, after)

    async def _take_of(self, source: str) -> _Taken:
        """Return the next messages of a source that waited."""
        found = await self._fetch(
            lambda store: store.fetch_source(
                self.number, source, self._looked_up_to, self._sink.batch, self._now()
            )
        )
        if found.messages:
            self._waiting[source] = self._waiting.pop(source)  # others come first next time
        elif not found.expired:
            del self._waiting[source]
            self._has_more = True
        return _Taken(found.messages, self._looked_up_to, source)

    async def _fetch(self, look: Callable[[Store], Fetched]) -> Fetched:
        """Return what a look at the store finds, after what has expired is deleted."""

        def run(store: Store) -> Fetched:
            found = look(store)
            if found.expired:
                with store.transaction():
                    store.confirm(self.number, found.expired, counted="expired")
            return found

        found = await self._committer.read(run)
        self._store_problem = ""
        if found.expired:
            count = sum(self._expired.count_due(self._clock.seconds()) for _ in found.expired)
            if count:
                self.log.warn(
                    "sink {sink}: messages expired before they were delivered: {count:,}",
                    sink=self.name,
                    count=count,
                )
        return found

    async def _deliver(self, messages: Sequence[OutboxMessage]) -> _Result:
        patience = self._sink.patience
        late = ""
        call: Any = None

        def cancel() -> None:
            nonlocal late, call
            late = f"no confirmation within {patience:g} s"
            self._problem = self._problem or late
            call = self._clock.callLater(patience, cancel)  # a sink may go on in spite of the first
            delivery.cancel()

        numbers = {each.id: each.number for each in messages}
        self._under_way = delivery = Deferred.fromCoroutine(self._call(messages))
        call = self._clock.callLater(patience, cancel)
        try:
            refused = await delivery
            if not isinstance(refused, Mapping):
                raise TypeError(f"deliver returned {refused!r}, and must return the refused messages by id")
        except SinkUnavailable as error:
            confirmed = [numbers[each] for each in error.confirmed if each in numbers]
            return _Result(sorted(confirmed), problem=late or str(error) or "unavailable")
        except CancelledError:
            return _Result((), problem=late or "the delivery was cancelled")
        except Exception as error:
            problem = f"an error in its code: {type(error).__name__}: {error}"
            if problem != self._problem:  # not at each attempt
                self.log.failure("sink {sink}: a delivery failed by an error in its code", sink=self.name)
            return _Result((), problem=problem)
        finally:
            self._under_way = None
            if call.active():
                call.cancel()
        attempts = self._sink.attempts
        found = [
            Refused(
                number=each.number,
                reason=storable_reason(str(refused[each.id])),
                is_last=each.attempts + 1 >= attempts,
            )
            for each in messages
            if each.id in refused
        ]
        return _Result([each.number for each in messages if each.id not in refused], found)

    async def _call(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        return await self.connection.deliver(messages)

    async def _note(self, result: _Result) -> None:
        """Have the file note what was confirmed and refused. Wait for that unless all was confirmed."""
        await self._all_noted()
        if result.confirmed or result.refused:
            self._noted = Deferred.fromCoroutine(self._write(result))
        if result.refused or result.problem:
            await self._all_noted()

    async def _all_noted(self) -> None:
        """Wait until the file has noted what was confirmed."""
        noted, self._noted = self._noted, succeed(None)
        await noted

    async def _write(self, result: _Result) -> None:
        """Note in the file what was confirmed and refused, and try again until that succeeds."""

        def run(store: Store) -> None:
            if result.confirmed:
                store.confirm(self.number, result.confirmed)
            if result.refused:
                store.refuse(self.number, result.refused, self._now())

        while True:
            try:
                # A lost deletion means a duplicate, which receivers find: it need not reach the disk.
                await self._committer.write(run, durable=bool(result.refused))
                self._store_problem = ""
                break
            except StoreFailed as error:
                self._store_problem = str(error)
                if self._stops:
                    self.log.error(
                        "sink {sink}: {count:,} messages are delivered, but that cannot be noted, so that "
                        "they are delivered again: {error}",
                        sink=self.name,
                        count=len(result.confirmed),
                        error=str(error),
                    )
                    return
                await deferLater(self._clock, _STORE_RETRY)
        for each in result.refused:
            if each.is_last:
                self.log.warn(
                    "sink {sink}: message {number} is set aside after {attempts} refusals: {reason}",
                    sink=self.name,
                    number=each.number,
                    attempts=self._sink.attempts,
                    reason=each.reason,
                )

    async def _fail(self, result: _Result) -> None:
        """Note that the sink is unavailable, and wait."""
        if self._stops:
            return
        if not self._problem or not self._failures:
            self.log.warn("sink {sink} is unavailable: {reason}", sink=self.name, reason=result.problem)
            self._failing_since = self._clock.seconds()
        self._problem = result.problem
        self._failures = 1 if result.confirmed else self._failures + 1
        await self._sleep(_BACKOFF.wait(self._failures - 1, math.inf, self._random))

    def _succeed(self) -> None:
        if self._failures:
            self.log.info(
                "sink {sink} is available again, after {seconds:.1f} s",
                sink=self.name,
                seconds=self._clock.seconds() - self._failing_since,
            )
        self._failures = 0
        self._problem = ""

    # -- waiting

    async def _rest(self) -> None:
        """Wait for new messages, or until a source need not wait any more."""
        now = self._clock.seconds()
        due = min((each.due for each in self._waiting.values()), default=None)
        self._is_idle = True
        try:
            await self._sleep(None if due is None else max(0.0, due - now))
        finally:
            self._is_idle = False

    async def _sleep(self, seconds: float | None) -> None:
        """Wait some seconds, or until somebody ends the sleep."""
        if self._stops:
            return
        sleeper: Deferred[None] = Deferred()
        self._sleeper = sleeper
        call = None if seconds is None else self._clock.callLater(seconds, self._end_sleep)
        await sleeper
        if call is not None and call.active():
            call.cancel()

    def _end_sleep(self) -> None:
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            sleeper.callback(None)
