"""The options of a sink for MQTT, and their checks: :class:`MqttOptions`."""

from __future__ import annotations

import ssl
from typing import ClassVar, Final

from attrs import converters, field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.secret import Secret, secret
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.mqtt.topics import level_problem, topic_problem

JSON_FORM: Final = "json"
SPARKPLUG: Final = "sparkplug"
FORMS: Final = (JSON_FORM, SPARKPLUG)
VERSIONS: Final = ("5", "3.1.1")
_PORT: Final = 1883
_TLS_PORT: Final = 8883
_MOST_CLIENT_ID: Final = 128
"""The most characters of a client id."""


@frozen(kw_only=True)
class MqttOptions(Sink):
    """
    The options of :class:`~tcpcomm.plant.Mqtt`.

    Raises:
        ConfigurationError: a value is wrong, or two do not fit together.
    """

    kind: ClassVar[str] = "mqtt"

    host: str = "127.0.0.1"
    port: int | None = None
    """The port; None: 1883, or 8883 with TLS."""
    version: str = field(default="5")
    """``5`` or ``3.1.1``. With 3.1.1, a broker cannot say that it refuses a message."""
    form: str = JSON_FORM
    """``json`` or ``sparkplug``."""
    prefix: str = "tcpcomm"
    """The beginning of all topics in the form ``json``."""
    group: str = ""
    """The group id of Sparkplug."""
    qos: int = 1
    """
    1: the broker confirms each message. 0 is only for Sparkplug: its standard says so, and messages can be
    lost.
    """
    host_id: str = ""
    """The primary host of Sparkplug. If it is given, messages wait until that host is online."""
    retain: bool = True
    """The broker keeps the states of links and of the gateway for those that subscribe later (JSON)."""
    client_id: str = ""
    """The client's name; empty: made of the names of gateway, or machine, and sink. One client has it."""
    username: str | None = None
    password: Secret | None = field(default=None, converter=converters.optional(secret))
    tls: bool = False
    """TLS; also if one of the files is given."""
    ca_file: str = ""
    """The certificate of the authority that signed the broker's; empty: those of the system."""
    cert_file: str = ""
    """The client's own certificate, if the broker asks for one."""
    key_file: str = ""
    """The key of that certificate; empty: it is in the same file."""
    keepalive: int = 15
    """Seconds of silence after which the client asks if the broker is there; twice that, and it is lost."""
    connect_timeout: float = 5.0
    """Seconds for TCP and TLS each, and for the broker's answer."""

    def __attrs_post_init__(self) -> None:
        for problem in self._problems():
            if problem:
                raise ConfigurationError(problem)

    def _problems(self) -> list[str]:
        is_sparkplug = self.form == SPARKPLUG
        found = [
            "" if self.host else "host is empty: write the broker's address",
            "" if 0 < self.used_port < 65536 else f"port must be 1 to 65535, not {self.port}",
            "" if self.version in VERSIONS else f'version must be "5" or "3.1.1", not "{self.version}"',
            "" if self.form in FORMS else f"form must be json or sparkplug, not {self.form}",
            "" if self.qos in (0, 1) else f"qos must be 1 or 0, not {self.qos}",
            "" if 1 <= self.keepalive <= 65535 else f"keepalive must be 1 to 65535, not {self.keepalive}",
            "" if self.connect_timeout > 0 else "connect_timeout must be above 0",
        ]
        if len(self.client_id) > _MOST_CLIENT_ID or not self.client_id.isprintable():
            found.append(f"client_id must be at most {_MOST_CLIENT_ID} printable characters")
        if self.password is not None and not self.username:
            found.append("password needs username: set both, or none")
        if self.key_file and not self.cert_file:
            found.append("key_file needs cert_file: set both, or none")
        if is_sparkplug:
            problem = level_problem(self.group)
            found.append(f"group, the group id of Sparkplug: {problem}" if problem else "")
            problem = level_problem(self.host_id) if self.host_id else ""
            found.append(f"host_id: {problem}" if problem else "")
        else:
            problem = topic_problem(self.prefix)
            found.append(f"prefix: {problem}" if problem else "")
            found.append("" if self.qos else 'qos = 0 is only for form = "sparkplug"')
            found.append('group is only for form = "sparkplug"' if self.group else "")
            found.append('host_id is only for form = "sparkplug"' if self.host_id else "")
        return found

    @property
    def uses_tls(self) -> bool:
        """True if the connection is encrypted."""
        return self.tls or bool(self.ca_file or self.cert_file)

    @property
    def used_port(self) -> int:
        """The port, also if none is given."""
        return (_TLS_PORT if self.uses_tls else _PORT) if self.port is None else self.port

    def tls_context(self) -> ssl.SSLContext | None:
        """
        Return the rules for TLS, or None without TLS.

        Raises:
            ConfigurationError: a file cannot be read, or is not what it should be.
        """
        if not self.uses_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise _unusable("ca_file", self.ca_file, error) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Socket
        if self.cert_file:
            try:
                context.load_cert_chain(self.cert_file, self.key_file or None, password=_no_password)
            except (OSError, ssl.SSLError) as error:
                raise _unusable("cert_file or key_file", self.cert_file, error) from None
        return context


class _Socket(ssl.SSLSocket):
    """A socket that is closed if its handshake fails, because paho forgets it then."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _unusable(key: str, path: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigurationError(f"{key}: {path or 'the authorities of the system'} cannot be used: {reason}")


def _no_password() -> str:
    raise ConfigurationError("key_file has a password: write it without one, readable by its user alone")
