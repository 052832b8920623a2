"""A console without a terminal, on virtual time, in front of a model that the test drives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field
from textual.pilot import Pilot
from twisted.internet.task import Clock

from tcpcomm import LinkState, MessageKind, ObservedMessage
from tcpcomm.session.observer import Observers
from tcpcomm.tools.console.app import ConsoleApp
from tcpcomm.tools.console.feed import Feed
from tcpcomm.tools.console.frames_screen import FramesScreen, FramesView
from tcpcomm.tools.console.widgets import PieceLines
from tcpcomm.tools.monitor.model import MonitorModel

START = 1_795_900_000.0
"""The virtual seconds since 1970 at the begin."""

SMALL = (80, 24)
WIDE = (140, 40)


class Reactor(Clock):
    """A clock that calls at once what another thread asks for."""

    def callFromThread(self, function: Callable[..., object], *values: object) -> None:
        function(*values)


@define(eq=False)
class Link:
    """A link as an observer sees it."""

    name: str = "link to tcp:10.0.0.5:8500"
    declaration: Any = None
    observers: Observers = field(factory=Observers)

    @property
    def engine(self) -> Link:
        """The engine, which has the name."""
        return self


@define(eq=False)
class Factory:
    """The factory of a session."""

    link: Link | None = None
    observers: Observers = field(factory=Observers)
    protocol: Any = None


@define(eq=False)
class Session:
    """A session as an observer sees it."""

    factory: Any
    peer: str = "10.0.0.5:8500"
    host: str = "10.0.0.5"
    is_declared: bool = True
    is_equipment: bool = False
    declaration: Any = None
    identity: str | None = None
    framing: Any = None


@define(eq=False)
class Acts:
    """Notes what the user asked for, and answers as the test says."""

    read_only: bool = False
    asked: list[Any] = field(factory=list)
    facts: Any = None
    answer: Any = None

    async def describe(self, source: str) -> Any:
        return self.facts

    async def command(self, source: str, name: str, values: dict[str, str]) -> Any:
        return self._answered("command", source, name, values)

    async def event(self, source: str, name: str, values: dict[str, str]) -> Any:
        return self._answered("event", source, name, values)

    async def close(self, session: int) -> None:
        self._answered("close", session)

    async def retry(self, source: str) -> None:
        self._answered("retry", source)

    async def disturb(self, source: str, text: str) -> Any:
        return self._answered("disturb", source, text)

    async def copy(self, row: int) -> str:
        return str(self._answered("copy", row))

    def _answered(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@define(eq=False)
class Stage:
    """A console and the model behind it."""

    language: str = "en"
    clock: Reactor = field(factory=Reactor)
    acts: Acts = field(factory=Acts)
    extra: dict[str, Any] = field(factory=dict)
    """Facts to add to each source."""
    model: MonitorModel = field(init=False)
    feed: Feed = field(init=False)
    app: ConsoleApp = field(init=False)
    pilot: Pilot[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.model = MonitorModel(self.clock.seconds, lambda: START + self.clock.seconds())
        self.feed = Feed(self.model, self.clock, self._overview)
        self.app = ConsoleApp(self.feed, self.acts, language=self.language)

    def _overview(self) -> dict[str, Any]:
        found = self.model.overview()
        for each in found["sources"]:
            each.update(self.extra)
        return found

    def link(self, **options: Any) -> tuple[Link, Session]:
        """Open a link that is ready."""
        link = Link(**options)
        session = Session(Factory(link), declaration=link.declaration)
        self.model.link_state(link, LinkState.CONNECTING, "")
        self.model.opened(session)
        self.model.ready(session)
        self.model.link_state(link, LinkState.READY, "the peer is proven")
        return link, session

    def server(self, *peers: str) -> list[Session]:
        """Open a server with a session for each peer."""
        factory = Factory(protocol=Session)
        self.model.listening(factory, "tcp:9100")
        sessions = [Session(factory, peer, is_equipment=True, is_declared=False) for peer in peers]
        for each in sessions:
            self.model.opened(each)
            self.model.ready(each)
        return sessions

    def say(
        self,
        session: Session,
        kind: MessageKind,
        frame: bytes,
        name: str = "",
        values: Mapping[str, Any] | None = None,
        *,
        sent: bool = False,
        answers: ObservedMessage | None = None,
        problem: str = "",
        after: float = 0.0012,
    ) -> ObservedMessage:
        """Let a message pass, so many seconds after the last one."""
        self.clock.advance(after)
        message = ObservedMessage(
            kind=kind,
            sent=sent,
            frame=frame,
            name=name,
            values=values or {},
            answers=answers,
            seconds=None if answers is None else after,
            problem=problem,
        )
        self.model.message(session, message)
        return message

    def ask(self, session: Session, job: int, *, reply: bytes = b"OK,12.5", **result: Any) -> None:
        """Let a command and its reply pass."""
        frame = f"TRG,{job}".encode()
        asked = self.say(session, MessageKind.COMMAND, frame, "locate", {"job": job}, sent=True)
        self.say(session, MessageKind.REPLY, reply, values={"result": result or {"x": 12.5}}, answers=asked)

    async def settle(self) -> None:
        """Bring all that is new to the screen."""
        self.feed.collect()
        self.app.take_news()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and let the console do what each means."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    def lines(self, id: str) -> list[str]:
        """Return the texts of the lines of a widget of the current screen."""
        widget = self.app.screen.query_one(f"#{id}", PieceLines)
        return ["".join(text for text, _ in widget.pieces(at)).rstrip() for at in range(widget.count)]

    @property
    def frames(self) -> FramesView:
        """The list of frames."""
        assert isinstance(self.app.screen, FramesScreen)
        return self.app.screen.query_one(FramesView)

    def screen_text(self) -> list[str]:
        """Return the lines of the whole screen."""
        return ["".join(each.text for each in line) for line in self.app.screen._compositor.render_strips()]


@asynccontextmanager
async def staged(
    size: tuple[int, int] = SMALL, *, language: str = "en", **acts: Any
) -> AsyncIterator[Stage]:
    """Run a console of a size."""
    stage = Stage(language=language, acts=Acts(**acts))
    async with stage.app.run_test(size=size) as pilot:
        stage.pilot = pilot
        await stage.settle()
        yield stage
