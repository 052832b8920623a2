"""Certificates and passwords of an OPC UA server, by asyncua's own means: :func:`secure`."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.truststore import TrustStore
from cryptography import x509

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.opcua.options import OpcUaOptions

_ENCRYPTED: Final = [
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
]


class Users:
    """
    Decides which clients may connect: those with a trusted certificate, and a user's name and password.

    Args:
        options: the options of the server.
        refused: called with the reason why a client was refused.
    """

    def __init__(self, options: OpcUaOptions, refused: Callable[[str], None]) -> None:
        self._passwords = {name: each.reveal() for name, each in options.users.items()}
        self._store = TrustStore([Path(options.trusted)], []) if options.trusted else None
        self._refused = refused

    async def load(self) -> None:
        """Read the trusted certificates."""
        if self._store is not None:
            await self._store.load()

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """
        Return the user of a session, or None if it may not connect. asyncua calls it.

        The certificate is that of the encrypted channel. asyncua's own check looks at another one, which a
        client sends or leaves out as it likes.
        """
        if self._store is not None and not self._is_trusted(certificate):
            self._refused("its certificate is not trusted")
            return None
        if not self._passwords:
            return User(role=UserRole.User)
        expected = self._passwords.get(username or "", "")
        is_right = hmac.compare_digest(expected.encode(), (password or "").encode())
        if username in self._passwords and is_right:
            return User(role=UserRole.User, name=username)
        self._refused(f"the user {username!r} or the password is wrong")
        return None

    def _is_trusted(self, certificate: Any) -> bool:
        assert self._store is not None
        if not certificate:
            return False
        try:
            return bool(self._store.is_trusted(x509.load_der_x509_certificate(certificate)))
        except ValueError:
            return False


def certificate_uri(path: str) -> str:
    """
    Return the application URI that a certificate names, or an empty text.

    Raises:
        ConfigurationError: the file cannot be read, or is no certificate.
    """
    try:
        data = Path(path).read_bytes()
        read = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
        certificate = read(data)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the certificate {path} cannot be read: {error}") from None
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return str(uris[0]) if uris else ""


def check_files(options: OpcUaOptions) -> None:
    """
    Check the files and the passwords that options name, before the server starts.

    Raises:
        ConfigurationError: one cannot be read.
    """
    for name, each in options.users.items():
        try:
            each.reveal()
        except ConfigurationError as error:
            raise ConfigurationError(f"users, {name}: {error}") from None
    if options.certificate:
        certificate_uri(options.certificate)
    if options.private_key and not Path(options.private_key).is_file():
        raise ConfigurationError(f"there is no file {options.private_key}, which private_key names")
    if options.trusted and not Path(options.trusted).is_dir():
        raise ConfigurationError(f"there is no folder {options.trusted}, which trusted names")


async def secure(server: Any, options: OpcUaOptions) -> None:
    """Give a server its certificate, its policies, and the rules for its clients."""
    iserver = server.iserver
    iserver.allow_remote_admin = False
    server.set_identity_tokens([ua.UserNameIdentityToken if options.users else ua.AnonymousIdentityToken])
    policies = [] if options.is_encrypted else [ua.SecurityPolicyType.NoSecurity]
    if options.certificate:
        password = None if options.private_key_password is None else options.private_key_password.reveal()
        await server.load_certificate(options.certificate)
        await server.load_private_key(options.private_key, password)
        policies += _ENCRYPTED
    server.set_security_policy(policies)
