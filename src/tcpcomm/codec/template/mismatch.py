"""What is wrong with a text that does not have the form of a template, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from tcpcomm.codec.template.field_type import shown
from tcpcomm.errors import CodecError

__all__ = ["Step", "diagnosis"]


@frozen
class Step:
    """One piece of a template: what may stand there, the field that it is, what to call it, or its text."""

    regex: str
    name: str
    says: str
    literal: str = ""
    width: int | None = None
    """Characters that a field has, where that is fixed."""
    inside: tuple[Step, ...] = ()
    """The pieces of an optional part."""


def _begun(literal: str, text: str) -> str:
    """As much of a literal as a text begins with."""
    size = next((at for at, each in enumerate(literal) if text[at : at + 1] != each), len(literal))
    return literal[:size]


def _as_if_there(text: str, following: str) -> str:
    """What stands for a field of fixed width, as people see it: up to what follows it, or to a space."""
    found = re.match(" *[^ ]*", text)
    assert found is not None
    stop = following[:1].strip()
    return found[0].partition(stop)[0] if stop else found[0]


def diagnosis(template: str, steps: Sequence[Step], text: str) -> tuple[int, CodecError]:
    """
    How far a text goes along with a template, and what is wrong there.

    It is found by trying longer and longer parts of the template, for the compiled expression only says
    that it does not match. An optional part is looked into where the text goes along with it further than
    without it.
    """
    if not template.isprintable():
        template = repr(template)[1:-1]
    best = _along(template, steps, text)
    opened: Sequence[Step] | None = steps
    while opened is not None:
        steps, opened = opened, None
        for index, step in enumerate(steps):
            if step.inside:
                candidate = [*steps[:index], *step.inside, *steps[index + 1 :]]
                found = _along(template, candidate, text)
                if found[0] > best[0]:
                    best, opened = found, candidate
    return best


def _along(template: str, steps: Sequence[Step], text: str) -> tuple[int, CodecError]:
    """The same, for steps that are taken as they are."""
    regex = ""
    begin = end = 0
    before = Step("", "", "")
    missing = Step("", "", "the end")
    following = ""
    for index, step in enumerate(steps):
        regex += f"(?:{step.regex})"
        match = re.compile(regex, re.DOTALL).match(text)
        if match is None:
            missing = step
            following = steps[index + 1].literal if index + 1 < len(steps) else ""
            break
        begin, end, before = end, match.end(), step
    begun = _begun(missing.literal, text[end:])
    if begun:
        end += len(begun)
        before = Step("", "", "")
        missing = Step("", "", repr(missing.literal[len(begun) :]))
    here = shown(text[end:])
    if end == len(text):
        return end, CodecError(
            f"the text ends where {missing.says} should stand, as in {template}", missing.name
        )
    if missing.name:
        size = len(_as_if_there(text[end:], following))
        if missing.width is not None and size != missing.width:
            return end, CodecError(
                f"{size} characters, {missing.width} wanted: {here} should begin with {missing.says}, "
                f"as in {template}",
                missing.name,
            )
        return end, CodecError(f"{here} does not begin with {missing.says}, as in {template}", missing.name)
    if before.name:
        wrong = shown(text[begin:])
        return end, CodecError(
            f"{wrong} is not {before.says} and then {missing.says}, as in {template}", before.name
        )
    return end, CodecError(f"{here} stands where {missing.says} should stand, as in {template}")
