"""The address of a broker: :class:`BrokerAddress`, from a url."""

from __future__ import annotations

from typing import Final, Self
from urllib.parse import unquote, urlsplit

from attrs import field, frozen
from twisted.internet.endpoints import quoteStringArgument

from tcpcomm.errors import ConfigurationError

_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_EXAMPLE: Final = "amqp://mes@10.0.0.5:5672/plant"


@frozen(kw_only=True)
class BrokerAddress:
    """The place of one broker, and the user and virtual host that a connection uses there."""

    host: str
    port: int
    user: str = "guest"
    password: str | None = field(default=None, repr=False)
    virtual_host: str = "/"
    is_secure: bool = False

    @classmethod
    def of(cls, url: str) -> Self:
        """
        Return the address that a url names.

        Raises:
            ConfigurationError: the url is not one of a broker. The error does not repeat a password.
        """
        shown = without_password(url)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"{shown!r} is not a url: {error}") from None
        if parts.scheme not in _PORTS:
            raise ConfigurationError(f"{shown!r} must begin with amqp:// or amqps://, as in {_EXAMPLE}")
        if not parts.hostname:
            raise ConfigurationError(f"{shown!r} names no host: write it as in {_EXAMPLE}")
        if parts.query or parts.fragment:
            raise ConfigurationError(f"{shown!r} must end after the virtual host, as in {_EXAMPLE}")
        path = parts.path.removeprefix("/")
        if "/" in path:
            raise ConfigurationError(f"{shown!r}: write each slash in the name of a virtual host as %2f")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username or "") or "guest",
            password=None if parts.password is None else unquote(parts.password),
            virtual_host=unquote(path) or "/",
            is_secure=parts.scheme == "amqps",
        )

    @property
    def name(self) -> str:
        """The host and the port, for texts."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def endpoint(
        self, timeout: float, ca: str | None, certificate: str | None, private_key: str | None
    ) -> str:
        """Return the endpoint string of the broker."""
        kind = "tls" if self.is_secure else "tcp"
        text = f"{kind}:{quoteStringArgument(self.host)}:{self.port}:timeout={timeout:g}"
        if self.is_secure:
            files = {"caCerts": ca, "clientCert": certificate, "privateKey": private_key}
            for option, path in files.items():
                text += "" if path is None else f":{option}={quoteStringArgument(path)}"
        return text


def without_password(url: str) -> str:
    """Return a url without the password in it, if it can be found."""
    start, at, rest = url.rpartition("@")
    scheme, slashes, login = start.partition("//")
    return f"{scheme}{slashes}{login.partition(':')[0]}{at}{rest}" if at else url
