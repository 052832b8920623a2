"""Drafts a declaration of equipment from a capture: :func:`draft_declaration`."""

from __future__ import annotations

from attrs import frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.answer import Guess
from tcpcomm.tools.guess.capture import Capture, Side
from tcpcomm.tools.guess.draft.commands import Members, members_of
from tcpcomm.tools.guess.draft.conflicts import without_conflict
from tcpcomm.tools.guess.draft.exchanges import conversation_by_ids, conversation_of
from tcpcomm.tools.guess.draft.forms import head_of
from tcpcomm.tools.guess.draft.ids import marked
from tcpcomm.tools.guess.draft.lines import Line, encoding_of, frames_of, is_text
from tcpcomm.tools.guess.draft.source import Frame, source_of
from tcpcomm.tools.guess.draft.trial import Trial, declared, member_in, read_capture


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
    if guess.best is None:
        return Draft(problem="No framing is known, so that nothing can be drafted. Capture more messages.")
    notations = guess.best.framings
    framings = tuple(None if each is None else parse_framing(each) for each in notations)
    frames = frames_of(capture, (framings[0], framings[1]))
    encoding = encoding_of(frames)
    if encoding is None or not is_text(frames):
        return Draft(problem="The messages are binary data, and a draft needs text.")
    lines = [Line(each.side, each.data.decode(encoding), each.chunk, each.at) for each in frames]
    ids = marked(lines)
    conversation = conversation_of(lines, head_of) if ids is None else conversation_by_ids(ids)
    if conversation.pipelined:
        return Draft(problem=_pipelined(conversation.pipelined))
    members = members_of(conversation)
    asks, answers = framings[conversation.host], framings[1 - conversation.host]
    framing = asks or answers
    if framing is None:
        return Draft(problem="Neither side has a framing, so that nothing can be drafted.")
    frame = Frame(
        name=name,
        framing=framing,
        reply_framing=answers,
        encoding=encoding,
        lines=len(lines),
        origin=capture.name,
        has_ids=ids is not None,
    )
    return _tried(capture, frame, members, conversation.host)


def _tried(capture: Capture, frame: Frame, members: Members, host: Side) -> Draft:
    """Write the draft, and read the capture by it. What cannot be declared beside the rest is left out."""
    left_out: list[str] = []
    while members.commands or members.events:
        source = source_of(frame, members, left_out)
        try:
            with declared(source.text, frame.name) as declaration:
                trial = read_capture(capture, declaration, host)
        except ConfigurationError as error:
            names, name = source.names, member_in(error, frame.name)
            number = names.index(name) if name in names else None
            members, lacks = without_conflict(members, number, str(error))
            left_out += lacks
        else:
            return Draft(text=source.text, notes=(*left_out, *_notes(trial)))
    return Draft(problem="Nothing can be declared.", notes=tuple(left_out))


def _pipelined(count: int) -> str:
    return (
        f"{count} requests were sent before the one before was answered, and no message has an id, so that "
        "nobody can tell which reply belongs to which request. Capture again with one command at a time."
    )


def _notes(trial: Trial) -> tuple[str, ...]:
    figures = (
        f"It reads {trial.read} of {trial.answers} lines of the equipment, and {trial.requests_read} of "
        f"{trial.requests} requests."
    )
    return (figures, *(f"Not read: {frame!r}: {problem}" for frame, problem in trial.unread[:5]))
