"""The facts about binary messages as a Python module, for a declaration by hand: :func:`facts_source`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tcpcomm.tools.guess.binary.draft import draft_header
from tcpcomm.tools.guess.binary.facts import Before, find_facts
from tcpcomm.tools.guess.draft.lines import Message
from tcpcomm.tools.guess.draft.results import Writer
from tcpcomm.tools.guess.draft.source import Frame, framings_source

_WIDTH = 100


def facts_source(frame: Frame, messages: Sequence[Message], before: Before = (0, 0)) -> str:
    """
    Return a module with the framing, the codec if each part of the header is proven, and the facts.

    Args:
        frame: the framings.
        messages: the messages of both sides.
        before: the bytes of a message on the wire before those that its framing delivers, of both sides.
    """
    frames = [(each.side, each.data) for each in messages]
    header, facts, writer = draft_header(frames, before), find_facts(frames, before=before), Writer()
    framings = framings_source(writer, frame)
    lines = [
        '"""',
        f"Facts about equipment with binary messages: {len(frames)} were captured.",
        "",
        f"Declare the commands of {frame.name} by them; {frame.name} is not declared yet.",
        '"""',
        "",
    ]
    if "Annotated[" in header.text:
        lines += ["from typing import Annotated", ""]
    if header.text:
        lines.append(f"from tcpcomm.codec import {', '.join(header.imports)}")
    lines += [f"from tcpcomm.framing import {', '.join(sorted(writer.imports))}", ""]
    lines += [each.strip() for each in framings.splitlines()]
    if header.text:
        lines.append(f"codec = {header.text}")
    lines += ["", *_comments(f"{each}." for each in header.notes)]
    if header.missing:
        lines += ["# The header is not proposed, because a part of it is not proven:"]
        lines += _comments((f"- {each}" for each in header.missing), indent="  ")
    lines += ["#", "# The facts. Bytes are counted from 0, from the first byte of a message on the wire:"]
    lines += _comments((f"- {each}" for each in facts.sentences), indent="  ")
    if facts.unexplained:
        lines += ["#", "# Not explained:"]
        lines += _comments((f"- {each}" for each in facts.unexplained), indent="  ")
    return "\n".join(lines) + "\n"


def _comments(sentences: Iterable[str], indent: str = "") -> Iterator[str]:
    """Yield comments of a moderate width."""
    for each in sentences:
        line = ""
        for word in each.split():
            if line and len(line) + len(word) >= _WIDTH:
                yield f"# {line}"
                line = indent + word
            else:
                line = f"{line} {word}" if line else word
        yield f"# {line}"
