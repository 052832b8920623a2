"""Commands and their replies as JSON: :func:`read_command`, :func:`result_text`, :func:`error_text`."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from tcpcomm.errors import Fault, NotSent, OutcomeUnknown
from tcpcomm.plant.errors import CommandRefused
from tcpcomm.plant.sink import BrokerCommand

LARGEST_COMMAND: Final = 65536
"""Bytes of a command from a broker. A larger command is refused."""

MALFORMED: Final = "malformed"
TOO_OLD: Final = "too-old"
REPEATED: Final = "repeated"
NOBODY: Final = "no-owner"
FAILED: Final = "failed"

_KEYS: Final = {"link", "command", "arguments"}
_EXAMPLE: Final = '{"link": "camera-1", "command": "locate", "arguments": {"job": 3}}'


class Malformed(ValueError):
    """A command cannot be read."""


def read_command(body: bytes) -> BrokerCommand:
    """
    Return the command that a message carries.

    Raises:
        Malformed: it is not a JSON object with the right keys.
    """
    if len(body) > LARGEST_COMMAND:
        raise Malformed(f"it has {len(body)} bytes, and at most {LARGEST_COMMAND} are read")
    try:
        found = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"it is not JSON: {error}") from None
    if not isinstance(found, dict) or not {"link", "command"} <= found.keys() <= _KEYS:
        raise Malformed(f"it must be an object such as {_EXAMPLE}")
    arguments = found.get("arguments", {})
    if not isinstance(found["link"], str) or not isinstance(found["command"], str):
        raise Malformed(f"link and command must be texts, as in {_EXAMPLE}")
    if not isinstance(arguments, dict):
        raise Malformed(f"arguments must be an object, as in {_EXAMPLE}")
    return BrokerCommand(link=found["link"], command=found["command"], arguments=arguments)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def result_text(result: Any) -> bytes:
    """
    Return the reply for a command that was carried out.

    Raises:
        TypeError: the result cannot be written as JSON.
        ValueError: the same.
    """
    return _encoded(json.dumps({"result": result}, ensure_ascii=False, allow_nan=False))


def error_text(kind: str, reason: str, **more: Any) -> bytes:
    """Return the reply for a command that was not carried out, or failed."""
    return _encoded(json.dumps({"error": kind, "reason": reason, **more}, ensure_ascii=False))


def failure_text(error: Exception) -> bytes | None:
    """Return the reply for an error of a command; None for an error that a program must not raise."""
    if isinstance(error, Fault):
        return error_text("fault", error.reason or str(error), code=error.code)
    if isinstance(error, CommandRefused):
        return error_text("refused", str(error))
    if isinstance(error, NotSent):
        return error_text("not-sent", str(error))
    if isinstance(error, OutcomeUnknown):
        return error_text("outcome-unknown", str(error))
    return None


def _encoded(text: str) -> bytes:
    """Return JSON as UTF-8. Half a surrogate pair, which UTF-8 has not, becomes an escape of JSON."""
    return text.encode("utf-8", "backslashreplace")
