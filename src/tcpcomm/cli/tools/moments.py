"""Times on the command line: :func:`moment_of`."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final

from tcpcomm.cli.common import Refusal
from tcpcomm.tools.record.values import time_of

_BEFORE: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment_of(text: str, ends_at: int, *, option: str) -> int:
    """
    Return a time in microseconds since 1970.

    Args:
        text: a date and a time, a time on the last day of a recording, both local unless they have a zone,
            or the time before its end, such as ``10m``.
        ends_at: the end of the recording, in microseconds.
        option: the name of the option, for the error.

    Raises:
        Refusal: it is none of these.
    """
    if match := _BEFORE.fullmatch(text):
        return ends_at - int(match["count"]) * _SECONDS[match["unit"]] * 1_000_000
    try:
        if ":" in text and not re.search(r"[0-9]{4}-", text):
            day = time_of(ends_at).astimezone().date()
            found = datetime.combine(day, time.fromisoformat(text))
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            f"--{option} must be a time, such as '2026-11-29 08:30', 08:30:15, or 10m before the end, "
            f"not {text!r}"
        ) from None
    return round(found.timestamp() * 1_000_000)
