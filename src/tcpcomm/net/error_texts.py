"""Texts for network errors, in plain words for people who read logs at a machine."""

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
from tcpcomm.runtime.safe_text import one_line

_ERRNO_TEXTS: Final = {
    errno.ECONNRESET: "the peer reset the connection: its program ended, or it closed with data unread",
    errno.EPIPE: "the peer had closed the connection already",
    errno.ETIMEDOUT: "the peer's machine does not answer: cable, power or address",
    errno.EHOSTUNREACH: "no route to the peer: cable, switch or address",
    errno.ENETUNREACH: "no route to the peer's network: is the interface down?",
}

_CONNECT_TEXTS: Final[dict[type[Exception], str]] = {
    ConnectionRefusedError: "refused: the machine is there, but no program listens on that port",
    NoRouteError: "no route: is the interface down?",
    TimeoutError: "no answer: cable, power or address",
    UserError: "the attempt was cancelled",
}

PORT_TAKEN: Final = "another program has this port" + (
    "; `ss -ltnp` shows which" if sys.platform == "linux" else ""
)
"""The cause to look for when the system reports that an address is in use."""

_PLAIN_TEXT: Final = ("wrong version number", "http request", "record layer failure", "packet length")
"""Parts of OpenSSL's errors for bytes that are not TLS."""


def peer_name(address: IAddress | None) -> str:
    """Return the name of a peer for logs: ``192.168.0.10:50432``, ``unix:PATH`` or ``a local peer``."""
    host = _name_text(getattr(address, "host", None) or getattr(address, "hostname", None))
    port = getattr(address, "port", None)
    if host and port is not None:
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    name = _name_text(getattr(address, "name", None))
    return f"unix:{name}" if name else "a local peer"


def _name_text(name: str | bytes | None) -> str:
    """Return a host or socket name as one line, because a socket's name may have any bytes."""
    return one_line(name.decode(errors="replace") if isinstance(name, bytes) else name or "")


def loss_text(failure: Failure) -> str:
    """Return the reason for which a connection was lost."""
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
    if number in _ERRNO_TEXTS:
        return _ERRNO_TEXTS[number]
    if isinstance(error, ConnectionLost):
        return "the connection broke: the peer vanished, or closed without saying so"
    module = type(error).__module__
    if module == "ssl":
        text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error)
        return _tls_failed(text.replace("_", " ").lower())
    if module.startswith("OpenSSL"):
        return _tls_failed(openssl_error_text(error))
    if module.startswith("service_identity"):
        return "TLS failed: the peer's certificate is for another name than the one we connect to"
    return f"{type(error).__name__}: {error}"


def is_program_error(failure: Failure) -> bool:
    """Return True if a program caused the loss, not the network: TLS or a proof failed, or code raised."""
    error = failure.value
    if type(error).__module__ == "ssl":
        return True  # though Python derives it from OSError
    return not isinstance(error, (ConnectionClosed, ConnectError, OSError))


def connect_error_text(failure: Failure) -> str:
    """Return the reason for which an attempt to connect failed."""
    error = cast("BaseException", failure.value)
    if isinstance(error, DNSLookupError):
        return str(error)
    for kind, text in _CONNECT_TEXTS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, ConnectError) and not isinstance(error, ConnectBindError):
        number = error.osError if isinstance(error.osError, int) else None
        if number in _ERRNO_TEXTS:
            return _ERRNO_TEXTS[number]
    return loss_text(failure)


def listen_error_text(failure: Failure) -> str:
    """Return the reason for which listening failed."""
    error = cast("BaseException", failure.value)
    if isinstance(error, CannotListenError):
        error = error.socketError
    text = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return f"{text}: {PORT_TAKEN}" if getattr(error, "errno", None) == errno.EADDRINUSE else text


def _tls_failed(text: str) -> str:
    plain = any(each in text for each in _PLAIN_TEXT)
    return f"TLS failed: {text}{': the peer does not speak TLS' if plain else ''}"


def openssl_error_text(error: BaseException) -> str:
    """Return the reasons in an error of OpenSSL; its arguments are (library, function, reason) or texts."""
    queue = error.args[0] if error.args else ()
    entries = queue if isinstance(queue, (list, tuple)) else error.args
    reasons = [entry[-1] if isinstance(entry, tuple) and entry else entry for entry in entries]
    return "; ".join(each for each in reasons if isinstance(each, str)) or "no reason was given"
