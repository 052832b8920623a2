"""The kinds of targets, the verdicts on them, and how a case says that its target is wrong."""

from __future__ import annotations

from enum import Enum
from typing import Final, NoReturn

from tcpcomm.errors import TcpcommError

VERSION: Final = "1.0"
"""The version of the suite. A number keeps its meaning; a new case gets a new number and a new version."""

ECHO: Final = "echo"
LINES: Final = "lines"
LENGTH: Final = "length"
JSON: Final = "json"
JSON_RPC: Final = "json-rpc"
BINARY: Final = "binary"
PSK: Final = "psk"
TLS: Final = "tls"
KINDS: Final = (ECHO, LINES, LENGTH, JSON, JSON_RPC, BINARY, PSK, TLS)
"""The kinds of servers that the suite knows."""

LINE_BASED: Final = (ECHO, LINES, JSON, JSON_RPC)
LENGTH_BASED: Final = (LENGTH, BINARY)
PLAIN: Final = (*LINE_BASED, *LENGTH_BASED)


class Verdict(Enum):
    """The result of a case."""

    OK = "ok"
    INFORMATIONAL = "told"
    """Several behaviours are right. The text says which one was seen."""
    NOT_RUN = "not run"
    WRONG = "wrong"


class Wrong(TcpcommError):
    """The target did something that is never right, or did not do what it must."""


class NotRun(TcpcommError):
    """The case needs something that was not given, such as the target's process number."""


def wrong(text: str) -> NoReturn:
    """End the case: the target is wrong."""
    raise Wrong(text)
