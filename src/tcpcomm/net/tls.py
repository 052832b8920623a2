"""TLS options from PEM files, at least version 1.2, and the name in a peer's certificate."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.reasons import openssl_error_text


@frozen
class OwnCertificate:
    """
    The PEM files of our own certificate.

    Args:
        key: the file of our private key.
        certificate: the file of our certificate; it may be the same file.
        option: the option that named the certificate, for errors.
        chain: the file of certificates between ours and the authority's; None: there are none.
    """

    key: str
    certificate: str
    option: str
    chain: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, str], option: str) -> OwnCertificate | None:
        """
        Return the files that the options of an endpoint string name, or None if they name no key.

        Raises:
            ConfigurationError: the options name a certificate without its key.
        """
        if "privateKey" not in options:
            if option in options or "extraCertChain" in options:
                raise ConfigurationError(f"{option}=FILE needs privateKey=FILE beside it")
            return None
        key = options["privateKey"]
        return cls(key, options.get(option, key), option, options.get("extraCertChain"))


@frozen
class Authorities:
    """A PEM file of trusted authorities, and the option that named it. Without a path, the system's own."""

    path: str | None
    option: str


def certificate_name(transport: Any) -> str | None:
    """
    Return the common name in the peer's certificate, or None without TLS, a certificate or a name.

    A server gets a certificate only if it requires one. It has verified it when the handshake is complete.
    """
    certificate = transport.getPeerCertificate() if hasattr(transport, "getPeerCertificate") else None
    if certificate is None:
        return None
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - TLS is an extra

    try:
        names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return None  # OpenSSL accepts it, but it cannot be read: the peer is proven and has no name
    return str(names[0].value) if names else None


def server_options(own: OwnCertificate, clients: Authorities) -> Any:
    """
    Return the TLS options of a server; with authorities for clients, it requires client certificates.

    Raises:
        ConfigurationError: a file is not a suitable PEM file, or TLS is not installed.
        OSError: a file cannot be read.
    """
    ssl = _ssl()
    with _without_warnings():
        common = _common_options(own)
        trust = None if clients.path is None else _trust(clients)
        options = ssl.CertificateOptions(trustRoot=trust, **common)
        options.getContext()  # made and cached here, while the warnings are off
    return options


def client_options(name: str, own: OwnCertificate | None, servers: Authorities) -> Any:
    """
    Return the TLS options of a client; the server's certificate must be for this name or IP address.

    Raises:
        ConfigurationError, OSError: as for :func:`server_options`.
    """
    ssl = _ssl()
    with _without_warnings():
        common = _common_options(own)
        trust = ssl.platformTrust() if servers.path is None else _trust(servers)
        return ssl.optionsForClientTLS(name, trustRoot=trust, extraCertificateOptions=common)


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)  # Twisted passes some
        yield


def _common_options(own: OwnCertificate | None) -> dict[str, Any]:
    ssl = _ssl()
    options: dict[str, Any] = {"raiseMinimumTo": ssl.TLSVersion.TLSv1_2}
    if own is None:
        return options
    from OpenSSL import SSL, crypto  # noqa: PLC0415 - TLS is an extra

    options["privateKey"] = _read(
        "privateKey", lambda text: ssl.KeyPair.load(text, crypto.FILETYPE_PEM).original, own.key
    )
    options["certificate"] = _read(own.option, ssl.Certificate.loadPEM, own.certificate).original
    if own.chain is not None:
        options["extraCertChain"] = _read("extraCertChain", _certificates, own.chain)
    try:
        ssl.CertificateOptions(**options).getContext()
    except SSL.Error as error:
        raise ConfigurationError(
            f"{own.key} and {own.certificate} cannot be used together: {openssl_error_text(error)}"
        ) from None
    return options


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


def _read(option: str, parse: Callable[[str], Any], path: str) -> Any:
    text = Path(path).read_text("ascii", "replace")
    try:
        return parse(text)
    except Exception as error:
        problem = openssl_error_text(error)
        raise ConfigurationError(f"{option}={path} is not a suitable PEM file: {problem}") from None


def _certificates(text: str) -> list[Any]:
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    if not blocks:
        raise ValueError("it has no certificate")
    return [_ssl().Certificate.loadPEM(block).original for block in blocks]
