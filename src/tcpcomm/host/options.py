"""The options of a host's link: :class:`HostOptions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from attrs import field, frozen

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import ConfigurationError
from tcpcomm.link.option_texts import explains
from tcpcomm.link.options import LinkKeywords, LinkOptions

Proxy = TypeVar("Proxy")


class HostKeywords(LinkKeywords[Proxy], total=False):
    """Keyword arguments for a host's link; :class:`HostOptions` explains each."""

    wait: float | None
    retries: int
    credentials: Mapping[str, str] | None
    serves: Equipment | None


def _not_negative(instance: object, attribute: Any, value: float | None) -> None:
    if value is not None and not value >= 0:
        raise ConfigurationError(f"{attribute.name} must not be negative: {value}")


@explains("others", LinkOptions)
@frozen(kw_only=True)
class HostOptions(LinkOptions):
    """
    The options of a host's link: those of every link, and its own.

    Args:
        wait: seconds that a command waits for the link to be ready before it fails with NotReady. None: it
            waits up to 5 s for the first connection, and not at all for later ones. An idempotent command
            that may be repeated waits at least as long as its timeout, also later.
        retries: the number of times that an ``idempotent`` command is repeated if its outcome is not known.
            Other commands are never repeated. If no repetition gets a reply, the call fails with
            OutcomeUnknown, because the command was written. No repetition follows if the link is not ready
            in time. With 0, idempotent commands fail at once, too.
        credentials: the credentials for the declared login, by name.
        serves: the object that answers the commands that the equipment asks on the same session.
        others: those of :class:`~tcpcomm.link.options.LinkOptions`.

    Raises:
        ConfigurationError: as for :class:`~tcpcomm.link.options.LinkOptions`, or a number is negative.
    """

    connect_keyword: ClassVar[str] = "at"

    wait: float | None = field(default=None, validator=_not_negative)
    retries: int = field(default=1, validator=_not_negative)
    credentials: Mapping[str, str] | None = None
    serves: Equipment | None = None
