"""
The keys of ``plant.toml`` as attrs classes, from :class:`PlantSettings` down. They hold values, no objects.

Each attribute is a key of its table; ``docs/reference/plant-toml.md`` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import Attribute, field, frozen
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import ConfigurationError
from tcpcomm.link.policy import PROFILES
from tcpcomm.plant.gateway.configuration.mistakes import did_you_mean
from tcpcomm.plant.gateway.configuration.structure import KEY
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.secret import Secret
from tcpcomm.plant.sink import Sink

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""The names of gateways, links and sinks, which topics and queues carry."""

NAME_RULE: Final = (
    "a name must have 1 to 64 letters, digits, dots, underscores and hyphens, and begin with a letter or "
    "a digit"
)

MIN_EVERY: Final = 0.01
"""Seconds, at least, between two polls of one command. A smaller value is refused."""

MAX_EVERY: Final = 31 * 86400.0
"""Seconds, at most, between two polls of one command. A larger value is refused."""

MAX_JITTER: Final = 0.5
"""Part of its interval by which a poll may come later at random. A larger value is refused."""

MAX_COMMANDS: Final = 1000
"""Commands of brokers that one link may have under way. A larger value is refused."""

TOPIC_FIELDS: Final = ("gateway", "plant", "link", "name")
"""The names that a topic may hold in braces."""


def _above_0(_: object, attribute: Attribute[Any], value: float | None) -> None:
    if value is not None and not value > 0:
        raise ConfigurationError(f"{attribute.name} must be above 0, not {value:g}")


def _at_least_0(_: object, attribute: Attribute[Any], value: float | None) -> None:
    if value is not None and not value >= 0:
        raise ConfigurationError(f"{attribute.name} must not be negative, but is {value:g}")


def _interval(_: object, attribute: Attribute[Any], value: float | None) -> None:
    _above_0(_, attribute, value)
    if value is not None and not MIN_EVERY <= value <= MAX_EVERY:
        raise ConfigurationError(
            f"{attribute.name} must be from {MIN_EVERY:g} to {MAX_EVERY:.0f} seconds, not {value:g}"
        )


def _share(_: object, attribute: Attribute[Any], value: float | None) -> None:
    if value is not None and not 0 <= value <= MAX_JITTER:
        raise ConfigurationError(f"{attribute.name} must be from 0 to {MAX_JITTER}, not {value:g}")


def _name(_: object, attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and value and not NAME.fullmatch(value):
        raise ConfigurationError(f"{attribute.name} is {value!r}: {NAME_RULE}")


def _names(_: object, __: Attribute[Any], values: Mapping[str, Any]) -> None:
    for each in values:
        if not NAME.fullmatch(each):
            raise ConfigurationError(f"{each!r}: {NAME_RULE}")


def _profile(_: object, __: Attribute[Any], value: str | None) -> None:
    if value is not None and value not in PROFILES:
        raise ConfigurationError(f"there is no profile {value!r}{did_you_mean(value, PROFILES)}")


def _topic(_: object, attribute: Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    if not value or value.startswith("/") or value.endswith("/"):
        raise ConfigurationError(f"{attribute.name} must neither be empty nor begin or end with a slash")
    try:
        value.format_map(dict.fromkeys(TOPIC_FIELDS, ""))
    except (KeyError, ValueError, IndexError, AttributeError):
        known = ", ".join(f"{{{each}}}" for each in TOPIC_FIELDS)
        raise ConfigurationError(f"{attribute.name} may have these words in braces: {known}") from None


def _commands(_: object, attribute: Attribute[Any], value: int | None) -> None:
    if value is not None and not 1 <= value <= MAX_COMMANDS:
        raise ConfigurationError(f"{attribute.name} must be from 1 to {MAX_COMMANDS}, not {value}")


@frozen
class Credential:
    """One credential of a login: a secret, or an empty text, with which some devices are delivered."""

    secret: Secret | None

    @classmethod
    def of(cls, value: Any) -> Credential:
        """Return the credential of a text. Raises ConfigurationError if it is not a secret."""
        return cls(None if value == "" else Secret(value))

    def reveal(self) -> str:
        """Return the credential. Raises ConfigurationError if it cannot be read."""
        return "" if self.secret is None else self.secret.reveal()


@frozen(kw_only=True)
class OutboxSettings:
    """The keys of ``[gateway.outbox]``: where messages wait until their sink has confirmed them."""

    file: str = "outbox.db"
    """The file, below the folder of the configuration."""
    max_mib: int = field(default=1024, validator=_above_0)
    """The most MiB of the file. Beyond it the outbox refuses messages."""
    max_messages: int = field(default=1_000_000, validator=_above_0)
    """The most messages that may wait."""


@frozen(kw_only=True)
class GatewaySettings:
    """The keys of ``[gateway]``."""

    name: str = field(default="gateway", validator=_name)
    """The name of this gateway. Each gateway of a plant needs its own name."""
    plant: str = field(default="", validator=_name)
    """The name of the plant, which its standby gateways share. Empty: the name of the gateway."""
    outbox: OutboxSettings = OutboxSettings()
    """The table ``[gateway.outbox]``."""
    standby: str | None = None
    """The ``rabbitmq`` sink that gives each link to one gateway. Default: all links are ours."""
    metrics: str | None = None
    """The port, or address and port, of the figures and the health: ``127.0.0.1:9100``."""


@frozen(kw_only=True)
class PolicySettings:
    """The keys of a ``policy``, in seconds. Each replaces the time of the profile."""

    connect_timeout: float | None = field(default=None, validator=_above_0)
    """The time for an attempt to connect."""
    resolve_timeout: float | None = field(default=None, validator=_above_0)
    """The time for the lookup of a name."""
    handshake_timeout: float | None = field(default=None, validator=_above_0)
    """The time for TLS, a login, and the first steps."""
    grace: float | None = field(default=None, validator=_above_0)
    """The time that a stop waits for sent data to leave."""
    quick: float | None = field(default=None, validator=_above_0)
    """The time between two attempts in a new outage, and the first ceiling of the backoff."""
    quick_for: float | None = field(default=None, validator=_at_least_0)
    """The time for which an outage is new."""
    cap: float | None = field(default=None, validator=_above_0)
    """The highest ceiling of the backoff."""
    heartbeat_interval: float | None = field(default=None, validator=_above_0)
    """The time between two heartbeats, if the device has a heartbeat."""
    heartbeat_timeout: float | None = field(default=None, validator=_above_0)
    """The silence after which the device counts as dead."""


@frozen(kw_only=True)
class PollSettings:
    """The keys of ``[[links.NAME.poll]]``."""

    command: str
    """The command of the device, or one of its methods, as for ``tcpcomm call``: ``holding``."""
    arguments: Mapping[str, Any] = field(factory=dict, metadata={KEY: "with"})
    """The arguments by name."""
    name: str | None = field(default=None, validator=_name)
    """The name in reports. Default: the command. Two polls of one command need two names."""
    every: float | None = field(default=None, validator=_interval)
    """The time between two polls. Default: 1."""
    deadline: float | None = field(default=None, validator=_above_0)
    """The time for the reply; a poll is not retried. Default: as declared."""
    jitter: float | None = field(default=None, validator=_share)
    """The largest random delay of a poll, as a share of ``every``, up to 0.5."""
    to: tuple[str, ...] | None = None
    """The sinks. Default: the sinks of the link."""
    topic: str | None = field(default=None, validator=_topic)
    """The topic, with ``{link}``, ``{name}``, ``{gateway}``, ``{plant}``. Default: ``{link}/{name}``."""
    expires_in: float | None = field(default=None, validator=_above_0)
    """The time after which a report is not delivered. Default: as for the link."""
    only_changes: bool | None = None
    """True to post a report only if its values differ from the last ones."""
    at_least_every: float | None = field(default=None, validator=_above_0)
    """With ``only_changes``, the time after which a report is posted without a change."""


@frozen(kw_only=True)
class DefaultSettings:
    """The keys of ``[defaults]``: for all links and polls that do not have them."""

    profile: str | None = field(default=None, validator=_profile)
    policy: PolicySettings | None = None
    allow: tuple[str, ...] | None = None
    wait: float | None = field(default=None, validator=_at_least_0)
    retries: int | None = field(default=None, validator=_at_least_0)
    to: tuple[str, ...] | None = None
    states: tuple[str, ...] | None = None
    commands_from: tuple[str, ...] | None = None
    max_commands: int | None = field(default=None, validator=_commands)
    expires_in: float | None = field(default=None, validator=_above_0)
    every: float | None = field(default=None, validator=_interval)
    deadline: float | None = field(default=None, validator=_above_0)
    jitter: float | None = field(default=None, validator=_share)
    only_changes: bool | None = None
    at_least_every: float | None = field(default=None, validator=_above_0)


@frozen(kw_only=True)
class LinkSettings:
    """The keys of ``[links.NAME]``."""

    like: str | None = None
    """Another link. Its keys, except ``at`` and ``listen``, are the defaults of this link."""
    device: str | type[Equipment] | None = None
    """A name that ``tcpcomm devices`` lists, ``module:Class``, or ``file.py:Class`` beside this file."""
    at: str | IStreamClientEndpoint | None = None
    """The endpoint at which the device listens: ``tcp:10.0.0.5:502``."""
    listen: str | IStreamServerEndpoint | None = None
    """The endpoint at which we listen, if the device connects to us: ``tcp:9999:interface=10.0.0.1``."""
    allow: tuple[str, ...] | None = None
    """With ``listen``, the networks of the device: ``["10.0.0.0/24"]``, or ``["any"]``."""
    profile: str | None = field(default=None, validator=_profile)
    """``lan``, ``fleet`` or ``wan``. Default: the policy that the device declares, or ``fleet``."""
    policy: PolicySettings | None = None
    """Times that replace those of the profile."""
    credentials: Mapping[str, Credential] | None = None
    """The credentials of a declared login, as secrets: ``{password = "env:CAMERA_PASSWORD"}``."""
    psk: str | None = None
    """The file with the pre-shared key that the device must prove."""
    psk_name: str | None = None
    """Our name in that proof."""
    header: Mapping[str, Any] | None = None
    """The values in the headers of all commands: ``{unit = 7}`` for Modbus."""
    wait: float | None = field(default=None, validator=_at_least_0)
    """The time that a broker's command waits until the link is ready. Default: 0."""
    retries: int | None = field(default=None, validator=_at_least_0)
    """The number of retries of an idempotent broker command. Default: 1."""
    to: tuple[str, ...] | None = None
    """The sinks of polls that name none. Default: all sinks."""
    expires_in: float | None = field(default=None, validator=_above_0)
    """The time after which reports are not delivered. Default: they never expire."""
    poll: tuple[PollSettings, ...] | None = None
    """The polls, below."""
    events: Mapping[str, tuple[str, ...]] | None = None
    """The sinks of each event, by its name; ``"*"`` is every other event."""
    states: tuple[str, ...] | None = None
    """The sinks that get a report when the link becomes ready, and when it is lost. Default: no sink."""
    commands: tuple[str, ...] | None = None
    """The commands that a broker may give. Default: no command."""
    commands_from: tuple[str, ...] | None = None
    """The sinks that may give them. Default: all sinks. It does not limit OPC UA clients."""
    max_commands: int | None = field(default=None, validator=_commands)
    """The most broker commands at once. Default: 8."""


@frozen(kw_only=True)
class PlantSettings:
    """The whole configuration: the tables of ``plant.toml``."""

    gateway: GatewaySettings = GatewaySettings()
    defaults: DefaultSettings = DefaultSettings()
    links: Mapping[str, LinkSettings] = field(factory=dict, validator=_names)
    """The links by name."""
    sinks: Mapping[str, Sink] = field(factory=dict, validator=_names)
    """The sinks by name."""
    opcua: OpcUaOptions | None = None
    """The OPC UA server, or None if there is none."""
