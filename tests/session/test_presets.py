"""Protocols that are set up by class attributes, and the limits of one session."""

from __future__ import annotations

import pytest

from tcpcomm import (
    ConfigurationError,
    DelimitedFactory,
    DelimitedProtocol,
    LengthPrefixedFactory,
    LengthPrefixedProtocol,
    Limits,
)
from tcpcomm.framing import Delimited, LengthPrefixed, Lines

# -- the two kinds ----------------------------------------------------------------------------------------


def test_a_delimited_protocol_ends_frames_with_crlf_unless_told_otherwise() -> None:
    assert Delimited(b"\r\n") == DelimitedProtocol.framing
    assert isinstance(DelimitedFactory().buildProtocol(None), DelimitedProtocol)


def test_a_delimited_protocol_is_configured_by_class_attributes() -> None:
    class Camera(DelimitedProtocol):
        delimiter = b";"
        max_frame = 100

    assert Delimited(b";", max_frame=100) == Camera.framing


def test_a_delimited_protocol_may_have_several_delimiters() -> None:
    class Camera(DelimitedProtocol):
        delimiter = (b"\n", b";")

    assert Delimited((b"\n", b";")) == Camera.framing


def test_a_length_prefixed_protocol_has_four_bytes_big_endian_unless_told_otherwise() -> None:
    assert LengthPrefixed(4) == LengthPrefixedProtocol.framing
    assert isinstance(LengthPrefixedFactory().buildProtocol(None), LengthPrefixedProtocol)


def test_a_length_prefixed_protocol_is_configured_by_class_attributes() -> None:
    class Controller(LengthPrefixedProtocol):
        width = 2
        form = "little"
        max_frame = 100

    class Tester(LengthPrefixedProtocol):
        width = 3
        form = "decimal"

    assert LengthPrefixed(2, form="little", max_frame=100) == Controller.framing
    assert LengthPrefixed(3, form="decimal") == Tester.framing


def test_a_framing_of_its_own_goes_before_all_settings() -> None:
    class Camera(DelimitedProtocol):
        framing = Lines()

    class Controller(LengthPrefixedProtocol):
        framing = LengthPrefixed(4, offset=2, strip=0)

    assert Lines() == Camera.framing
    assert LengthPrefixed(4, offset=2, strip=0) == Controller.framing


def test_a_subclass_keeps_what_it_does_not_change() -> None:
    class Camera(DelimitedProtocol):
        delimiter = b";"

    class Smart(Camera):
        pass

    class Small(Camera):
        max_frame = 10

    class Reader(DelimitedProtocol):
        framing = Lines()

    class BetterReader(Reader):
        pass

    assert Delimited(b";") == Smart.framing
    assert Delimited(b";", max_frame=10) == Small.framing
    assert Lines() == BetterReader.framing


def test_settings_may_come_from_a_mixin() -> None:
    class Small:
        max_frame: int | None = 10

    class Controller(Small, LengthPrefixedProtocol):
        pass

    assert LengthPrefixed(4, max_frame=10) == Controller.framing


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (DelimitedProtocol, {"delimiter": b""}),
        (DelimitedProtocol, {"delimiter": ()}),
        (DelimitedProtocol, {"max_frame": 0}),
        (LengthPrefixedProtocol, {"width": 9}),
        (LengthPrefixedProtocol, {"form": "roman"}),
        (LengthPrefixedProtocol, {"width": 1, "max_frame": 1000}),
    ],
)
def test_bad_settings_fail_when_the_class_is_made(kind: type, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        type("Camera", (kind,), settings)


# -- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("handshake", "partial", "pause", "slowest", "idle"),
        *("unread_pause", "unread_abort", "stall", "awaited"),
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_must_be_positive(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be positive, not {value}"):
        Limits(**{name: value})


def test_the_unread_limits_must_not_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="unread_pause=20 must not exceed unread_abort=10"):
        Limits(unread_pause=20, unread_abort=10)
