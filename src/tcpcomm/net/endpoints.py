"""
Endpoint strings, as Twisted has them, with safe defaults and clear errors.

Twisted reads ``tcp:9999:interface=127.0.0.1``, ``tcp6:…``, ``unix:/run/tcpcomm.sock``,
``systemd:domain=INET:index=0`` and the strings of plugins, such as ``native:``. This module reads ``ssl:``
and ``tls:``, which mean the same: TLS is at least 1.2, clients check names, and a server can require client
certificates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Final

from attrs import frozen
from twisted.internet.endpoints import (
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
from tcpcomm.net.named_endpoint import NamedEndpoint
from tcpcomm.net.names import is_address, names_of
from tcpcomm.net.tls import Authorities, OwnCertificate, ServerFiles, ServerTLS, client_options
from tcpcomm.runtime.socket_options import BACKLOG
from tcpcomm.transports.endpoints import NativeClientEndpoint
from tcpcomm.transports.reactors import Inheriting, at_once, plain_reactor

CONNECT_TIMEOUT: Final = 30.0
"""
Seconds for an attempt to connect, unless the endpoint string or the link has a timeout. Then the attempt
fails.
"""

LOCALHOST: Final = "127.0.0.1"
"""The address that is meant by ``interface=localhost``."""

LISTEN_EXAMPLE: Final = "tcp:9999:interface=127.0.0.1"
CONNECT_EXAMPLE: Final = "tcp:10.0.0.5:9999"

SOCKET_MODE: Final = "600"
"""The mode of a UNIX socket's file, unless ``mode=`` says otherwise: its owner may connect, nobody else."""

_TCP: Final = ("tcp", "tcp6", "native")
_TLS: Final = ("ssl", "tls")
_SPELLED: Final = {"caCerts": "--client-ca", "clientNames": "--client-name", "revoked": "--revoked"}
"""The options of the command line that mean the same as options of an endpoint string."""
_AT_ONCE: Final = re.compile(r"(?<!\\):at-once=([^:]*)")
_BARE_ADDRESS: Final = re.compile(r"((?:[0-9]+\.){3}[0-9]+|localhost)(?::([0-9]+))?")
"""An address without a kind of endpoint, as other programs write it."""
_LOCALHOST: Final = re.compile(r"(:interface=|^(?:tcp6?|native):\d+:)localhost(?=:|$)")
_COMMON: Final = {"port", "privateKey", "extraCertChain", "caCerts", "revoked"}
_SERVER_OPTIONS: Final = _COMMON | {"interface", "backlog", "certKey", "clientNames"}
_CLIENT_OPTIONS: Final = _COMMON | {"host", "name", "clientCert", "timeout", "bindAddress"}


_WINDOWS_PATH: Final = re.compile(r"=([A-Za-z])(\\?):([\\/][^:]*)")
"""An argument that is a path with a drive, up to the next colon."""


@frozen
class Listener:
    """
    An endpoint to listen on, and what it lets in.

    Args:
        text: the endpoint string.
        endpoint: made from the string.
        local: True if only this machine can reach it.
        proves_peers: True if it requires client certificates.
        reload: loads the files of its TLS again, for new connections; None: it has no TLS. It raises
            ConfigurationError or OSError if that fails; then the old ones stay in use.
    """

    text: str
    endpoint: IStreamServerEndpoint
    local: bool
    proves_peers: bool
    reload: Callable[[], None] | None = None


def listener(
    reactor: Any,
    text: str,
    *,
    client_ca: str | None = None,
    client_names: Iterable[str] = (),
    revoked: str | None = None,
    inherited: int | None = None,
) -> Listener:
    """
    Make a listener from an endpoint string.

    Args:
        reactor: listens.
        text: the endpoint string. A path may have a drive, as in ``privateKey=C:/keys/key.pem``. Over
            Twisted's TCP, data is sent at once where possible. With ``at-once=no``, it waits for the
            reactor's next turn, as in plain Twisted.
        client_ca: for TLS, a PEM file of authorities; one of them must have signed each client's
            certificate. ``caCerts=`` in the string means the same.
        client_names: for TLS, the names that clients may have in their certificates; empty: any name.
            ``clientNames=`` in the string, with commas between names, means the same.
        revoked: for TLS, a PEM file with a revocation list of each of these authorities. ``revoked=`` in
            the string means the same.
        inherited: the file descriptor of a TCP socket that listens at this place already; None: listen.

    Raises:
        ConfigurationError: the string is not an endpoint, or it names a file that cannot be read.
    """
    given_text, text = text, _with_windows_paths(text)
    parsed = _Parsed.of(text, LISTEN_EXAMPLE)
    is_tls = parsed.kind in _TLS
    reload: Callable[[], None] | None
    given = {"caCerts": client_ca, "clientNames": ",".join(client_names) or None, "revoked": revoked}
    with _explained(given_text, LISTEN_EXAMPLE):
        transport_reactor, plain_text = _without_at_once(reactor, text)
        if inherited is not None:
            transport_reactor = Inheriting(transport_reactor, inherited)
        if is_tls or (parsed.kind == "native" and "privateKey" in parsed.options):
            for option, value in given.items():
                if value is not None and option in parsed.options:
                    twice = f"{option}= and {_SPELLED[option]} mean the same"
                    raise ConfigurationError(f"{twice}: leave one out")
                if value is not None:
                    parsed.options[option] = value
                    plain_text += f":{option}={quoteStringArgument(value)}"
        if is_tls:
            authorities = Authorities(
                parsed.options.get("caCerts"), "caCerts" if client_ca is None else "--client-ca"
            )
            endpoint, reload = _tls_server(transport_reactor, parsed, authorities)
        else:
            endpoint = _server(transport_reactor, parsed, plain_text)
            reload = getattr(endpoint, "reload", None)
    return Listener(
        text=given_text,
        endpoint=endpoint,
        local=parsed.is_local(),
        proves_peers="caCerts" in parsed.options,
        reload=reload,
    )


def _server(reactor: Any, parsed: _Parsed, text: str) -> IStreamServerEndpoint:
    if parsed.kind in _TCP:
        if "" in parsed.arguments[1:-1] or len(parsed.arguments) > 3:
            raise ConfigurationError(r"write each colon of an IPv6 address as \:, as in interface=\:\:1")
        host, port = parsed.value("port", 0), parsed.value("interface", 1)
        if port.isdigit() and not host.isdigit() and (is_address(host) or host == "localhost"):
            raise ConfigurationError(f"the port comes first: write {parsed.kind}:{port}:interface={host}")
        parsed.port(0, missing="0")
        _own_address("interface", parsed.value("interface", 1))
        text = _LOCALHOST.sub(rf"\g<1>{LOCALHOST}", text)
    if parsed.kind in ("tcp", "tcp6", "unix") and not parsed.value("backlog", 2):
        text += f":backlog={BACKLOG}"
    if parsed.kind == "unix" and not parsed.value("mode", 1):
        text += f":mode={SOCKET_MODE}"
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
        return endpoint
    except LookupError:
        if parsed.kind != "systemd":
            raise
        raise ConfigurationError("systemd passed no such socket") from None


def _without_at_once(reactor: Any, text: str) -> tuple[Any, str]:
    """Return the reactor that ``at-once=`` in the string selects, and the string without this option."""
    values = _AT_ONCE.findall(text)
    view = at_once(reactor)
    if not values:
        return view, text
    if values not in (["yes"], ["no"]):
        raise ConfigurationError(f"at-once= must be yes or no, not {values[-1]!r}")
    if view is reactor or text.startswith(("native:", "unix:")):
        raise ConfigurationError("at-once= works only with Twisted's own TCP connections: leave it out")
    return (view if values == ["yes"] else reactor), _AT_ONCE.sub("", text)


@contextmanager
def _explained(text: str, example: str) -> Iterator[None]:
    """Raise any error about an endpoint string as a ConfigurationError that names the string."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{text!r}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{text!r}: cannot read {error.filename}: {error.strerror}") from None
    except Exception as error:  # endpoints are plugins: they may raise anything
        address = _BARE_ADDRESS.fullmatch(text)
        if address is None:
            raise ConfigurationError(f"{text!r} is not an endpoint such as {example}: {error}") from None
        host, port = address.groups()
        if example == CONNECT_EXAMPLE:
            meant = f"tcp:{host}:{port or 'PORT'}"
        else:
            meant = f"tcp:{port or 'PORT'}:interface={host}"
        raise ConfigurationError(f"{text!r} is not an endpoint: write {meant}") from None


def open_to_others(text: str) -> str:
    """Return the error text for a listener that admits peers from other machines without any rule."""
    return (
        f"{text} is open to other machines: say which with allow=[...] (allow=None for all), demand "
        "keys=... or client certificates, or add :interface=127.0.0.1"
    )


def with_port(text: str, port: int) -> str:
    """
    Return the string of a client endpoint of TCP or TLS with another port.

    Raises:
        ConfigurationError: it has no port.
    """
    parts = re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", _with_windows_paths(text))
    named = [each for each, part in enumerate(parts) if part.startswith("port=")]
    if parts[0] not in (*_TCP, *_TLS) or not (named or len(parts) > 2):
        raise ConfigurationError(f"{text!r} has no port in whose place another one could be")
    at = named[0] if named else 2
    parts[at] = f"port={port}" if named else str(port)
    return ":".join(parts)


def host_and_port(text: str) -> tuple[str, int] | None:
    """Return the host and the port in the string of a client endpoint of TCP or TLS, or None."""
    try:
        parsed = _Parsed.of(_with_windows_paths(text), CONNECT_EXAMPLE)
        host, port = parsed.value("host", 0), parsed.port(0 if "host" in parsed.options else 1)
    except ConfigurationError:
        return None
    return (host, port) if host and parsed.kind in (*_TCP, *_TLS) else None


def _with_windows_paths(text: str) -> str:
    r"""
    Return an endpoint string with each path such as ``=C:\keys\key.pem`` written as Twisted needs it.

    Twisted ends an argument at a colon, and drops a backslash. A path with a drive is not mistaken, because
    no argument begins with a slash or a backslash. One that is written for Twisted already stays.
    """

    def written(path: re.Match[str]) -> str:
        drive, escaped, rest = path.groups()
        if rest.startswith("\\\\"):
            return path[0] if escaped else f"={drive}\\:{rest}"
        return f"={drive}\\:" + rest.replace("\\", "\\\\")

    return _WINDOWS_PATH.sub(written, text)


@frozen
class _Parsed:
    """An endpoint string that was split at colons without a backslash, without ``at-once=``."""

    kind: str
    arguments: list[str]
    options: dict[str, str]

    @classmethod
    def of(cls, text: str, example: str) -> _Parsed:
        words, options = [], {}
        for part in re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", text):
            name, equals, value = part.partition("=")
            if equals:
                options[name] = re.sub(r"\\(.)", r"\1", value)
            else:
                words.append(re.sub(r"\\(.)", r"\1", part))
        if not words or not words[0]:
            raise ConfigurationError(f"{text!r} is not an endpoint such as {example}")
        if len(words) > 1 and words[1].startswith("//"):
            plain = ":".join([words[0], words[1].strip("/"), *words[2:]])
            raise ConfigurationError(f"{text!r} is a URL, not an endpoint: write {plain}, without slashes")
        options.pop("at-once", None)
        return cls(words[0], words[1:], options)

    def value(self, option: str, position: int, missing: str = "") -> str:
        """Return an option that may also be written as the argument at this position."""
        given = self.arguments[position] if len(self.arguments) > position else missing
        return self.options.get(option, given)

    def port(self, position: int, missing: str = "") -> int:
        """Return the port. If the string has none, it is ``missing``; "0" leaves that error to Twisted."""
        port = self.value("port", position, missing)
        if not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
            raise ConfigurationError(f"the port must be a number from 0 to 65535, not {port!r}")
        return int(port)

    def is_local(self) -> bool:
        if self.kind == "unix" or (self.kind == "systemd" and self.options.get("domain") == "UNIX"):
            return True
        if self.kind not in (*_TCP, *_TLS):
            return False  # not known: the safe answer
        interface = self.value("interface", 1)
        try:
            return ip_address(interface).is_loopback
        except ValueError:
            return interface == "localhost"

    def check(self, most: int, known: set[str]) -> None:
        """Refuse more than ``most`` positional arguments, and options that are not known."""
        unknown = set(self.options) - known
        if unknown or len(self.arguments) > most:
            wrong = ", ".join([*sorted(unknown), *self.arguments[most:]])
            raise ConfigurationError(
                f"{self.kind}: does not know {wrong}; it knows {', '.join(sorted(known))}"
            )


def _own_address(option: str, host: str) -> str:
    """Return an own address. A name is refused, because looking it up would block the reactor."""
    if host == "localhost":
        return LOCALHOST
    if host and not is_address(host):
        raise ConfigurationError(f"{option}={host} is not an IP address: write the address itself")
    return host


def _tls_server(
    reactor: Any, parsed: _Parsed, authorities: Authorities
) -> tuple[IStreamServerEndpoint, Callable[[], None]]:
    parsed.check(1, _SERVER_OPTIONS)
    port, options = parsed.port(0), parsed.options
    own = OwnCertificate.from_options(options, "certKey")
    if own is None:
        raise ConfigurationError(
            f"{parsed.kind}: needs privateKey=FILE, and certKey=FILE unless the certificate is in the same "
            "file"
        )
    names = tuple(each.strip() for each in options.get("clientNames", "").split(",") if each.strip())
    secured: Any = ServerTLS(ServerFiles(own, authorities, names, options.get("revoked")))
    backlog = int(options.get("backlog", BACKLOG))
    interface = _own_address("interface", options.get("interface", ""))
    endpoint = SSL4ServerEndpoint(reactor, port, secured, backlog, interface)
    return endpoint, secured.reload


def client(reactor: Any, text: str) -> IStreamClientEndpoint:
    """
    Make a client endpoint from an endpoint string.

    Args:
        reactor: connects.
        text: the endpoint string, such as ``tcp:10.0.0.5:9999`` or ``tls:camera-1:9999:caCerts=ca.pem``;
            ``at-once=no`` as for :func:`listener`.

    ``tls:`` and ``ssl:`` mean the same, TLS 1.2 or newer, and have these options:

    - ``caCerts``: a PEM file of trusted authorities; without it, the authorities that the system trusts.
    - ``name``: the name that the server's certificate must have; without it, the host.
    - ``revoked``: a PEM file with a revocation list of each of these authorities.
    - ``clientCert``, ``privateKey``: our certificate and key, for a server that requires them.
    - ``extraCertChain``: certificates between ours and the authority's.
    - ``timeout``, ``bindAddress``: the same as for ``tcp:``.

    The name of a machine is looked up apart from the reactor and its threads; all its addresses, IPv6 and
    IPv4, are tried.

    Raises:
        ConfigurationError: the string is not an endpoint, or it names a file that cannot be read.
    """
    given_text, text = text, _with_windows_paths(text)
    parsed = _Parsed.of(text, CONNECT_EXAMPLE)
    with _explained(given_text, CONNECT_EXAMPLE):
        reactor, text = _without_at_once(reactor, text)
        if parsed.kind in _TLS:
            return _tls_client(reactor, parsed)
        if parsed.kind in _TCP:
            if len(parsed.arguments) > 2:
                raise ConfigurationError(r"write each colon of an IPv6 address as \:, as in tcp:\:\:1:9999")
            position = 0 if "host" in parsed.options else 1
            if not parsed.value("port", position):
                host = parsed.value("host", 0) or "HOST"
                what, meant = ("host", f"HOST:{host}") if host.isdigit() else ("port", f"{host}:PORT")
                raise ConfigurationError(f"the {what} is missing: write {parsed.kind}:{meant}")
            parsed.port(position)
            _own_address("bindAddress", parsed.options.get("bindAddress", ""))
        endpoint: IStreamClientEndpoint = clientFromString(reactor, text)
        host = parsed.value("host", 0)
        if isinstance(endpoint, NativeClientEndpoint) and not is_address(host):
            return _named(reactor, host, endpoint.at)
        if isinstance(endpoint, TCP4ClientEndpoint) and not is_address(host):
            at = _tcp_at(reactor, parsed, position=0 if "host" in parsed.options else 1)
            return _named(reactor, host, at)
        return endpoint


def _named(reactor: Any, name: str, at: Callable[[str], IStreamClientEndpoint]) -> NamedEndpoint:
    return NamedEndpoint(name, at, names=names_of(plain_reactor(reactor)), clock=reactor)


def _tcp_at(reactor: Any, parsed: _Parsed, *, position: int) -> Callable[[str], IStreamClientEndpoint]:
    """Return a function that makes the TCP endpoint of the string for an IP address."""
    port, options = parsed.port(position), parsed.options
    timeout = float(options.get("timeout", CONNECT_TIMEOUT))
    own = _own_address("bindAddress", options.get("bindAddress", ""))
    own_address = (own, 0) if own else None

    def at(address: str) -> IStreamClientEndpoint:
        kind: Any = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint: IStreamClientEndpoint = kind(reactor, address, port, timeout, own_address)
        return endpoint

    return at


def _tls_client(reactor: Any, parsed: _Parsed) -> IStreamClientEndpoint:
    parsed.check(2, _CLIENT_OPTIONS)
    kind, options, host = parsed.kind, parsed.options, parsed.value("host", 0)
    if not host:
        raise ConfigurationError(f"{kind}: needs a host, as in {kind}:camera-1:9999:caCerts=ca.pem")
    tcp_at = _tcp_at(reactor, parsed, position=1)
    secured = client_options(
        options.get("name", host),
        OwnCertificate.from_options(options, "clientCert"),
        Authorities(options.get("caCerts"), "caCerts"),
        options.get("revoked"),
    )

    def at(address: str) -> IStreamClientEndpoint:
        return wrapClientTLS(secured, tcp_at(address))

    return at(host) if is_address(host) else _named(reactor, host, at)
