"""TLS from PEM files, for both ends: at least version 1.2, and errors that name the file that is wrong."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from tcpcomm.errors import ConfigurationError

__all__ = ["Authorities", "Own", "client_options", "server_context"]


@frozen
class Own:
    """
    The PEM files by which we show who we are.

    Args:
        key: our private key.
        certificate: our certificate; it may be the same file.
        option: the name of the option that named it, for errors.
        chain: certificates between ours and the authority's; None: there are none.
    """

    key: str
    certificate: str
    option: str
    chain: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, str], option: str) -> Own | None:
        """
        The files that an endpoint string's options name; None if they name no key.

        Raises:
            ConfigurationError: there is a certificate without its key.
        """
        if "privateKey" not in options:
            if option in options or "extraCertChain" in options:
                raise ConfigurationError(f"{option}=FILE needs privateKey=FILE beside it")
            return None
        key = options["privateKey"]
        return cls(key, options.get(option, key), option, options.get("extraCertChain"))


@frozen
class Authorities:
    """A PEM file of authorities to be trusted, and the option that named it; None: the system's own."""

    path: str | None
    option: str


def server_context(own: Own, clients: Authorities) -> Any:
    """
    How a server speaks TLS: as itself, and with client certificates if there are authorities for them.

    Raises:
        ConfigurationError: a file is not what it has to be, or TLS is not installed.
        OSError: a file cannot be read.
    """
    ssl = _ssl()
    with _quietly():
        given = _given(own)
        trust = None if clients.path is None else _trust(clients)
        options = ssl.CertificateOptions(trustRoot=trust, **given)
        options.getContext()  # it is kept
    return options


def client_options(name: str, own: Own | None, servers: Authorities) -> Any:
    """
    How a client speaks TLS: with a server whose certificate is for this name, or IP address.

    Raises:
        ConfigurationError: a file is not what it has to be, or TLS is not installed.
        OSError: a file cannot be read.
    """
    ssl = _ssl()
    with _quietly():
        given = _given(own)
        trust = ssl.platformTrust() if servers.path is None else _trust(servers)
        return ssl.optionsForClientTLS(name, trustRoot=trust, extraCertificateOptions=given)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what pyOpenSSL says to Twisted about the objects that it passes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)
        yield


def _given(own: Own | None) -> dict[str, Any]:
    """What Twisted wants to know: the oldest version that is spoken, and who we are."""
    ssl = _ssl()
    given: dict[str, Any] = {"raiseMinimumTo": ssl.TLSVersion.TLSv1_2}
    if own is None:
        return given
    from OpenSSL import SSL, crypto  # noqa: PLC0415 - TLS is an extra

    given["privateKey"] = _read(
        "privateKey", lambda text: ssl.KeyPair.load(text, crypto.FILETYPE_PEM).original, own.key
    )
    given["certificate"] = _read(own.option, ssl.Certificate.loadPEM, own.certificate).original
    if own.chain is not None:
        given["extraCertChain"] = _read("extraCertChain", _certificates, own.chain)
    try:
        ssl.CertificateOptions(**given).getContext()
    except SSL.Error as error:
        raise ConfigurationError(
            f"{own.key} and {own.certificate} cannot be used together: {_words(error)}"
        ) from None
    return given


def _ssl() -> Any:
    try:
        from twisted.internet import ssl  # noqa: PLC0415 - TLS is an extra
    except ImportError as error:
        raise ConfigurationError(
            f"TLS needs the extra tls: in the folder of tcpcomm, pip install '.[tls]' ({error})"
        ) from None
    return ssl


def _trust(authorities: Authorities) -> Any:
    ssl = _ssl()
    assert authorities.path is not None
    certificates = _read(authorities.option, _certificates, authorities.path)
    return ssl.trustRootFromCertificates([ssl.Certificate(each) for each in certificates])


def _read(option: str, what: Callable[[str], Any], path: str) -> Any:
    text = Path(path).read_text("ascii", "replace")
    try:
        return what(text)
    except Exception as error:
        raise ConfigurationError(f"{option}={path} is not such a PEM file: {_words(error)}") from None


def _certificates(text: str) -> list[Any]:
    """All certificates of a PEM text."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    if not blocks:
        raise ValueError("it has no certificate")
    return [_ssl().Certificate.loadPEM(block).original for block in blocks]


def _words(error: Exception) -> str:
    """What OpenSSL says, without the structure it says it in."""
    words = [entry[-1] for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(words) or str(error) or type(error).__name__
