"""Rules for TLS and its files, which hold for Twisted's TLS and for Python's own."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger

TLS_1_2_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The cipher suites of TLS 1.2: authenticated encryption with forward secrecy. TLS 1.3 has only such."""

EXPIRES_SOON: Final = timedelta(days=14)
"""The time before the end of our own certificate from which on a start warns of it."""

_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_log = BoundedLogger()


def check_secret_file(path: str | os.PathLike[str]) -> None:
    """
    Warn if every user of this machine can read a file with a key or a password.

    Windows has no such modes: there nothing is checked.

    Raises:
        ConfigurationError: every user can change it.
        OSError: there is no such file.
    """
    mode = os.stat(path).st_mode
    if sys.platform == "win32" or not stat.S_ISREG(mode):
        return
    if mode & stat.S_IWOTH:
        raise ConfigurationError(f"every user of this machine can change {path}: type chmod 600 {path}")
    if mode & stat.S_IROTH:
        _log.warn("every user of this machine can read {path}: type chmod 600 {path}", path=str(path))


def warn_of_dates(path: str, now: datetime | None = None) -> None:
    """Log it if the first certificate in a PEM file has expired, will do so soon, or is not valid yet."""
    problem = date_problem(path, datetime.now(UTC) if now is None else now)
    if problem is not None:
        _log.warn("the certificate in {path} {problem}", path=path, problem=problem)


def date_problem(path: str, now: datetime) -> str | None:
    """
    Return the problem with the dates of the first certificate in a PEM file, or None if there is none.

    None is also returned if the file has no certificate, or the package cryptography is not installed.
    """
    try:
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - TLS is an extra
    except ImportError:
        return None
    with open(path, encoding="ascii", errors="replace") as file:
        found = _CERTIFICATE.search(file.read())
    if found is None:
        return None
    certificate = load_pem_x509_certificate(found[0].encode())
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= ends:
        return f"expired on {ends:%Y-%m-%d %H:%M} UTC: peers refuse it; ask its authority for another one"
    if now < begins:
        return f"is not valid before {begins:%Y-%m-%d %H:%M} UTC: is the clock of this machine right?"
    if ends - now < EXPIRES_SOON:
        return f"expires in {(ends - now).days} days, on {ends:%Y-%m-%d %H:%M} UTC"
    return None


def name_problem(names: Iterable[str], allowed: Iterable[str]) -> str | None:
    """Return the problem with the names in a peer's certificate, or None if one of them is allowed."""
    found = list(dict.fromkeys(names))
    if set(found) & set(allowed):
        return None
    shown = ", ".join(found[:3]) or "nobody"
    return f"the peer's certificate is for {shown}, which is not among the allowed names"
