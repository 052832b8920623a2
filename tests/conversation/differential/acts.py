"""The unusual acts of handlers, and :class:`Scene`, in which a random session takes place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeVar, cast

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred

from tcpcomm import ConfigurationError, Fault, NoReply, current_session
from tests.conversation.differential.recording import Reactor

T = TypeVar("T")

SLOW: Final = 0.003
"""Seconds of a slow handler: longer than a slice, shorter than what is logged."""

EFFECTS: Final = (
    "sends a frame",
    "sends frames",
    "sends no frames",
    "sends bytes",
    "sends a long frame",
    "pauses",
    "resumes",
    "pauses and resumes",
    "closes",
    "aborts",
    "closes another session",
    "aborts another session",
    "tells an event to all",
    "tells an event to this session",
    "finishes another handler",
    "is slow",
)
"""What a handler does before or after it waits."""

WAITS: Final = ("later", "fired", "failed", "stubborn")
"""
The Deferreds that a handler waits for: it fires later, it has fired, it has failed, or it fires later and
cannot be cancelled.
"""

OUTCOMES: Final = (
    "fault",
    "exception",
    "no reply",
    "wrong type",
    "unwritable",
    "long reply",
    "very long reply",
    "fault that cannot be written",
    "cancelled",
)
"""How a handler ends, unless it returns a good result."""

LONG_OUTCOMES: Final = ("long reply", *("very long reply",) * 3)
"""Outcomes that only some commands have, to draw them more often."""

STYLES: Final = ("deferred", "coroutine")
"""What a plain function returns if it waits."""


@frozen
class Act:
    """What one call of a handler does beside its work."""

    first: str = ""
    waits: tuple[str, ...] = ()
    then: str = ""
    outcome: str = ""
    style: str = "deferred"


def _draw_effect(random: Random) -> str:
    effect = random.choice(EFFECTS)
    # Sessions that go on are worth more.
    return random.choice(EFFECTS) if effect.startswith(("closes", "aborts")) else effect


def _draw_act(random: Random) -> Act:
    kind = random.random()
    first = _draw_effect(random) if kind < 0.45 else ""
    waits: tuple[str, ...] = ()
    if random.random() < (0.3 if first else 0.5):
        waits = tuple(random.choices(WAITS, (6, 3, 1, 1), k=random.choice((1, 1, 1, 2))))
    then = _draw_effect(random) if waits and random.random() < 0.3 else ""
    outcome = (
        random.choice((*OUTCOMES, *LONG_OUTCOMES))
        if random.random() < (0.3 if first or waits else 0.9)
        else ""
    )
    return Act(first, waits, then, outcome, random.choice(STYLES))


ACTS: Final = tuple(map(_draw_act, map(Random, range(3000))))
"""Acts to choose from."""

WAITING_ACTS: Final = tuple(
    Act(waits=(wait,), style=style) for wait in ("later", "fired") for style in STYLES
)
"""Acts of handlers that are in order, and wait."""


ENDING_ACTS: Final = (
    Act("closes"),
    Act("aborts"),
    Act("closes", ("fired",), "sends a frame"),
    Act("aborts", ("fired",), "tells an event to this session"),
    Act("closes", outcome="fault"),
    Act("aborts", outcome="exception"),
    Act("closes another session"),
    Act("aborts another session"),
)
"""Acts that end a session, to be in many of them."""


class Wrong:
    """A result of a wrong type, whose text is always the same."""

    def __repr__(self) -> str:
        return "Wrong()"


WRONG: Final = Wrong()


@frozen
class Results:
    """The results of a command other than its usual one; None: the usual one."""

    unwritable: Any = WRONG
    long: Any = None
    very_long: Any = None


@define
class Scene:
    """
    The world of one random session.

    Args:
        reactor: runs it.
        plan: the act of each call of a handler that has one, by the number of the call.
        frame: a frame that handlers send by themselves, and ``long_frame`` another.
    """

    reactor: Reactor
    plan: dict[int, Act]
    frame: bytes = b""
    long_frame: bytes = b""
    calls: int = 0
    seen: list[Any] = field(factory=list)
    watched: dict[Any, list[Any]] = field(factory=dict)
    """What observers saw of each session since the last step."""
    sessions: list[Any] = field(factory=list)
    pending: list[Deferred[Any]] = field(factory=list)
    happened: Counter[str] = field(factory=Counter)
    """The number of times that each kind of situation happened."""

    def current(self) -> int | str:
        """Return the number of the current session."""
        try:
            session = current_session()
        except ConfigurationError:
            return "no session"
        return next((at for at, each in enumerate(self.sessions) if each is session), "a strange session")

    def note(self, what: str) -> None:
        """Count a situation."""
        self.happened[what] += 1

    def see(self, *what: Any) -> None:
        """Note something that must be the same in both ways."""
        self.seen.append(what)

    # -- Deferreds that fire later

    def wait_for(self, kind: str) -> Deferred[None]:
        """Return a Deferred to wait for."""
        self.note(f"a handler waits: {kind}")
        waited: Deferred[None] = Deferred(_refuse_to_cancel if kind == "stubborn" else None)
        if kind == "fired":
            waited.callback(None)
        elif kind == "failed":
            waited.errback(Fault(7, "failed at once"))
        else:
            self.pending.append(waited)
        return waited

    def finish(self, at: int, how: str) -> None:
        """Fire one of the Deferreds that handlers wait for, if there is one."""
        while self.pending:
            waited = self.pending.pop(at % len(self.pending))
            if waited.called:
                continue  # its session is lost
            self.note(f"a handler finishes later: {how}")
            if how == "fault":
                waited.errback(Fault(8, "later"))
            elif how == "exception":
                waited.errback(ValueError("later"))
            else:
                waited.callback(None)
            return

    # -- effects

    def perform(self, effect: str, equipment: Any) -> None:
        """Do what a handler does beside its work."""
        if not effect:
            return
        self.note(effect)
        try:
            session: Any = current_session()
        except ConfigurationError:  # the callback of a Deferred runs in no session
            session = self.sessions[0]
        try:
            _EFFECTS[effect](self, session, equipment)
        except Exception as error:
            self.see("refused", effect, type(error).__name__, str(error))
            self.note(f"refused: {type(error).__name__}")
            raise

    def other(self, session: Any) -> Any:
        """Return another session, or this one if there is no other."""
        return next((each for each in self.sessions if each is not session and each.is_open), session)

    def outcome(self, outcome: str, good: T, others: Results) -> T:
        """Return the result of a handler, or raise what it raises."""
        if not outcome:
            return good
        self.note(f"outcome: {outcome}")
        if outcome == "fault":
            raise Fault(5, "no part")
        if outcome == "fault that cannot be written":
            raise Fault(cast("Any", "no number"), "a,b\r\n;\udc80")
        if outcome == "exception":
            raise RuntimeError("broken")
        if outcome == "no reply":
            raise NoReply
        if outcome == "cancelled":
            raise CancelledError
        if outcome == "wrong type":
            return cast("T", WRONG)
        if outcome == "unwritable":
            return cast("T", others.unwritable)
        found = others.long if outcome == "long reply" else others.very_long
        return good if found is None else cast("T", found)


def _refuse_to_cancel(waited: Deferred[None]) -> None:
    waited.callback(None)


def _tell(scene: Scene, session: Any, equipment: Any) -> None:
    equipment.tell(scene.calls % 100)


def _tell_one(scene: Scene, session: Any, equipment: Any) -> None:
    equipment.tell(scene.calls % 100, session)


def _pause_and_resume(scene: Scene, session: Any, equipment: Any) -> None:
    session.pauseProducing()
    session.resumeProducing()


def _be_slow(scene: Scene, session: Any, equipment: Any) -> None:
    scene.reactor.clock.rightNow += SLOW


_EFFECTS: Final[dict[str, Callable[[Scene, Any, Any], None]]] = {
    "sends a frame": lambda scene, session, equipment: session.sendFrame(scene.frame),
    "sends frames": lambda scene, session, equipment: session.sendFrames([scene.frame] * 3),
    "sends no frames": lambda scene, session, equipment: session.sendFrames([]),
    "sends bytes": lambda scene, session, equipment: session.sendBytes(b"<bytes>"),
    "sends a long frame": lambda scene, session, equipment: session.sendFrame(scene.long_frame),
    "pauses": lambda scene, session, equipment: session.pauseProducing(),
    "resumes": lambda scene, session, equipment: session.resumeProducing(),
    "pauses and resumes": _pause_and_resume,
    "closes": lambda scene, session, equipment: session.close("the handler has enough"),
    "aborts": lambda scene, session, equipment: session.abort("the handler has enough"),
    "closes another session": lambda scene, session, _: scene.other(session).close("another has enough"),
    "aborts another session": lambda scene, session, _: scene.other(session).abort("another has enough"),
    "tells an event to all": _tell,
    "tells an event to this session": _tell_one,
    "finishes another handler": lambda scene, session, equipment: scene.finish(scene.calls, ""),
    "is slow": _be_slow,
}


class ActingHandlers:
    """The bodies of handlers that act by the plan of their scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def tell(self, number: int, session: Any = None) -> None:
        """Tell the declared event to one session, or to all."""
        raise NotImplementedError

    def _begin(self, name: str, values: tuple[Any, ...]) -> Act | None:
        scene = self.scene
        scene.seen.append((name, values, scene.current()))
        act = scene.plan.get(scene.calls)
        scene.calls += 1
        return act

    async def later(self, name: str, values: tuple[Any, ...], good: T, others: Results) -> T:
        """Do the work of an ``async def``."""
        act = self._begin(name, values)
        return good if act is None else await self._act(act, name, good, others)

    def at_once(self, name: str, values: tuple[Any, ...], good: T, others: Results) -> T:
        """Do the work of a plain function, which may return a Deferred or a coroutine."""
        act = self._begin(name, values)
        if act is None:
            return good
        scene = self.scene
        if act.style == "coroutine":
            scene.note("a plain function returns a coroutine")
            return cast("T", self._act(act, name, good, others))
        scene.perform(act.first, self)
        if not act.waits:
            return scene.outcome(act.outcome, good, others)
        scene.note("a plain function returns a Deferred")

        def woken(_: None) -> T:
            scene.see("woken", name, scene.current())
            scene.perform(act.then, self)
            return scene.outcome(act.outcome, good, others)

        return cast("T", scene.wait_for(act.waits[0]).addCallback(woken))

    async def _act(self, act: Act, name: str, good: T, others: Results) -> T:
        scene = self.scene
        scene.perform(act.first, self)
        for wait in act.waits:
            try:
                await scene.wait_for(wait)
            except CancelledError:
                scene.see("cancelled", name, scene.current())
                scene.note("a handler is cancelled")
                raise
            scene.see("woken", name, scene.current())
            scene.perform(act.then, self)
        return scene.outcome(act.outcome, good, others)
