"""The options of an OPC UA server, checked when they are made: :class:`OpcUaOptions`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.secret import Secret, secret

DEFAULT_ENDPOINT: Final = "opc.tcp://127.0.0.1:4840/tcpcomm"

DEFAULT_OPCUA_SESSIONS: Final = 32
"""Clients of an OPC UA server at once, unless ``sessions`` says otherwise. Further ones are refused."""

DEFAULT_OPCUA_CALLS: Final = 16
"""
Method calls under way at once, unless ``calls`` says otherwise. A further call gets
``BadTooManyOperations``.
"""

DEFAULT_SEVERITY: Final = 500
"""The severity of OPC UA events that ``severities`` does not name; 1 is the lowest, 1,000 the highest."""

_HIGHEST_SEVERITY: Final = 1000
_MOST_SESSIONS: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _check_endpoint(instance: object, attribute: object, text: str) -> None:
    example = f"write it as {DEFAULT_ENDPOINT}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"endpoint {text!r}: {error}: {example}") from None
    if parts.scheme != "opc.tcp" or not parts.hostname:
        raise ConfigurationError(f"endpoint {text!r} is not an address of OPC UA: {example}")
    if port is None:
        raise ConfigurationError(f"endpoint {text!r} has no port: {example}")
    if parts.username or parts.query or parts.fragment:
        raise ConfigurationError(f"endpoint {text!r} may have a host, a port and a path only: {example}")


def _check_name(instance: object, attribute: object, text: str) -> None:
    if text and not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"name {text!r}: letters, digits, dots, dashes and underscores, at most 64, make a name"
        )


def _check_severity(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _HIGHEST_SEVERITY:
        raise ConfigurationError(f"{name} must be a whole number from 1 to 1000, not {value!r}")


def _severity(instance: object, attribute: Any, value: Any) -> None:
    _check_severity(attribute.name, value)


def _severities(instance: object, attribute: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        _check_severity(f"severities, {name}", value)


def _count(instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_SESSIONS:
        raise ConfigurationError(
            f"{attribute.name} must be a whole number from 1 to {_MOST_SESSIONS}, not {value!r}"
        )


def _users(given: Mapping[str, str | Secret]) -> dict[str, Secret]:
    return {name: secret(value) for name, value in given.items()}


def _optional_secret(given: str | Secret | None) -> Secret | None:
    return None if given is None else secret(given)


@frozen(kw_only=True)
class OpcUaOptions:
    """
    The options of an OPC UA server, as ``[opcua]`` of ``plant.toml`` has them.

    Raises:
        ConfigurationError: a value is wrong, or other machines could use the server without security.
    """

    file_keys: ClassVar[tuple[str, ...]] = ("certificate", "private_key", "trusted")
    """The attributes that name files or folders."""

    endpoint: str = field(default=DEFAULT_ENDPOINT, validator=_check_endpoint)
    """
    The address where the server listens. Other machines need ``certificate``, ``private_key``, and
    ``users`` or ``trusted``. Port 0 lets the system choose one.
    """
    name: str = field(default="", validator=_check_name)
    """The name in the namespace ``urn:tcpcomm:NAME``. Empty: the ``plant`` of the gateway."""
    commands: bool = False
    """True if clients may call the ``commands`` of each link, as methods."""
    severity: int = field(default=DEFAULT_SEVERITY, validator=_severity)
    """The severity of events, from 1 to 1,000."""
    severities: Mapping[str, int] = field(factory=dict, validator=_severities)
    """Other severities by event: ``{alarm = 800}`` or, for one link, ``{"camera-1/alarm" = 800}``."""
    certificate: str = ""
    """The file of the server's certificate, PEM or DER."""
    private_key: str = ""
    """The file of its private key, PEM or DER."""
    private_key_password: Secret | None = field(default=None, converter=_optional_secret)
    """The password of that file, as a secret."""
    users: Mapping[str, Secret] = field(factory=dict, converter=_users)
    """The users and their passwords, as secrets. Without users, anonymous clients may connect."""
    trusted: str = ""
    """A folder with the certificates of the clients that may connect, or of their CAs."""
    sessions: int = field(default=DEFAULT_OPCUA_SESSIONS, validator=_count)
    """The most clients at once."""
    calls: int = field(default=DEFAULT_OPCUA_CALLS, validator=_count)
    """The most method calls at once."""

    def __attrs_post_init__(self) -> None:
        if bool(self.certificate) != bool(self.private_key):
            missing = "private_key" if self.certificate else "certificate"
            raise ConfigurationError(f"certificate and private_key belong together: {missing} is missing")
        if self.trusted and not self.certificate:
            raise ConfigurationError(
                "trusted checks the certificates of clients: give certificate and private_key, too"
            )
        if self.is_open and not (self.certificate and (self.users or self.trusted)):
            raise ConfigurationError(
                f"{self.endpoint} is open to other machines: give certificate and private_key, and users "
                "or trusted, or listen at 127.0.0.1"
            )

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint).port or 0

    @property
    def is_open(self) -> bool:
        """True if other machines can connect."""
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() != "localhost"

    @property
    def is_encrypted(self) -> bool:
        """True if every client must encrypt: where other machines can connect, or certificates count."""
        return self.is_open or bool(self.trusted)

    def severity_of(self, link: str, event: str) -> int:
        """Return the severity of an event of a link."""
        return self.severities.get(f"{link}/{event}", self.severities.get(event, self.severity))
