"""Who a peer is, as its certificate proves it: :func:`certificate_name`."""

from __future__ import annotations

from typing import Any

__all__ = ["certificate_name"]


def certificate_name(transport: Any) -> str | None:
    """
    The common name in the certificate of a TLS peer; None where there is no TLS, certificate or name.

    A server gets a certificate only where it demands one, and then it has verified it by the time that the
    handshake is complete.
    """
    get_certificate = getattr(transport, "getPeerCertificate", None)
    certificate = None if get_certificate is None else get_certificate()
    if certificate is None:
        return None
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - where there is TLS, there is this

    try:
        names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return None  # OpenSSL takes it, but it is too odd to be read: the peer is proven, and nameless
    return str(names[0].value) if names else None
