"""Why a connection ended, in plain words, for people who read logs at a machine."""

from __future__ import annotations

import errno
from typing import Final, cast

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

__all__ = ["loss_in_words", "peer_name"]

_ERRNO_WORDS: Final = {
    errno.ECONNRESET: "the peer reset the connection: its program ended, or it closed with data unread",
    errno.EPIPE: "the peer had closed the connection already",
    errno.ETIMEDOUT: "the peer's machine does not answer: cable, power or address",
    errno.EHOSTUNREACH: "no route to the peer: cable, switch or address",
    errno.ENETUNREACH: "no route to the peer's network: is the interface down?",
}


def peer_name(address: IAddress | None) -> str:
    """The name under which a peer appears in logs: ``192.168.0.10:50432``, or what its socket is."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is not None and port is not None:
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    name = getattr(address, "name", None)
    if name:
        return f"unix:{name.decode(errors='replace') if isinstance(name, bytes) else name}"
    return "a local peer"


def loss_in_words(failure: Failure) -> str:
    """Say why Twisted reports a connection as lost."""
    error = cast("BaseException", failure.value)
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
    if type(error).__module__.startswith("OpenSSL"):
        return f"TLS failed: {_tls_words(error)}"
    return f"{type(error).__name__}: {error}"


def _tls_words(error: BaseException) -> str:
    """OpenSSL's reasons out of its triples of library, function and reason."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, (list, tuple)):
        words = [entry[-1] for entry in queue if isinstance(entry, tuple) and entry]
        if words:
            return "; ".join(map(str, words))
    return str(error) or type(error).__name__
