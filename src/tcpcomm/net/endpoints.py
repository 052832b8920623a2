"""
Where to listen or connect to, as text: Twisted's endpoint strings, with safe defaults and clear errors.

``tcp:9999:interface=127.0.0.1``, ``tcp6:…``, ``unix:/run/tcpcomm.sock``, ``systemd:domain=INET:index=0``
and those of installed plugins, ``native:`` among them, go to Twisted. ``ssl:`` and ``tls:``, which mean the
same, are built here, so that TLS is at least 1.2, certificates can be demanded of clients, and clients
check names. Over TCP, what can leave at once leaves at once, unless the string says ``at-once=no``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Final

from attrs import frozen
from twisted.internet.endpoints import (
    HostnameEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    clientFromString,
    quoteStringArgument,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.tls import Authorities, Own, client_options, server_context
from tcpcomm.runtime.socket_options import BACKLOG
from tcpcomm.transports.reactors import at_once

__all__ = [
    "CONNECT_EXAMPLE",
    "LISTEN_EXAMPLE",
    "Listener",
    "client",
    "listener",
    "open_to_others",
]

CONNECT_TIMEOUT: Final = 30.0
"""Seconds that an attempt to connect may take, unless the string says otherwise or a link has its own."""

LISTEN_EXAMPLE: Final = "tcp:9999:interface=127.0.0.1"
CONNECT_EXAMPLE: Final = "tcp:10.0.0.5:9999"

_TCP: Final = ("tcp", "tcp6", "native")
_TLS: Final = ("ssl", "tls")
_AT_ONCE: Final = re.compile(r"(?<!\\):at-once=([^:]*)")
_COMMON: Final = {"port", "privateKey", "extraCertChain", "caCerts"}
_SERVER_OPTIONS: Final = _COMMON | {"interface", "backlog", "certKey"}
_CLIENT_OPTIONS: Final = _COMMON | {"host", "name", "clientCert", "timeout", "bindAddress"}


@frozen
class Listener:
    """
    One place to listen at.

    Args:
        text: the endpoint string it was made of.
        endpoint: what listens.
        local: whether only this machine can reach it.
        proves_peers: whether it demands client certificates.
    """

    text: str
    endpoint: IStreamServerEndpoint
    local: bool
    proves_peers: bool


def listener(reactor: Any, text: str, *, client_ca: str | None = None) -> Listener:
    """
    Make a listener of an endpoint string.

    Args:
        reactor: what it listens with.
        text: the endpoint string. With ``at-once=no`` all that is written waits for the reactor's next
            turn, as ever with Twisted.
        client_ca: for TLS, a PEM file of the authorities one of which must have signed the
            certificate of each client. ``caCerts=`` in the string means the same.

    Raises:
        ConfigurationError: the string cannot be understood, or names a file that cannot be read.
    """
    kind, words, options = _parse(text, LISTEN_EXAMPLE)
    if kind == "native" and "privateKey" in options and client_ca is not None:
        text += f":caCerts={quoteStringArgument(client_ca)}"
        options["caCerts"] = client_ca
    with _told(text, LISTEN_EXAMPLE):
        endpoint = _server(*_carried(reactor, text), client_ca)
    return Listener(
        text=text,
        endpoint=endpoint,
        local=_is_local(kind, words, options),
        proves_peers="caCerts" in options or (kind in _TLS and client_ca is not None),
    )


def _server(reactor: Any, text: str, client_ca: str | None) -> IStreamServerEndpoint:
    kind, words, options = _parse(text, LISTEN_EXAMPLE)
    if kind in _TLS:
        return _tls_server(reactor, kind, words, options, client_ca)
    if kind in _TCP:
        _check_tcp(words, options)
    backlog = kind in ("tcp", "tcp6", "unix") and "backlog" not in options
    try:
        endpoint: IStreamServerEndpoint = serverFromString(
            reactor, f"{text}:backlog={BACKLOG}" if backlog else text
        )
        return endpoint
    except LookupError:
        if kind != "systemd":
            raise
        raise ConfigurationError("systemd passed no such socket") from None


def _carried(reactor: Any, text: str) -> tuple[Any, str]:
    """The reactor, seen so that its TCP is what the string says of that, and the rest of the string."""
    said = _AT_ONCE.findall(text)
    view = at_once(reactor)
    if not said:
        return view, text
    if said not in (["yes"], ["no"]):
        raise ConfigurationError(f"at-once= is yes or no, not {said[-1]!r}")
    if view is reactor or text.startswith(("native:", "unix:")):
        raise ConfigurationError("at-once= is for Twisted's own TCP connections, and these are others")
    return (view if said == ["yes"] else reactor), _AT_ONCE.sub("", text)


@contextmanager
def _told(text: str, example: str) -> Iterator[None]:
    """Tell what is wrong with an endpoint string, whoever found it."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{text!r}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{text!r}: cannot read {error.filename}: {error.strerror}") from None
    except Exception as error:  # endpoints are plugins, which raise what they like
        raise ConfigurationError(f"{text!r} is no endpoint such as {example}: {error}") from None


def open_to_others(text: str) -> str:
    """What to say of a place to listen at that is open to whoever comes, where nobody said who may."""
    return (
        f"{text} is open to other machines: say which with allow=[...] (allow=None for all), demand "
        "keys=... or client certificates, or add :interface=127.0.0.1"
    )


def _parse(text: str, example: str) -> tuple[str, list[str], dict[str, str]]:
    """Split an endpoint string as Twisted does: at colons that no backslash protects."""
    words, options = [], {}
    for part in re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", text):
        name, equals, value = part.partition("=")
        if equals:
            options[name] = re.sub(r"\\(.)", r"\1", value)
        else:
            words.append(re.sub(r"\\(.)", r"\1", part))
    if not words or not words[0]:
        raise ConfigurationError(f"{text!r} is no endpoint such as {example}")
    if len(words) > 1 and words[1].startswith("//"):
        plain = ":".join([words[0], words[1].strip("/"), *words[2:]])
        raise ConfigurationError(f"{text!r} is a URL, and no endpoint: write {plain}, without slashes")
    return words[0], words[1:], options


def _check_tcp(words: list[str], options: dict[str, str]) -> None:
    """Find the mistakes that Twisted tells of late, or in words of its own."""
    if "" in words[1:-1] or len(words) > 3:
        raise ConfigurationError(r"write each colon of an IPv6 address as \:, as in interface=\:\:1")
    port = options.get("port", words[0] if words else "")
    if re.fullmatch(r"-?[0-9]+", port) and not 0 <= int(port) <= 0xFFFF:
        raise _bad_port(port)


def _check_tcp_client(words: list[str], options: dict[str, str]) -> None:
    if len(words) > 2:
        raise ConfigurationError(r"write each colon of an IPv6 address as \:, as in tcp:\:\:1:9999")
    if "port" in options or len(words) > 1 or (words and "host" in options):
        _check_port(options.get("port", words[-1] if words else ""))


def _bad_port(port: str) -> ConfigurationError:
    return ConfigurationError(f"the port must be a number from 0 to 65535, not {port!r}")


def _is_local(kind: str, words: list[str], options: dict[str, str]) -> bool:
    if kind == "unix" or (kind == "systemd" and options.get("domain") == "UNIX"):
        return True
    if kind not in (*_TCP, *_TLS):
        return False  # who knows
    interface = options.get("interface", words[1] if len(words) > 1 else "")
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return interface == "localhost"


def _tls_server(
    reactor: Any, kind: str, words: list[str], options: dict[str, str], client_ca: str | None
) -> IStreamServerEndpoint:
    _check_options(kind, words, 1, options, _SERVER_OPTIONS)
    port = options.get("port", words[0] if words else "")
    _check_port(port)
    authorities = Authorities(client_ca, "--client-ca")
    if "caCerts" in options:
        if client_ca is not None:
            raise ConfigurationError("caCerts= and --client-ca mean the same: leave one out")
        authorities = Authorities(options["caCerts"], "caCerts")
    own = Own.of(options, "certKey")
    if own is None:
        raise ConfigurationError(
            f"{kind}: needs privateKey=FILE and, unless that holds it too, certKey=FILE"
        )
    context = server_context(own, authorities)
    backlog = int(options.get("backlog", BACKLOG))
    return SSL4ServerEndpoint(reactor, int(port), context, backlog, options.get("interface", ""))


def client(reactor: Any, text: str) -> IStreamClientEndpoint:
    """
    Make an endpoint of a string that says where to connect to.

    Args:
        reactor: what it connects with.
        text: a client endpoint string of Twisted's, such as ``tcp:10.0.0.5:9999``; or with TLS, at least
            1.2, ``tls:camera-1:9999:caCerts=ca.pem``, where ``caCerts`` has the authorities that are
            trusted (without it, those that the system trusts), ``name`` says which name the server's
            certificate must have (without it, the host's), ``clientCert`` and ``privateKey`` are what we
            show if we are asked, and ``extraCertChain`` has certificates between ours and the
            authority's; ``timeout`` and ``bindAddress`` are as for ``tcp:``. ``ssl:`` means the same.
            With ``at-once=no`` all that is written waits for the reactor's next turn.

    Raises:
        ConfigurationError: the string cannot be understood, or names a file that cannot be read.
    """
    kind, words, options = _parse(text, CONNECT_EXAMPLE)
    options.pop("at-once", None)
    with _told(text, CONNECT_EXAMPLE):
        reactor, text = _carried(reactor, text)
        if kind in _TCP:
            _check_tcp_client(words, options)
        if kind not in _TLS:
            endpoint: IStreamClientEndpoint = clientFromString(reactor, text)
            return endpoint
        _check_options(kind, words, 2, options, _CLIENT_OPTIONS)
        host = options.get("host", words[0] if words else "")
        port = options.get("port", words[1] if len(words) > 1 else "")
        if not host:
            raise ConfigurationError(f"{kind}: needs a host, as in {kind}:camera-1:9999:caCerts=ca.pem")
        _check_port(port)
        secured = client_options(
            options.get("name", host),
            Own.of(options, "clientCert"),
            Authorities(options.get("caCerts"), "caCerts"),
        )
        timeout = float(options.get("timeout", CONNECT_TIMEOUT))
        address = (options["bindAddress"], 0) if "bindAddress" in options else None
        return wrapClientTLS(secured, _tcp_client(reactor, host, int(port), timeout, address))


def _tcp_client(
    reactor: Any, host: str, port: int, timeout: float, address: tuple[str, int] | None
) -> IStreamClientEndpoint:
    """An address needs no name server, and a name may stand for several addresses."""
    try:
        version = ip_address(host.partition("%")[0]).version
    except ValueError:
        return HostnameEndpoint(reactor, host, port, timeout, address)
    kind = TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint
    return kind(reactor, host, port, timeout, address)


def _check_options(
    kind: str, words: list[str], most: int, options: dict[str, str], known: set[str]
) -> None:
    unknown = set(options) - known
    if unknown or len(words) > most:
        wrong = ", ".join([*sorted(unknown), *words[most:]])
        raise ConfigurationError(f"{kind}: knows no {wrong}; it knows {', '.join(sorted(known))}")


def _check_port(port: str) -> None:
    if not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise _bad_port(port)
