"""The log of a process that this one has started: :func:`log_again`."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import Logger, LogLevel

from tcpcomm.runtime.logs import EXTRA_FIELDS


def log_again(line: str, log_format: str = "{text}", **fields: Any) -> bool:
    """
    Log an event that another process wrote to its log, with its own level and logger.

    The other process has limited its log already.

    Args:
        line: a line of the log of the other process, which is in JSON.
        log_format: the format of the message here. ``{text}`` is the message of the event.
        fields: further values for the format.

    Returns:
        False if the line is not such an event, for example because the program printed it.
    """
    try:
        event = json.loads(line)
        level = LogLevel.levelWithName(event["level"])
        logger = Logger(namespace=event["logger"])
        text = event["message"]
    except Exception:  # the program may print anything
        return False
    # A program may print JSON of its own, with names that mean something else here.
    values = {name: event[name] for name in (*EXTRA_FIELDS, "left_out") if name in event}
    if "traceback" in event:
        values["log_failure"] = event["traceback"]
    values.update(fields, text=text, log_asked_for=True)
    logger.emit(level, log_format, **values)
    return True
