"""
The ids and headers of a live conversation in recorded frames: :class:`LiveIds`.

A reply carries the id of its request, and a host may number its requests otherwise than when it was
recorded. So a recorded reply gets the id and the header values of the live request. A host may also learn
values from replies, such as the number of its node, and sends them in its next requests.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from attrs import define

from tcpcomm.codec.base import MISSING, Answer, Dialect, Refusal, ReplyReader, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, Fault
from tcpcomm.session.observer import MessageKind, ObservedMessage
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.replay.said import Said

MOST_REMEMBERED: Final = 4096
"""Commands of a replay whose live ids are remembered. The oldest one is forgotten."""


@define(eq=False)
class _Pair:
    """A recorded command, and the live one in its place."""

    recorded: ObservedMessage  # it is kept, so that its id stays its own
    live: ObservedMessage
    recorded_asked: Request | Refusal | None
    live_asked: Request | Refusal | None

    @property
    def is_same(self) -> bool:
        """True if the recorded answer fits the live command as it is."""
        old, new = self.recorded_asked, self.live_asked
        return old is None or new is None or (old.id == new.id and old.header == new.header)


@define(eq=False)
class _Readers:
    """The readers that learn from the recorded and from the live reply to one command."""

    command: ObservedMessage
    recorded: ReplyReader | None
    live: ReplyReader | None


class LiveIds:
    """
    Knows the live counterparts of recorded commands, and writes recorded frames for the live peer.

    Args:
        speech: the language.
        plays_host: True if the host's side of the recording is played.
    """

    def __init__(self, speech: Speech, *, plays_host: bool) -> None:
        self._speech = speech
        self._plays_host = plays_host
        self._pairs: OrderedDict[int, _Pair] = OrderedDict()
        self._readers: OrderedDict[int, _Readers] = OrderedDict()
        self._learned: dict[str, Any] = {}
        self._live_learned: dict[str, Any] = {}
        self.notes: list[str] = []
        """Replies that could not be written for the live peer, in words."""

    @property
    def matters(self) -> bool:
        """True if recorded frames may have to be written anew."""
        declarations = (self._speech.declaration, self._speech.host_side)
        return any(
            each is not None and (each.dialect.by_id or bool(each.dialect.header_values))
            for each in declarations
        )

    def pair(self, recorded: Said, live: Said) -> None:
        """Note that a live frame stands for a recorded one."""
        if len(recorded.messages) != len(live.messages):
            return
        dialect = self._dialect(by_host=recorded.from_host)
        for index, (message, other) in enumerate(zip(recorded.messages, live.messages, strict=True)):
            if message.answers is not None:
                self._learn(message.answers, recorded, live)
                continue
            pair = _Pair(message, other, _asked(dialect, recorded, index), _asked(dialect, live, index))
            _remember(self._pairs, message, pair)

    def live_command(self, recorded: ObservedMessage) -> ObservedMessage | None:
        """Return the live command in the place of a recorded one, or None if it is not known."""
        pair = self._pairs.get(id(recorded))
        return None if pair is None else pair.live

    def frame_for(self, said: Said) -> bytes:
        """Return the frame to send in the place of a recorded one of the side that is played."""
        if not said.messages:
            return said.frame
        if all(each.answers is not None for each in said.messages):
            return self._answer(said)
        if self._plays_host and len(said.messages) == 1:
            return self._command(said)
        return said.frame

    def _dialect(self, *, by_host: bool) -> Dialect | None:
        """Return the dialect of the commands of one side."""
        declaration: Declaration | None = self._speech.declaration if by_host else self._speech.host_side
        return None if declaration is None else declaration.dialect

    def _answer(self, said: Said) -> bytes:
        dialect = self._dialect(by_host=not said.from_host)
        pairs = [self._pairs.get(id(each.answers)) for each in said.messages]
        if dialect is None or not (dialect.by_id or dialect.header_values):
            return said.frame
        if any(pair is None for pair in pairs) or all(pair is not None and pair.is_same for pair in pairs):
            return said.frame
        old, new = [], []
        for message, pair in zip(said.messages, pairs, strict=True):
            assert pair is not None
            recorded, live = pair.recorded_asked, pair.live_asked
            if recorded is None or live is None:
                return said.frame
            try:
                old.append(_written(dialect, recorded, message))
                new.append(_written(dialect, live, message))
            except (CodecError, Fault) as error:
                name = message.name or "a command"
                self._note(f"the reply to {name} is sent with the recorded id and header: {error}")
                return said.frame
        if old == new:
            return said.frame
        joined = (old[0], new[0]) if len(old) == 1 else (dialect.join(old), dialect.join(new))
        return _exchanged(said.frame, *joined)

    def _command(self, said: Said) -> bytes:
        (message,) = said.messages
        dialect = self._dialect(by_host=True)
        if dialect is None or not dialect.header_values or message.kind is MessageKind.EVENT:
            return said.frame
        asked = _asked(dialect, said, 0)
        if not isinstance(asked, Request) or asked.header is None:
            return said.frame
        header = {name: value for name, value in asked.header.items() if name in dialect.header_values}
        given = {name: each for name, each in header.items() if self._learned.get(name, MISSING) != each}
        try:
            old, recorded = self._ask(dialect, asked, header, self._learned)
            new, live = self._ask(dialect, asked, given, self._live_learned)
        except CodecError:
            return said.frame
        _remember(self._readers, message, _Readers(message, recorded, live))
        return said.frame if old == new else _exchanged(said.frame, old, new)

    @staticmethod
    def _ask(
        dialect: Dialect, asked: Request, header: Mapping[str, Any], learned: dict[str, Any]
    ) -> tuple[bytes, ReplyReader | None]:
        id = asked.id if isinstance(asked.id, int) else 0
        return dialect.ask(asked.name, asked.values, id, header, learned)

    def _learn(self, command: ObservedMessage, recorded: Said, live: Said) -> None:
        """Let the readers of a command take its recorded and its live reply."""
        readers = self._readers.pop(id(command), None)
        dialect = self._dialect(by_host=True)
        if readers is None or dialect is None:
            return
        for reader, said in ((readers.recorded, recorded), (readers.live, live)):
            with suppress(CodecError, Fault):
                (answer,) = dialect.read_at_host(said.frame)
                if reader is not None and isinstance(answer, Answer):
                    reader.take(answer.body)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _remember(known: OrderedDict[int, Any], message: ObservedMessage, value: Any) -> None:
    known[id(message)] = value
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)


def _asked(dialect: Dialect | None, said: Said, index: int) -> Request | Refusal | None:
    """Return the request in a frame, or None if it cannot be read."""
    if dialect is None:
        return None
    requests = dialect.read_at_equipment(said.frame).requests
    return requests[index] if index < len(requests) else None


def _written(dialect: Dialect, asked: Request | Refusal, message: ObservedMessage) -> bytes:
    """
    Return the frame of an answer to a request.

    Raises:
        CodecError: it cannot be written, or has several frames.
    """
    values = message.values
    if message.kind is MessageKind.FAULT:
        fault = Fault(values.get("code") or 0, values.get("reason") or "", values.get("data"))
        return dialect.fault(asked, fault)
    if isinstance(asked, Refusal) or "result" not in values:
        raise CodecError("it cannot be read as declared")
    frames = dialect.reply(asked, values["result"])
    if len(frames) != 1:
        raise CodecError("it has several frames")
    return frames[0]


def _exchanged(frame: bytes, old: bytes, new: bytes) -> bytes:
    """
    Return a recorded frame with the ids of the new form in place of those of the old form.

    If the frame is written in another way than we write it, only bytes in known places are exchanged.
    """
    if frame == old or len(old) != len(new):
        return new
    changed = [at for at in range(len(old)) if old[at] != new[at]]
    if any(at >= len(frame) or frame[at] != old[at] for at in changed):
        return new
    found = bytearray(frame)
    for at in changed:
        found[at] = new[at]
    return bytes(found)
