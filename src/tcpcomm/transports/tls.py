"""
Native connections with TLS by Python's own ``ssl``, carried by the asyncio loop too.

Where Twisted's TLS, which is pyOpenSSL above a connection, works with any of our transports as well, this
one needs no further package. It has no ``startTLS``, and a side that has closed cannot be written to any
more: TLS has no half-close.
"""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHandshakeListener, ISSLTransport
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.transports.native import Native, NativeClient, NativeServer

__all__ = ["NativeTLSClient", "NativeTLSServer", "client_context", "server_context"]


@implementer(ISSLTransport)
class _NativeTLS(Native):
    """A native connection with TLS. The handle that it has is its socket."""

    _context: ssl.SSLContext
    _high_water = 1  # to asyncio's TLS, 0 bytes are not below a mark of 0
    _saying_goodbye = False

    def connection_made(self, native: Any) -> None:
        """The handshake is done."""
        super().connection_made(native)
        listener = IHandshakeListener(self.protocol, None) if self._native is not None else None
        if listener is not None:
            try:
                listener.handshakeCompleted()
            except Exception as error:
                self._failed(error)

    def eof_received(self) -> bool:
        """The peer has closed: in TLS that is the end, which connection_lost will tell."""
        return False

    def getPeerCertificate(self) -> Any:
        """
        The certificate that the peer has shown.

        Returns:
            A pyOpenSSL ``X509``, as of Twisted's own TLS; None if there is none, or none yet.
        """
        tls = None if self._native is None else self._native.get_extra_info("ssl_object")
        der = None if tls is None else tls.getpeercert(binary_form=True)
        if der is None:
            return None
        from OpenSSL import crypto  # noqa: PLC0415 - an extra

        return crypto.load_certificate(crypto.FILETYPE_ASN1, der)

    def startTLS(self, ctx: Any, normal: bool = True) -> None:
        """Refuse: TLS is there already."""
        raise RuntimeError("this connection has TLS since it began: there is no startTLS on it")

    def loseWriteConnection(self) -> None:
        """Close: TLS has no half-close."""
        self.loseConnection()

    def _disconnect(self, why: BaseException, *, reading: bool = False) -> None:
        if why is CONNECTION_DONE and self._native is not None and not self._saying_goodbye:
            self._saying_goodbye = True
            self._native.resume_reading()
            self._loop.call_soon(self._say_goodbye)  # when all that has come is read: see there
        else:
            super()._disconnect(why, reading=reading)

    def _say_goodbye(self) -> None:
        """
        Tell the peer that no more will come, and wait until it has closed: connection_lost will tell.

        What it still sends is read, and dropped. asyncio's own ``close`` takes such bytes for a fault, and
        resets the connection, with what the peer has not read of ours. OpenSSL, too, wants what has come to
        be read before.
        """
        native = self._native
        if native is None or native.is_closing():
            return
        try:
            native.get_extra_info("ssl_object").unwrap()
        except ssl.SSLWantReadError:
            pass  # the peer's goodbye is not here yet
        except ssl.SSLError:
            native.abort()  # nothing can be said any more
            return
        native.writelines([])  # has asyncio send what that left in the TLS layer

    def data_received(self, data: bytes) -> None:
        """asyncio has read something."""
        if not self._saying_goodbye:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """The peer has closed, or has answered our closing, or the connection broke."""
        closed = error is None or self._saying_goodbye
        self._saying_goodbye = True
        super().connection_lost(None if closed else error)

    def _why_not_attached(self, error: BaseException) -> Failure:
        broke = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        return Failure(ConnectionLost()) if broke else Failure(error)


class NativeTLSServer(_NativeTLS, NativeServer):
    """An accepted connection with TLS."""

    def __init__(self, context: ssl.SSLContext, *args: Any) -> None:
        self._context = context
        super().__init__(*args)

    async def _give_socket(self) -> None:
        await self._loop.connect_accepted_socket(self._as_asyncio_protocol, self.socket, ssl=self._context)


class NativeTLSClient(_NativeTLS, NativeClient):
    """A connection with TLS that was made from here."""

    def __init__(self, context: ssl.SSLContext, server_name: str, *args: Any) -> None:
        self._context = context
        self._server_name = server_name
        super().__init__(*args)

    async def _give_socket(self) -> None:
        await self._loop.create_connection(
            self._as_asyncio_protocol,
            sock=self.socket,
            ssl=self._context,
            server_hostname=self._server_name,
        )


def server_context(
    private_key: str, certificate: str | None = None, client_ca: str | None = None
) -> ssl.SSLContext:
    """
    The context of a server that speaks TLS 1.2 or newer.

    Args:
        private_key: a PEM file.
        certificate: a PEM file; certificates between this one and its authority, if any, stand behind it;
            None: the file of the key.
        client_ca: a PEM file of the authorities one of which must have signed each client's certificate;
            None: clients need none.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _show(context, private_key, certificate)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    trust_roots: str | None = None, private_key: str | None = None, certificate: str | None = None
) -> ssl.SSLContext:
    """
    The context of a client that speaks TLS 1.2 or newer, and checks the server's certificate and name.

    Args:
        trust_roots: a PEM file of the authorities that it trusts; None: those that the system trusts.
        private_key: a PEM file, where the server wants a certificate.
        certificate: a PEM file; None: the file of the key.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust_roots is None:
        context.load_default_certs()
    else:
        _trust(context, trust_roots)
    if private_key is not None:
        _show(context, private_key, certificate)
    return context


def _show(context: ssl.SSLContext, private_key: str, certificate: str | None) -> None:
    """Let the context prove who it is."""
    certificate = certificate or private_key
    try:
        context.load_cert_chain(certificate, private_key)
    except OSError as error:
        raise ConfigurationError(
            f"{private_key} and {certificate} cannot be used as a key and its certificate: {_words(error)}"
        ) from None


def _trust(context: ssl.SSLContext, authorities: str) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        raise ConfigurationError(f"{authorities} has no certificates to trust: {_words(error)}") from None


def _words(error: OSError) -> str:
    return error.strerror or str(error)
