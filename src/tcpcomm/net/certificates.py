"""Names of peers, read from their certificates: :func:`certificate_name`."""

from __future__ import annotations

from typing import Any


def certificate_name(transport: Any) -> str | None:
    """
    Return the common name in the peer's certificate, or None without TLS, a certificate or a name.

    A server gets a certificate only if it requires one. It has verified it when the handshake is complete.
    """
    get_certificate = getattr(transport, "getPeerCertificate", None)
    certificate = None if get_certificate is None else get_certificate()
    if certificate is None:
        return None
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - the extra tls installs it

    try:
        names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return None  # OpenSSL accepts it, but it cannot be read: the peer is proven and has no name
    return str(names[0].value) if names else None
