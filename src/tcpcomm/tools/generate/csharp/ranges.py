"""Checks of ranges in C#: :func:`range_checks`."""

from __future__ import annotations

from collections.abc import Iterator

from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel
from tcpcomm.tools.generate.csharp.source import string


def range_checks(message: CommandModel | EventModel) -> Iterator[str]:
    """Yield the statements that check the ranges of parameters."""
    for each in message.members:
        if each.check:
            yield f"Range.Check<{each.type.name}>({each.camel}, {each.check}, {string(each.name)});"
