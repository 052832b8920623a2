"""
Native connections with TLS from Python's own ``ssl``, also carried by the asyncio loop.

Unlike Twisted's TLS, which also works over these transports, it needs no further package. It has no
``startTLS`` and no half-close: after one side has closed, neither side can write.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHandshakeListener, ISSLTransport
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.tls_rules import (
    TLS_1_2_CIPHERS,
    check_secret_file,
    name_problem,
    warn_of_dates,
)
from tcpcomm.transports.native import Native, NativeClient, NativeServer


@implementer(ISSLTransport)
class _NativeTLS(Native):
    """A native connection with TLS. Its handle is its socket."""

    high_water = 1  # asyncio's TLS does not count 0 bytes as below a mark of 0
    _closing_tls = False

    def connection_made(self, native: Any) -> None:
        super().connection_made(native)
        problem = self.peer_problem(native)
        if problem is not None:
            self.end_connection(ssl.SSLError(problem))
            return
        listener = IHandshakeListener(self.protocol, None) if self._native is not None else None
        if listener is not None:
            try:
                listener.handshakeCompleted()
            except Exception as error:
                self._fail(error)

    def peer_problem(self, native: Any) -> str | None:
        """Return the problem with the peer's certificate, which is verified, or None if there is none."""
        return None

    def has_unread_input(self) -> bool:
        """Return True also while nobody wants to receive, because asyncio's TLS reads ahead unseen then."""
        return not self.reading or super().has_unread_input()

    def eof_received(self) -> bool:
        """Close the connection: TLS has no half-close. ``connection_lost`` follows."""
        return False

    def getPeerCertificate(self) -> Any:
        """
        Return the peer's certificate as a pyOpenSSL ``X509``, as Twisted's own TLS does.

        None is returned if the peer sent none, or the handshake is not complete.
        """
        tls = None if self._native is None else self._native.get_extra_info("ssl_object")
        der = None if tls is None else tls.getpeercert(binary_form=True)
        if der is None:
            return None
        from OpenSSL import crypto  # noqa: PLC0415 - an extra

        return crypto.load_certificate(crypto.FILETYPE_ASN1, der)

    def startTLS(self, ctx: Any, normal: bool = True) -> None:
        raise RuntimeError("startTLS is not possible: this connection already has TLS")

    def loseWriteConnection(self) -> None:
        """Close: TLS has no half-close."""
        self.loseConnection()

    def end_connection(self, why: BaseException, *, reading: bool = False) -> None:
        if why is CONNECTION_DONE and self._native is not None and not self._closing_tls:
            self._closing_tls = True
            self._native.resume_reading()
            self._loop.call_soon(self._close_tls)  # after received data is read, as OpenSSL requires
        else:
            super().end_connection(why, reading=reading)

    def _close_tls(self) -> None:
        """
        Send the TLS close, and wait until the peer closes; ``connection_lost`` follows.

        Data that the peer still sends is dropped. asyncio's own ``close`` treats it as an error and resets
        the connection, so that the peer loses data that it has not read.
        """
        native = self._native
        if native is None or native.is_closing():
            return
        try:
            native.get_extra_info("ssl_object").unwrap()
        except ssl.SSLWantReadError:
            pass  # the peer has not closed yet
        except ssl.SSLError:
            native.abort()  # TLS can send nothing more
            return
        native.writelines([])  # lets asyncio send the bytes that unwrap() made

    def data_received(self, data: bytes) -> None:
        if not self._closing_tls:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        closed = error is None or self._closing_tls
        self._closing_tls = True
        super().connection_lost(None if closed else error)

    def attach_failure(self, error: BaseException) -> Failure:
        broke = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        return Failure(ConnectionLost()) if broke else Failure(error)


class NativeTLSServer(_NativeTLS, NativeServer):
    """An accepted connection with TLS."""

    def __init__(self, context: ssl.SSLContext | ServerTLSFiles, *args: Any) -> None:
        self._files = context if isinstance(context, ServerTLSFiles) else None
        self._context = context.context if isinstance(context, ServerTLSFiles) else context
        super().__init__(*args)

    async def make_native(self) -> None:
        await self._loop.connect_accepted_socket(self.as_asyncio_protocol, self.socket, ssl=self._context)

    def peer_problem(self, native: Any) -> str | None:
        if self._files is None or not self._files.client_names:
            return None
        certificate = native.get_extra_info("peercert") or {}
        subject = [pair for part in certificate.get("subject", ()) for pair in part]
        names = [value for key, value in subject if key == "commonName"]
        names += [value for _, value in certificate.get("subjectAltName", ())]
        return name_problem(names, self._files.client_names)


class NativeTLSClient(_NativeTLS, NativeClient):
    """A connection with TLS that this side made."""

    def __init__(self, context: ssl.SSLContext, server_name: str, *args: Any) -> None:
        self._context = context
        self._server_name = server_name
        super().__init__(*args)

    async def make_native(self) -> None:
        await self._loop.create_connection(
            self.as_asyncio_protocol,
            sock=self.socket,
            ssl=self._context,
            server_hostname=self._server_name,
        )


class ServerTLSFiles:
    """
    The files of a server's TLS, which can be loaded again while it serves.

    Args:
        private_key, certificate, client_ca, revoked: as for :func:`server_context`.
        client_names: the names that clients may have in their certificates; empty: any name.

    Raises:
        ConfigurationError: a file cannot be used.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        private_key: str,
        certificate: str | None = None,
        client_ca: str | None = None,
        client_names: Iterable[str] = (),
        revoked: str | None = None,
    ) -> None:
        self.client_names = tuple(client_names)
        self._files = private_key, certificate, client_ca, revoked
        if client_ca is None and (self.client_names or revoked is not None):
            raise ConfigurationError("clientNames= and revoked= need caCerts=FILE")
        self.reload()

    def reload(self) -> None:
        """Load the files again, for new connections. If that fails, the old ones stay in use."""
        self.context = server_context(*self._files)


def server_context(
    private_key: str,
    certificate: str | None = None,
    client_ca: str | None = None,
    revoked: str | None = None,
) -> ssl.SSLContext:
    """
    Return the context of a server with TLS 1.2 or newer.

    Args:
        private_key: a PEM file.
        certificate: a PEM file of the certificate and then of any between it and its authority; None: the
            file of the key.
        client_ca: a PEM file of authorities; one of them must have signed each client's certificate. None:
            clients need no certificate.
        revoked: a PEM file with a revocation list of each of these authorities; None: nothing is revoked.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS_1_2_CIPHERS)
    _load_certificate(context, private_key, certificate)
    if client_ca is not None:
        _trust(context, client_ca)
        if revoked is not None:
            _trust(context, revoked)  # OpenSSL reads the lists from where it reads authorities
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    trust_roots: str | None = None, private_key: str | None = None, certificate: str | None = None
) -> ssl.SSLContext:
    """
    Return the context of a client with TLS 1.2 or newer, which checks the server's certificate and name.

    Args:
        trust_roots: a PEM file of trusted authorities; None: the authorities that the system trusts.
        private_key: a PEM file, if the server requires a certificate; None: the client has none.
        certificate: a PEM file; None: the file of the key.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS_1_2_CIPHERS)
    if trust_roots is None:
        context.load_default_certs()
    else:
        _trust(context, trust_roots)
    if private_key is not None:
        _load_certificate(context, private_key, certificate)
    return context


def _load_certificate(context: ssl.SSLContext, private_key: str, certificate: str | None) -> None:
    certificate = certificate or private_key
    try:
        check_secret_file(private_key)
        context.load_cert_chain(certificate, private_key)
        warn_of_dates(certificate)
    except OSError as error:
        raise ConfigurationError(
            f"{private_key} and {certificate} cannot be used as a key and its certificate: {_text(error)}"
        ) from None


def _trust(context: ssl.SSLContext, authorities: str) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        raise ConfigurationError(f"{authorities} has no certificates to trust: {_text(error)}") from None


def _text(error: OSError) -> str:
    return error.strerror or str(error)
