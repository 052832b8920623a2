"""The status codes of a method call that failed, and the codes of units."""

from __future__ import annotations

import pytest

from tcpcomm import Fault
from tcpcomm.errors import (
    BadReply,
    CodecError,
    LoginRefused,
    NotReady,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
)
from tcpcomm.plant.errors import CommandRefused
from tests.conftest import needs_module

needs_module("asyncua", "pip install tcpcomm[opcua]")

from tcpcomm.plant.opcua.status_codes import status_of  # noqa: E402
from tcpcomm.plant.opcua.units import unit_id, unit_information  # noqa: E402


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "Good"),
        (Fault(17, "no part"), "BadInvalidState"),
        (NotSent("x"), "BadNoCommunication"),
        (NotReady("x"), "BadNoCommunication"),
        (LoginRefused("x"), "BadNoCommunication"),
        (ReplyTimeout("x"), "BadTimeout"),
        (BadReply("x"), "BadUnknownResponse"),
        (OutcomeUnknown("x"), "BadConnectionClosed"),
        (CommandRefused("x"), "BadInvalidArgument"),
        (CodecError("x"), "BadInvalidArgument"),
        (ZeroDivisionError("x"), "BadInternalError"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_each_error_has_its_status_code(error: Exception | None, status: str) -> None:
    assert status == status_of(error).name


def test_common_units_have_the_codes_of_the_standard() -> None:
    # UNECE_to_OPCUA.csv of the OPC Foundation: CEL 4408652, MMT 5066068, P1 20529
    assert [4408652, 5066068, 20529] == [unit_id(each) for each in ("°C", "mm", "%")]


def test_another_unit_has_its_text_only() -> None:
    found = unit_information("parts/min")

    assert (-1, "parts/min") == (found.UnitId, found.DisplayName.Text)
