"""The steps of a recorded session: :func:`steps_of`, and the sessions that can be played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import (
    RecordedChunk,
    RecordedFrame,
    RecordedMessage,
    RecordedSession,
    time_of,
)
from tcpcomm.tools.replay.said import ConversationReader, Said, Step

_MOST_ADDED: Final = 64
"""Bytes that a framing may add to a secret frame, of which only the length is recorded."""


@frozen
class Chunk:
    """
    A recorded chunk, with its direction as a conversation has it.

    Attributes:
        frames: if the chunk is secret, the frames in it, each with True if it is secret: as ``*``.
    """

    time: int
    """Microseconds since 1970."""
    from_host: bool
    data: bytes
    is_masked: bool = False
    frames: tuple[tuple[bytes, bool], ...] = ()


def chunks_of(recording: Recording, session: RecordedSession) -> Iterator[Chunk]:
    """Yield the chunks of a recorded session, in order."""
    waiting: Chunk | None = None  # a secret chunk; its frames may still come
    early: list[tuple[bytes, bool]] = []  # secret frames before their chunk
    for each in recording.everything(session):
        if isinstance(each, RecordedFrame | RecordedMessage):
            if waiting is not None and waiting.from_host == (each.sent != session.is_equipment):
                waiting = evolve(waiting, frames=(*waiting.frames, (each.frame, each.masked)))
            elif each.masked:
                early.append((each.frame, True))
        elif isinstance(each, RecordedChunk):
            if waiting is not None:
                yield waiting
                waiting = None
            found = Chunk(each.at, each.sent != session.is_equipment, each.data, each.masked)
            if each.masked:
                waiting, early = evolve(found, frames=tuple(early)), []
            else:
                yield found
    if waiting is not None:
        yield waiting


def steps_of(chunks: Iterable[Chunk], speech: Speech, opened_at: int) -> Iterator[Step]:
    """
    Yield the steps of a conversation.

    Args:
        chunks: the chunks of one connection.
        speech: the language.
        opened_at: the time at which it was opened, in microseconds.
    """
    reader = ConversationReader(speech)
    last = {True: 0.0, False: 0.0}
    for chunk in chunks:
        at = max(0.0, (chunk.time - opened_at) / 1_000_000)
        silent: list[Said] = []
        if speech.gap is not None:
            for side, heard_at in last.items():
                if at - heard_at >= speech.gap:
                    silent += reader.silence(heard_at + speech.gap, from_host=side)
        for each in silent:
            yield Step(at=at, from_host=each.from_host, data=b"", said=(each,), time=chunk.time)
        last[chunk.from_host] = at
        said: list[Said] = []
        if chunk.is_masked:
            framing = speech.framing(to_host=not chunk.from_host)
            for frame, is_masked in chunk.frames or ((_frame_in(framing, chunk.data), True),):
                found = reader.feed(_encoded(framing, frame), at, from_host=chunk.from_host)
                said += [evolve(each, is_masked=is_masked) for each in found]
        else:
            said = reader.feed(chunk.data, at, from_host=chunk.from_host)
        yield Step(
            at=at,
            from_host=chunk.from_host,
            data=chunk.data,
            said=tuple(said),
            time=chunk.time,
            is_masked=chunk.is_masked,
        )
    for side in last if speech.gap is not None else ():
        for each in reader.silence(last[side] + (speech.gap or 0.0), from_host=side):
            yield Step(at=last[side], from_host=side, data=b"", said=(each,))


def _frame_in(framing: Framing, wire: bytes) -> bytes:
    """Return a frame that has so many bytes on the wire, if the framing has one."""
    for added in range(min(_MOST_ADDED, len(wire)) + 1):
        frame = wire[added:]
        if len(_encoded(framing, frame)) == len(wire):
            return frame
    return wire


def _encoded(framing: Framing, frame: bytes) -> bytes:
    try:
        return framing.encode(frame)
    except EncodeError:
        return frame


def playable(recording: Recording, numbers: Sequence[int] = ()) -> list[RecordedSession]:
    """
    Return the sessions of a recording that can be played together.

    Args:
        recording: the recording.
        numbers: only these sessions; none: all in which bytes passed.

    Raises:
        ConfigurationError: a session does not exist, or the sessions are of several pieces of equipment.
    """
    if numbers:
        found = [recording.session(number) for number in dict.fromkeys(numbers)]
    else:
        found = [each for each in recording.sessions() if next(recording.chunks(each), None) is not None]
    if not found:
        raise ConfigurationError(f"{recording.path}: no session with a single byte is recorded")
    kinds = {(each.declaration, each.is_equipment) for each in found}
    if len(kinds) > 1:
        listed = "; ".join(_session_text(each) for each in found[:8])
        raise ConfigurationError(
            f"{recording.path} has sessions of several kinds: name those to play with --session ({listed})"
        )
    return found


def _session_text(session: RecordedSession) -> str:
    with_whom = session.declaration or "not declared"
    return f"{session.number}: {session.peer}, {with_whom}, {time_of(session.opened_at):%Y-%m-%d %H:%M:%S}"


def waits_for(session: RecordedSession, sessions: Iterable[RecordedSession]) -> list[RecordedSession]:
    """Return the sessions that had ended before this one was opened, which a replay must keep."""
    return [
        each
        for each in sessions
        if each is not session and each.closed_at is not None and each.closed_at <= session.opened_at
    ]


def missing_parts(recording: Recording, sessions: Iterable[RecordedSession]) -> list[str]:
    """Return a sentence for each part that the recording lacks, and for each change that a tool made."""
    found = [*recording.problems]
    times = [(each.opened_at, each.closed_at or 2**62) for each in sessions]
    for gap in recording.gaps():
        if any(begin <= gap.until and gap.at <= end for begin, end in times):
            found.append(
                f"{gap.count} values are missing at {time_of(gap.at):%H:%M:%S}: {gap.reason}; "
                "the other side may differ for that"
            )
    return found
