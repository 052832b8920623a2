"""The options of a link have one set of names and types, wherever they are written."""

from __future__ import annotations

from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.host.options import HostKeywords, HostOptions
from tcpcomm.link.options import LinkKeywords, LinkOptions, SupervisionKeywords
from tcpcomm.link.policy import PROFILES


def accepted(kind: type[Any]) -> dict[str, Any]:
    """Return the type that each option accepts: the argument of its converter, or else its own type."""
    own = get_type_hints(kind)
    types = {}
    for option in attrs.fields(kind):
        hints = get_type_hints(option.converter) if callable(option.converter) else {}
        hints.pop("return", None)
        (types[option.name],) = hints.values() or (own[option.name],)
    return types


def same(declared: Any, accepted: Any) -> bool:
    """Return True if two types are equal, whatever an on_ready step gets."""
    if get_origin(declared) is Union or isinstance(declared, type(int | str)):
        return set(get_args(declared)) == set(get_args(accepted))
    if "Iterable[collections.abc.Callable[" in str(declared):
        return "Iterable[collections.abc.Callable[" in str(accepted)
    return bool(declared == accepted)


@pytest.mark.parametrize(
    ("keywords", "options"), [(LinkKeywords, LinkOptions), (HostKeywords, HostOptions)]
)
def test_keywords_and_options_have_the_same_names_and_types(
    keywords: type[Any], options: type[Any]
) -> None:
    declared, takes = get_type_hints(keywords), accepted(options)
    assert set(declared) | {"connect"} == set(takes)
    assert [] == [name for name, kind in declared.items() if not same(kind, takes[name])]


def test_a_supervised_protocol_has_fewer_options() -> None:
    more = {"listen", "allow", "allow_http", "framing_hints", "limits"}
    assert more == set(get_type_hints(LinkKeywords)) - set(get_type_hints(SupervisionKeywords))


def test_a_profile_may_be_named() -> None:
    assert PROFILES["wan"] == LinkOptions(policy="wan").policy
    assert PROFILES["lan"] == LinkOptions().policy


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"connect": "tcp:h:1", "listen": "tcp:1"}, 'a link needs one place: connect="tcp:10.0.0.5:9999"'),
        ({"connect": ("h", 1)}, 'connect is a text: write connect="tcp:h:1"'),
        ({"connect": 9999}, 'connect must be an endpoint or its text, such as "tcp:10.0.0.5:9999", not'),
        ({"listen": 9999}, "listen must be an endpoint or its text"),
        ({"policy": "wlan"}, "no profile is called 'wlan'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_at_once(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        LinkOptions(**options)


@pytest.mark.parametrize("option", ["wait", "retries"])
def test_a_host_waits_and_repeats_no_less_than_not_at_all(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option} must not be negative: -1"):
        HostOptions(**{option: -1})  # type: ignore[arg-type]
