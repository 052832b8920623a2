"""Drafts a declaration of equipment from a capture: :func:`draft_declaration`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing, parse_framing
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import OPENER, Capture, Side
from tcpcomm.tools.guess.draft.binary_draft import facts_source
from tcpcomm.tools.guess.draft.commands import members_of
from tcpcomm.tools.guess.draft.conflicts import without_conflict
from tcpcomm.tools.guess.draft.encodings import TextEncoding, encoding_of
from tcpcomm.tools.guess.draft.exchanges import (
    Conversation,
    conversation_beside_heartbeats,
    conversation_by_ids,
    conversation_of,
)
from tcpcomm.tools.guess.draft.forms import head_of
from tcpcomm.tools.guess.draft.ids import marked
from tcpcomm.tools.guess.draft.json_objects.drafting import JsonSource, Shell, json_sources, objects_of
from tcpcomm.tools.guess.draft.languages import Language, languages_of
from tcpcomm.tools.guess.draft.lines import Line, Message, frames_of, is_text
from tcpcomm.tools.guess.draft.results import Writer
from tcpcomm.tools.guess.draft.source import Frame, docstring, framings_source, source_of
from tcpcomm.tools.guess.draft.trial import Trial, declared, member_in, read_capture
from tcpcomm.tools.guess.facts import bytes_before

Framings: TypeAlias = tuple[Framing | None, Framing | None]

_LEAST_READ: Final = 0.9
_MOST_MESSAGES: Final = 4_000
_ONE_AT_A_TIME: Final = "Capture again with one command at a time."
_LIKELY: Final = "the framing is likely, and not certain"
_FACTS: Final = (
    "The messages are binary, so these are facts with their counts, and no declaration. Add the commands "
    "that you know."
)
_OTHER_JSON: Final = (
    "The messages are JSON objects, and no options of the codec Json read nine of ten of them. Declare the "
    "commands by hand, by the table of its options in docs/reference/json.md."
)
_BOTH_ASK: Final = (
    "Both sides send requests of JSON-RPC, and a draft declares those of one side only. Declare the "
    "commands by hand: those of the equipment, and as its host_side those that it sends to the host, by "
    "docs/howto/declare-equipment.md."
)


@frozen(kw_only=True)
class Draft:
    """
    A drafted declaration.

    Attributes:
        text: the Python source of a module with the declaration; empty if none can be drafted.
        notes: what its reader must know, each as a sentence.
        problem: the reason for having no draft, and the next step; empty if there is a draft.
    """

    text: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""


def draft_declaration(capture: Capture, guess: Guess, *, name: str = "Equipment1") -> Draft:
    """
    Draft a declaration of the equipment in a capture.

    Args:
        capture: the bytes of both sides.
        guess: the framings of the capture.
        name: the name of the class.
    """
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return Draft(problem="No framing is known, so that nothing can be drafted. Capture more messages.")
    if not name.isidentifier():
        return Draft(problem=f"{name!r} cannot be the name of a class.")
    if guess.skipped:
        rest = evolve(capture, chunks=capture.chunks[guess.skipped :], from_start=True)
        note = f"The first {guess.skipped} chunks have another framing, as a login may, and are left out."
        return _with_note(draft_declaration(rest, evolve(guess, skipped=0), name=name), note)
    one, other = (None if each is None else parse_framing(each) for each in guess.best.framings)
    framings = (one, other)
    doubts = () if guess.verdict is Verdict.CONFIDENT else guess.doubts or (_LIKELY,)
    frames = frames_of(capture, framings)
    if len(frames) > _MOST_MESSAGES:
        capture = evolve(capture, chunks=capture.chunks[: frames[_MOST_MESSAGES].chunk])
        frames = frames_of(capture, framings)
        sample = f"Only the first {len(frames):,} messages are read."
        return _with_note(_draft(capture, framings, frames, name, doubts=doubts), sample)
    return _draft(capture, framings, frames, name, doubts=doubts)


def _with_note(draft: Draft, note: str) -> Draft:
    return evolve(draft, notes=(note, *draft.notes))


def _draft(
    capture: Capture, framings: Framings, frames: Sequence[Message], name: str, *, doubts: Sequence[str]
) -> Draft:
    if len({each.side for each in frames}) < len(framings):
        return Draft(problem="Only one side has messages, and a draft needs requests and their replies.")
    if not is_text(frames):
        frame = _frame(capture, framings, OPENER, len(frames), name, doubts=doubts)
        before = bytes_before(framings, [(each.side, each.data) for each in frames])
        return Draft(text=facts_source(frame, frames, before), notes=(_FACTS,))
    encoding = encoding_of(each.data for each in frames)
    lines = [
        Line(each.side, each.data.decode(encoding.name), each.chunk, each.at, each.connection)
        for each in frames
    ]
    objects = objects_of(lines)
    if objects is not None:
        return _json_draft(capture, framings, lines, objects, name, doubts=doubts)
    drafts = []
    for language in languages_of(lines):
        draft, part = _text_draft(capture, framings, encoding, language, name, doubts=doubts)
        if part >= _LEAST_READ or (draft.problem and draft.problem.endswith(_ONE_AT_A_TIME)):
            return draft
        drafts.append((part, draft))
    return max(drafts, key=lambda each: each[0])[1]


def _text_draft(
    capture: Capture,
    framings: Framings,
    encoding: TextEncoding,
    language: Language,
    name: str,
    *,
    doubts: Sequence[str],
) -> tuple[Draft, float]:
    """Return a draft by one codec, and the part of the messages that it reads."""
    ids = marked(language.lines) if language.codec == "Template" else None
    key_of = partial(head_of, with_path=language.with_path)
    if ids is None:
        conversation = conversation_of(language.lines, key_of)
    else:
        conversation = conversation_by_ids(ids)
    if conversation.pipelined:
        return Draft(problem=_pipelined(conversation.pipelined)), 0.0
    frame = _frame(capture, framings, conversation.host, len(language.lines), name, doubts=doubts)
    frame = evolve(
        frame,
        codec=language.codec,
        encoding=encoding.name,
        encoding_doubt=encoding.doubt,
        has_ids=ids is not None,
        has_declaration=language.has_declaration,
    )
    draft, part = _tried(capture, frame, conversation, language)
    if part < _LEAST_READ and ids is None and not conversation.heartbeat:
        apart = conversation_beside_heartbeats(language.lines, key_of)
        if apart is not None:
            asks = framings[apart.host] or frame.framing
            frame = evolve(frame, framing=asks, reply_framing=framings[1 - apart.host])
            return max((draft, part), _tried(capture, frame, apart, language), key=lambda each: each[1])
    return draft, part


def _frame(
    capture: Capture, framings: Framings, host: Side, count: int, name: str, *, doubts: Sequence[str]
) -> Frame:
    asks, answers = framings[host], framings[1 - host]
    framing = asks or answers
    assert framing is not None, "a side without a framing has no lines"
    return Frame(
        name=name,
        framing=framing,
        reply_framing=answers,
        lines=count,
        origin=capture.name,
        framing_doubts=tuple(doubts),
    )


def _json_draft(
    capture: Capture,
    framings: Framings,
    lines: list[Line],
    objects: list[dict[str, Any]],
    name: str,
    *,
    doubts: Sequence[str],
) -> Draft:
    """Return the draft of those that may fit which reads the most."""
    best: tuple[float, JsonSource, Trial] | None = None
    for host in (0, 1):
        frame = _frame(capture, framings, host, len(lines), name, doubts=doubts)
        shell = Shell(name=name, docstring=docstring(frame), framings=framings_source(Writer(), frame))
        for source in json_sources(lines, objects, host, shell):
            if source.pipelined:
                return Draft(problem=_pipelined(source.pipelined))
            try:
                with declared(source.text, name) as declaration:
                    trial = read_capture(capture, declaration, host)
            except ConfigurationError:
                continue
            if best is None or trial.part > best[0]:
                best = (trial.part, source, trial)
    if best is None or best[0] < _LEAST_READ:
        asking = {
            line.side for line, each in zip(lines, objects, strict=True) if {"method", "id"} <= each.keys()
        }
        return Draft(problem=_BOTH_ASK if len(asking) == 2 else _OTHER_JSON)
    return Draft(text=best[1].text, notes=_notes(best[2]))


def _tried(
    capture: Capture, frame: Frame, conversation: Conversation, language: Language
) -> tuple[Draft, float]:
    """Write the draft, and read the capture by it. Members that conflict with others are left out."""
    members = members_of(conversation, with_path=language.with_path)
    frame = evolve(frame, heartbeat=conversation.heartbeat)
    left_out: list[str] = []
    while members.commands or members.events:
        source = source_of(frame, members, left_out)
        try:
            with declared(source.text, frame.name) as declaration:
                trial = read_capture(capture, declaration, conversation.host)
        except ConfigurationError as error:
            names, name = source.names, member_in(error, frame.name)
            number = names.index(name) if name in names else None
            members, lacks = without_conflict(members, number, str(error))
            left_out += lacks
        else:
            return Draft(text=source.text, notes=(*left_out, *_notes(trial))), trial.part
    return Draft(problem="Nothing can be declared.", notes=tuple(left_out)), 0.0


def _pipelined(count: int) -> str:
    requests = "1 request was" if count == 1 else f"{count} requests were"
    return (
        f"{requests} sent before the one before was answered, and no message has an id, so that nobody can "
        f"tell which reply belongs to which request. {_ONE_AT_A_TIME}"
    )


def _notes(trial: Trial) -> tuple[str, ...]:
    figures = (
        f"It reads {trial.read} of {trial.answers} lines of the equipment, and {trial.requests_read} of "
        f"{trial.requests} requests."
    )
    return (figures, *(f"Not read: {frame!r}: {problem}" for frame, problem in trial.unread[:5]))
