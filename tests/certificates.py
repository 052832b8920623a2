"""Certificates for tests, made when they are needed: :class:`Authority`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen

from tests.conftest import needs_module

__all__ = ["Authority", "PemFiles"]


@frozen
class PemFiles:
    """The paths of a certificate and its private key."""

    certificate: Path
    key: Path


class Authority:
    """
    A certificate authority for tests.

    Args:
        folder: the folder for its files.
        name: its name, with which the names of its files begin.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        needs_module("cryptography", "pip install tcpcomm[tls]")
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(self._sign(self._name, self._key, authority=True))

    def issue(
        self, name: str = "localhost", *, begins: float = -1.0, ends: float = 30.0, also: str = "localhost"
    ) -> PemFiles:
        """
        Make a certificate for a host or client, and write it to files with this name.

        Args:
            name: its common name.
            begins: the days from now until it is valid.
            ends: the days from now until it has expired.
            also: its alternative name.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        files = PemFiles(self._folder / f"{name}.cert.pem", self._folder / f"{name}.key.pem")
        signed = self._sign(subject, key, authority=False, begins=begins, ends=ends, also=also)
        files.certificate.write_bytes(signed)
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        files.key.chmod(0o600)
        return files

    def revoke(self, *revoked: PemFiles, ends: float = 30.0) -> Path:
        """Write the list of revoked certificates, which expires in so many days. Return its path."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import Encoding

        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - timedelta(days=2))
            .next_update(now + timedelta(days=ends))
        )
        for each in revoked:
            number = x509.load_pem_x509_certificate(each.certificate.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
            builder = builder.add_revoked_certificate(entry)
        path = self.certificate.with_suffix(".crl.pem")
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        return path

    def _sign(
        self,
        subject: object,
        key: object,
        *,
        authority: bool,
        begins: float = -1.0,
        ends: float = 30.0,
        also: str = "localhost",
    ) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding

        assert isinstance(subject, x509.Name)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=ends))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(also)]), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
