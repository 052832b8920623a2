"""What is wrong with a text that does not have the form of a template, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from tcpcomm.codec.fieldtype import shown
from tcpcomm.errors import CodecError

__all__ = ["Step", "diagnosis"]


@frozen
class Step:
    """One piece of a template: what may stand there, the field that it is, what to call it, or its text."""

    regex: str
    name: str
    says: str
    literal: str = ""


def _begun(literal: str, text: str) -> str:
    """As much of a literal as a text begins with."""
    size = next((at for at, each in enumerate(literal) if text[at : at + 1] != each), len(literal))
    return literal[:size]


def diagnosis(template: str, steps: Sequence[Step], text: str) -> tuple[int, CodecError]:
    """
    How far a text goes along with a template, and what is wrong there.

    It is found by trying longer and longer parts of the template, for the compiled expression only says
    that it does not match.
    """
    regex = ""
    begin = end = 0
    before = Step("", "", "")
    missing = Step("", "", "the end")
    for step in steps:
        regex += f"(?:{step.regex})"
        match = re.compile(regex, re.DOTALL).match(text)
        if match is None:
            missing = step
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
        return end, CodecError(f"{here} does not begin with {missing.says}, as in {template}", missing.name)
    if before.name:
        wrong = shown(text[begin:])
        return end, CodecError(
            f"{wrong} is not {before.says} and then {missing.says}, as in {template}", before.name
        )
    return end, CodecError(f"{here} stands where {missing.says} should stand, as in {template}")
