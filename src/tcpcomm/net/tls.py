"""TLS options from PEM files, at least version 1.2, and the name in a peer's certificate."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from zope.interface import directlyProvides, providedBy

from tcpcomm._lazy import HiddenPackage, check_package
from tcpcomm.errors import ConfigurationError
from tcpcomm.net.error_texts import openssl_error_text
from tcpcomm.runtime.tls_rules import (
    TLS_1_2_CIPHERS,
    check_secret_file,
    name_problem,
    warn_of_dates,
)


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


def certificate_names(certificate: Any) -> list[str]:
    """Return the common names and the alternative names in a certificate of the package cryptography."""
    from cryptography import x509  # noqa: PLC0415 - TLS is an extra

    subject = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    names = [str(each.value) for each in subject]
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return names
    kinds = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    return names + [str(each.value) for each in extension.value if isinstance(each, kinds)]


@frozen
class ServerFiles:
    """
    The files and names that the TLS of a server is made of.

    Args:
        own: our own certificate.
        clients: the authorities, one of which must have signed each client's certificate. Without a path,
            no client certificate is required.
        client_names: the names that clients may have in their certificates; empty: any name.
        revoked: a PEM file of revocation lists, one of each authority; None: nothing is revoked.
    """

    own: OwnCertificate
    clients: Authorities
    client_names: tuple[str, ...] = ()
    revoked: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.clients.path is not None:
            return
        for given, option in ((self.client_names, "clientNames"), (self.revoked, "revoked")):
            if given:
                raise ConfigurationError(
                    f"{option}= needs caCerts=FILE, because without it no client certificate is demanded"
                )


class ServerTLS:
    """
    The TLS of a server, which can be loaded again while it serves.

    It is given to Twisted in place of a ``CertificateOptions``.

    Raises:
        ConfigurationError: a file is not suitable, or TLS is not installed.
        OSError: a file cannot be read.
    """

    def __init__(self, files: ServerFiles) -> None:
        _ssl()
        from twisted.internet.interfaces import IOpenSSLServerConnectionCreator  # noqa: PLC0415 - TLS is an extra

        directlyProvides(self, IOpenSSLServerConnectionCreator)
        self._files = files
        self.reload()

    def reload(self) -> None:
        """
        Load the files again, for new connections. If that fails, the old ones stay in use.

        Raises:
            ConfigurationError, OSError: as for the class.
        """
        files = self._files
        with _without_warnings():
            common = _common_options(files.own)
            demands = files.clients.path is not None
            trust = _trust(files.clients, files.revoked) if demands else None
            options = _ssl().CertificateOptions(trustRoot=trust, **common)
            self._context = options.getContext()  # made here, while the warnings are off

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Return the TLS of a new connection. Twisted calls this."""
        demands = self._files.clients.path is not None
        return _server_connection()(self._context, self._files.client_names if demands else None)


_PROBLEMS: Final = {
    3: "there is no revocation list of its authority",
    9: "it is not valid yet",
    10: "it has expired",
    11: "the revocation list of its authority is not valid yet",
    12: "the revocation list of its authority has expired",
    23: "it was revoked",
}
"""Texts for the errors of OpenSSL's verification that need one."""


@cache
def _server_connection() -> Any:
    """Return the class of a server's TLS connections. It is made here, because TLS is an extra."""
    from OpenSSL import SSL  # noqa: PLC0415 - TLS is an extra

    class ServerConnection(SSL.Connection):
        """A connection that says in words why it refuses a client's certificate."""

        def __init__(self, context: Any, client_names: tuple[str, ...] | None) -> None:
            super().__init__(context, None)
            self.refusal: str | None = None
            self._client_names = client_names
            if client_names is not None:
                mode = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
                self.set_verify(mode, lambda connection, *found: connection.verify(*found))

        def verify(self, certificate: Any, error: int, depth: int, is_good: int) -> bool:
            if not is_good and error in _PROBLEMS:
                self.refusal = f"the peer's certificate is refused: {_PROBLEMS[error]}"
            elif is_good and depth == 0 and self._client_names:
                names = certificate_names(certificate.to_cryptography())
                self.refusal = name_problem(names, self._client_names)
            return bool(is_good) and self.refusal is None

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except SSL.WantReadError:
                raise
            except SSL.Error:
                if self.refusal is None:
                    raise
                raise SSL.Error([("tcpcomm", "", self.refusal)]) from None

    return ServerConnection


def client_options(
    name: str, own: OwnCertificate | None, servers: Authorities, revoked: str | None = None
) -> Any:
    """
    Return the TLS options of a client; the server's certificate must be for this name or IP address.

    Raises:
        ConfigurationError: a file is not suitable, or TLS is not installed.
        OSError: a file cannot be read.
    """
    ssl = _ssl()
    if revoked is not None and servers.path is None:
        raise ConfigurationError("revoked= needs caCerts=FILE")
    with _without_warnings():
        common = _common_options(own)
        trust = ssl.platformTrust() if servers.path is None else _trust(servers, revoked)
        return ssl.optionsForClientTLS(name, trustRoot=trust, extraCertificateOptions=common)


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)  # Twisted passes some
        yield


def _common_options(own: OwnCertificate | None) -> dict[str, Any]:
    ssl = _ssl()
    ciphers = ssl.AcceptableCiphers.fromOpenSSLCipherString(TLS_1_2_CIPHERS)
    options: dict[str, Any] = {"raiseMinimumTo": ssl.TLSVersion.TLSv1_2, "acceptableCiphers": ciphers}
    if own is None:
        return options
    check_secret_file(own.key)
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
    warn_of_dates(own.certificate)
    return options


def _ssl() -> Any:
    try:
        check_package("OpenSSL", "pyopenssl")
        from twisted.internet import ssl  # noqa: PLC0415 - TLS is an extra
    except HiddenPackage as hidden:
        raise ConfigurationError(f"TLS needs pyOpenSSL, and {hidden}") from None
    except ImportError as error:
        raise ConfigurationError(
            f"TLS needs the extra tls: in the folder of tcpcomm, pip install '.[tls]' ({error})"
        ) from None
    return ssl


def _trust(authorities: Authorities, revoked: str | None) -> Any:
    ssl = _ssl()
    assert authorities.path is not None
    certificates = _read(authorities.option, _certificates, authorities.path)
    trust = ssl.trustRootFromCertificates([ssl.Certificate(each) for each in certificates])
    return trust if revoked is None else _Revoking(trust, _read("revoked", _revocation_lists, revoked))


class _Revoking:
    """A root of trust with revocation lists. Twisted asks it to put both into a context."""

    def __init__(self, trust: Any, lists: list[Any]) -> None:
        directlyProvides(self, providedBy(trust))
        self._trust = trust
        self._lists = lists

    def _addCACertsToContext(self, context: Any) -> None:
        from OpenSSL.crypto import X509StoreFlags  # noqa: PLC0415 - TLS is an extra

        self._trust._addCACertsToContext(context)  # the one method of the interface
        store = context.get_cert_store()
        for each in self._lists:
            store.add_crl(each)
        store.set_flags(X509StoreFlags.CRL_CHECK)


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


def _revocation_lists(text: str) -> list[Any]:
    from cryptography.x509 import load_pem_x509_crl  # noqa: PLC0415 - TLS is an extra

    blocks = re.findall(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", text, re.DOTALL)
    if not blocks:
        raise ValueError("it has no revocation list")
    return [load_pem_x509_crl(block.encode()) for block in blocks]
