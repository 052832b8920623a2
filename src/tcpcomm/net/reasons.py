"""Why a connection ended, in plain words, for people who read logs at a machine."""

from __future__ import annotations

import errno
import sys
from typing import Final, cast

from twisted.internet.error import (
    CannotListenError,
    ConnectBindError,
    ConnectError,
    ConnectionAborted,
    ConnectionClosed,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TimeoutError,
    UserError,
)
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

from tcpcomm.errors import TcpcommError

__all__ = [
    "PORT_TAKEN",
    "connect_error_text",
    "is_program_error",
    "listen_error_text",
    "loss_text",
    "one_line",
    "peer_name",
]

_ERRNO_WORDS: Final = {
    errno.ECONNRESET: "the peer reset the connection: its program ended, or it closed with data unread",
    errno.EPIPE: "the peer had closed the connection already",
    errno.ETIMEDOUT: "the peer's machine does not answer: cable, power or address",
    errno.EHOSTUNREACH: "no route to the peer: cable, switch or address",
    errno.ENETUNREACH: "no route to the peer's network: is the interface down?",
}

PORT_TAKEN: Final = "another program has this port" + (
    "; `ss -ltnp` shows which" if sys.platform == "linux" else ""
)
"""What to look for where the system says that an address is in use."""

_PLAIN_TEXT: Final = ("wrong version number", "http request", "record layer failure", "packet length")
"""What OpenSSL calls bytes that are no TLS at all."""


def peer_name(address: IAddress | None) -> str:
    """The name under which a peer appears in logs: ``192.168.0.10:50432``, or what its socket is."""
    host = _text(getattr(address, "host", None) or getattr(address, "hostname", None))
    port = getattr(address, "port", None)
    if host and port is not None:
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    name = _text(getattr(address, "name", None))
    return f"unix:{name}" if name else "a local peer"


def _text(name: str | bytes | None) -> str:
    """A name as one line: whoever made the socket chose it."""
    return one_line(name.decode(errors="replace") if isinstance(name, bytes) else name or "")


def one_line(text: str) -> str:
    """A text, of whoever it is, without what would break a log's line or move its cursor."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def loss_text(failure: Failure) -> str:
    """Say why Twisted reports a connection as lost."""
    error = cast("BaseException", failure.value)
    if isinstance(error, TcpcommError):
        return str(error)
    if isinstance(error, ConnectionDone):
        return "the peer closed the connection"
    if isinstance(error, ConnectionAborted):
        return "the connection was aborted here"
    number = getattr(error, "osError", None)
    if number is None:
        number = next((each for each in error.args if isinstance(each, int)), None)
    cause = getattr(error, "__cause__", None)
    if number is None and isinstance(cause, OSError):
        number = cause.errno
    if number in _ERRNO_WORDS:
        return _ERRNO_WORDS[number]
    if isinstance(error, ConnectionLost):
        return "the connection broke: the peer vanished, or closed without saying so"
    if type(error).__module__ == "ssl":
        words = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error)
        return _tls_failed(words.replace("_", " ").lower())
    if type(error).__module__.startswith("OpenSSL"):
        return _tls_failed(_tls_words(error))
    if type(error).__module__.startswith("service_identity"):
        return (
            "TLS failed: the peer's certificate is for another name than the one we connect to"
        )
    return f"{type(error).__name__}: {error}"


def is_program_error(failure: Failure) -> bool:
    """Whether a loss is a program's doing, here or there: TLS or a proof that failed, or an exception."""
    error = failure.value
    if type(error).__module__ == "ssl":
        return True  # though Python derives it from OSError
    return not isinstance(error, (ConnectionClosed, ConnectError, OSError))


def connect_error_text(failure: Failure) -> str:
    """Say why an attempt to connect failed."""
    error = cast("BaseException", failure.value)
    if isinstance(error, ConnectionRefusedError):
        return "refused: the machine is there, but no program listens on that port"
    if isinstance(error, NoRouteError):
        return "no route: is the interface down?"
    if isinstance(error, TimeoutError):
        return "no answer: cable, power or address"
    if isinstance(error, DNSLookupError):
        return f"the name is not known: {error}"
    if isinstance(error, UserError):
        return "the attempt was cancelled"
    if isinstance(error, ConnectError) and not isinstance(error, ConnectBindError):
        number = error.osError if isinstance(error.osError, int) else None
        if number in _ERRNO_WORDS:
            return _ERRNO_WORDS[number]
    return loss_text(failure)


def listen_error_text(failure: Failure) -> str:
    """Say why a place to listen at is not to be had."""
    error = cast("BaseException", failure.value)
    if isinstance(error, CannotListenError):
        error = error.socketError
    words = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    if getattr(error, "errno", None) != errno.EADDRINUSE:
        return words
    return f"{words}: {PORT_TAKEN}"


def _tls_failed(words: str) -> str:
    plain = any(each in words for each in _PLAIN_TEXT)
    return f"TLS failed: {words}{': the peer does not speak TLS' if plain else ''}"


def _tls_words(error: BaseException) -> str:
    """OpenSSL's reasons out of its triples of library, function and reason, or whatever else it gives."""
    queue = error.args[0] if error.args else ()
    entries = queue if isinstance(queue, (list, tuple)) else error.args
    reasons = [entry[-1] if isinstance(entry, tuple) and entry else entry for entry in entries]
    return "; ".join(each for each in reasons if isinstance(each, str)) or "no reason was given"
