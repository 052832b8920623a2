"""Members that cannot stand beside each other: :func:`without_conflict` narrows one, or leaves it out."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from tcpcomm.tools.guess.draft.columns import as_text
from tcpcomm.tools.guess.draft.commands import CommandSeen, EventSeen, Members
from tcpcomm.tools.guess.draft.parts import Kind, Pattern, Slot, Text, slots, template
from tcpcomm.tools.guess.draft.replies import ReplyForm

_MOST_WORDS: Final = 24
"""The most texts that are listed as the only ones that may come."""


def without_conflict(members: Members, number: int | None, problem: str) -> tuple[Members, list[str]]:
    """
    Return members without a conflict, and a sentence for each one that is left out.

    First, a field of any text becomes a choice of the texts that were seen. If that does not help, several
    forms of a reply become one text behind the words that all have. If that does not help either, the
    member is left out.

    Args:
        members: the commands and events.
        number: the number of the member that an error names, or None if it names none.
        problem: the error.
    """
    if number is None or number >= len(members.commands) + len(members.events):
        faults = members.faults[:-1]
        if not members.faults:
            return Members(commands=(), events=(), faults=()), [problem]
        lost = members.faults[-1]
        return evolve(members, faults=faults), [f"The fault {lost.template!r} is left out: {problem}"]
    if number >= len(members.commands):
        at = number - len(members.commands)
        events, lacks = _changed_event(members.events, at, problem)
        return evolve(members, events=events), lacks
    command = members.commands[number]
    narrow = _narrowed(command)
    before, behind = members.commands[:number], members.commands[number + 1 :]
    if narrow != command:
        return evolve(members, commands=(*before, narrow, *behind)), []
    wide = _widened(command)
    if wide != command:
        return evolve(members, commands=(*before, wide, *behind)), []
    lack = f"The request {template(command.request)!r}, seen {command.count} times, is left out: {problem}"
    return evolve(members, commands=(*before, *behind)), [lack]


def _changed_event(
    events: tuple[EventSeen, ...], at: int, problem: str
) -> tuple[tuple[EventSeen, ...], list[str]]:
    event = events[at]
    narrow = evolve(event, pattern=_chosen(event.pattern))
    if narrow != event:
        return (*events[:at], narrow, *events[at + 1 :]), []
    lack = f"The event {template(event.pattern)!r}, seen {event.count} times, is left out: {problem}"
    return (*events[:at], *events[at + 1 :]), [lack]


def _narrowed(command: CommandSeen) -> CommandSeen:
    replies = command.replies
    forms = tuple(evolve(each, lines=tuple(map(_chosen, each.lines))) for each in replies.forms)
    items = tuple(map(_chosen, replies.items))
    return evolve(
        command, request=_chosen(command.request), replies=evolve(replies, forms=forms, items=items)
    )


def _widened(command: CommandSeen) -> CommandSeen:
    """Return a command with a reply that is one text behind the common beginning of all its forms."""
    forms = command.replies.forms
    if len(forms) < 2 or any(len(each.lines) > 1 for each in forms):
        return command
    found = as_text([each.lines[0] for each in forms], [len(each.exchanges) for each in forms])
    if found is None or not found[0]:
        return command
    begin, texts = found
    exchanges = [number for each in forms for number in each.exchanges]
    form = ReplyForm(lines=((Text(begin), Slot(kind=Kind.TEXT, values=texts)),), exchanges=tuple(exchanges))
    faults = tuple(each for each in command.replies.faults if not each.startswith(begin))
    return evolve(command, replies=evolve(command.replies, forms=(form,), faults=faults))


def _chosen(pattern: Pattern) -> Pattern:
    """Return a pattern that takes only the texts that were seen, if these are few words."""
    if not any(each.kind is Kind.TEXT for each in slots(pattern)):
        return pattern
    return tuple(_choice(each) if isinstance(each, Slot) else each for each in pattern)


def _choice(slot: Slot) -> Slot:
    few = slot.kind is Kind.TEXT and slot.separator is None and 0 < len(slot.words) <= _MOST_WORDS
    return evolve(slot, kind=Kind.CHOICE, format="") if few and all(slot.words) else slot
