"""
Where to listen, as text: Twisted's endpoint strings, with safe defaults and errors that say what to do.

``tcp:9999:interface=127.0.0.1``, ``tcp6:…``, ``unix:/run/tcpcomm.sock``, ``systemd:domain=INET:index=0``
and those of installed plugins go to Twisted. ``ssl:`` is built here, so that TLS is at least 1.2 and
can demand client certificates.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from tcpcomm.errors import ConfigurationError

__all__ = ["BACKLOG", "Listener", "listener"]

BACKLOG: Final = 1024
"""Connections that the system keeps until they are accepted. With Twisted's 50 a burst of clients waits."""

_SSL_OPTIONS: Final = {"port", "interface", "backlog", "privateKey", "certKey", "extraCertChain"}


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
        text: the endpoint string.
        client_ca: for ``ssl:``, a PEM file of the authorities one of which must have signed the
            certificate of each client.

    Raises:
        ConfigurationError: the string cannot be understood, or names a file that cannot be read.
    """
    kind, words, options = _parse(text)
    try:
        if kind == "ssl":
            endpoint = _ssl_endpoint(reactor, words, options, client_ca)
        else:
            if kind in ("tcp", "tcp6"):
                _check_tcp(words, options)
            backlog = kind in ("tcp", "tcp6", "unix") and "backlog" not in options
            endpoint = serverFromString(reactor, f"{text}:backlog={BACKLOG}" if backlog else text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{text!r}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{text!r}: cannot read {error.filename}: {error.strerror}") from None
    except Exception as error:  # endpoints are plugins, which raise what they like
        if kind == "systemd" and isinstance(error, LookupError):
            raise ConfigurationError(f"{text!r}: systemd passed no such socket") from None
        raise ConfigurationError(
            f"{text!r} is no endpoint such as tcp:9999:interface=127.0.0.1: {error}"
        ) from None
    return Listener(
        text=text,
        endpoint=endpoint,
        local=_is_local(kind, words, options),
        proves_peers=kind == "ssl" and client_ca is not None,
    )


def _parse(text: str) -> tuple[str, list[str], dict[str, str]]:
    """Split an endpoint string as Twisted does: at colons that no backslash protects."""
    words, options = [], {}
    for part in re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", text):
        name, equals, value = part.partition("=")
        if equals:
            options[name] = re.sub(r"\\(.)", r"\1", value)
        else:
            words.append(re.sub(r"\\(.)", r"\1", part))
    if not words or not words[0]:
        raise ConfigurationError(f"{text!r} is no endpoint such as tcp:9999:interface=127.0.0.1")
    return words[0], words[1:], options


def _check_tcp(words: list[str], options: dict[str, str]) -> None:
    """Find the mistakes that Twisted tells of late, or in words of its own."""
    if "" in words[1:-1] or len(words) > 3:
        raise ConfigurationError(r"write each colon of an IPv6 address as \:, as in interface=\:\:1")
    port = options.get("port", words[0] if words else "")
    if re.fullmatch(r"-?[0-9]+", port) and not 0 <= int(port) <= 0xFFFF:
        raise _bad_port(port)


def _bad_port(port: str) -> ConfigurationError:
    return ConfigurationError(f"the port must be a number from 0 to 65535, not {port!r}")


def _is_local(kind: str, words: list[str], options: dict[str, str]) -> bool:
    if kind == "unix" or (kind == "systemd" and options.get("domain") == "UNIX"):
        return True
    if kind not in ("tcp", "tcp6", "ssl"):
        return False  # who knows
    interface = options.get("interface", words[1] if len(words) > 1 else "")
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return interface == "localhost"


def _ssl_endpoint(
    reactor: Any, words: list[str], options: dict[str, str], client_ca: str | None
) -> IStreamServerEndpoint:
    try:
        from OpenSSL import SSL, crypto  # noqa: PLC0415 - TLS is an extra
        from twisted.internet import ssl  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(f"TLS needs more packages: pip install tcpcomm[tls] ({error})") from None

    unknown = set(options) - _SSL_OPTIONS
    if unknown or len(words) > 1:
        wrong = ", ".join([*sorted(unknown), *words[1:]])
        raise ConfigurationError(f"ssl: knows no {wrong}; it knows {', '.join(sorted(_SSL_OPTIONS))}")
    port = options.get("port", words[0] if words else "")
    if not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise _bad_port(port)
    if "privateKey" not in options:
        raise ConfigurationError("ssl: needs privateKey=FILE and, unless that holds it too, certKey=FILE")

    def read(option: str, what: Any, path: str) -> Any:
        text = Path(path).read_text("ascii", "replace")
        try:
            return what(text)
        except Exception as error:
            raise ConfigurationError(f"{option}={path} is not such a PEM file: {_words(error)}") from None

    key_path = options["privateKey"]
    certificate_path = options.get("certKey", key_path)
    key = read("privateKey", lambda text: ssl.KeyPair.load(text, crypto.FILETYPE_PEM).original, key_path)
    certificate = read("certKey", ssl.Certificate.loadPEM, certificate_path)
    chain = []
    if "extraCertChain" in options:
        chain = read("extraCertChain", _certificates, options["extraCertChain"])
    trust = None
    if client_ca is not None:
        authorities = read("--client-ca", _certificates, client_ca)
        trust = ssl.trustRootFromCertificates([ssl.Certificate(each) for each in authorities])
    try:
        context = ssl.CertificateOptions(
            privateKey=key,
            certificate=certificate.original,
            extraCertChain=chain,
            trustRoot=trust,
            raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
        )
        context.getContext()
    except SSL.Error as error:
        raise ConfigurationError(
            f"{key_path} and {certificate_path} cannot be used together: {_words(error)}"
        ) from None
    return SSL4ServerEndpoint(
        reactor,
        int(port),
        context,
        int(options.get("backlog", BACKLOG)),
        options.get("interface", ""),
    )


def _certificates(text: str) -> list[Any]:
    """All certificates of a PEM text."""
    from twisted.internet import ssl  # noqa: PLC0415

    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    if not blocks:
        raise ValueError("it has no certificate")
    return [ssl.Certificate.loadPEM(block).original for block in blocks]


def _words(error: Exception) -> str:
    """What OpenSSL says, without the structure it says it in."""
    words = [entry[-1] for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(words) or str(error) or type(error).__name__
