"""The hostile suite against the simulator of each device: nothing wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import pytest
from attrs import evolve, frozen

from tcpcomm.devices.catalogue import OURS, find_device
from tcpcomm.devices.cognex.framing import LONGEST_LINE
from tcpcomm.testing.hostile.catalogue import cases_for
from tests.system.attacked import Attacked
from tests.system.running import DEADLINE, ON_LOOPBACK, Server

Serve = Callable[..., Server]


@frozen
class Request:
    """
    A request that a device answers at once on a new connection, in the words of the suite.

    Attributes:
        kind: ``binary`` or ``lines``.
        framing: the notation of the framing.
        ask: the request without its framing.
        expect: the first bytes of the reply, or a part of it for lines.
        longest: the greatest message that the device accepts, in bytes, behind the length if the header
            stays in it; None if bytes without a meaning have no end for it.
        simulator: a class in place of the device's simulator, for equipment that wants a login first.
        cases: the numbers of the cases that mean something to it.
    """

    kind: str
    framing: str
    ask: str
    expect: str
    longest: int | None
    simulator: str | None = None
    cases: Collection[int] = range(1000)


_WITHOUT_TIMER: Final = {*range(1000)} - {502}
"""Case 502 sets a bit behind the length. There SLMP has a timer, so that it is one more good request."""

SLMP: Final = Request(
    "binary",
    r"length:2,little,offset=7,strip=0",
    "hex:500000FFFF03000C00100001040000640000A80100",
    "hex:D00000FFFF0300040000000000",
    65535,
    cases=_WITHOUT_TIMER,
)

REQUESTS: Final[dict[str, Request]] = {
    "cognex": Request(
        "lines", r"delimited:\r\n", "GO", "1", LONGEST_LINE, "tests.devices.cognex.open_camera:OpenCamera"
    ),
    "fanuc": Request(
        "json", r"delimited:\r\n", '{"Command":"FRC_GetUFrameUTool"}', '"UFrameNumber"', 1 << 20
    ),
    "fins": Request(
        "binary",
        "length:4,offset=4,sync=FINS,strip=0,max=2028",
        # It comes before the handshake, which a connection has only once, and is refused with 0101.
        "hex:46494E530000001A000000020000000080000200010000EF0007010182006400000A",
        "hex:46494E53000000160000000200000000C0000200EF000001000701010101",
        2020,
    ),
    "hsms": Request(  # Linktest.req, which is answered before Select.req, too
        "binary",
        "length:4",
        "hex:00000000000500000007",
        "hex:00000000000600000007",
        16 * 1024 * 1024,
        "tests.devices.hsms.patient_tool:PatientTool",
    ),
    "keyence": Request("lines", "lines", "RM", "RM,1", 1 << 20),
    "modbus": Request(
        "binary",
        "length:2,offset=4,strip=0",
        "hex:000700000006010300000002",
        "hex:000700000007010304",
        254,
    ),
    # The reply to a write repeats it, so that its checksum ends both.
    "modbus-rtu": Request(
        "lines", r"delimited:\x98\x0b", "hex:010600010003", "hex:010600010003", None, cases=range(200, 250)
    ),
    "s7": Request(
        "binary",
        "tpkt",
        "hex:11E00000000100C0010AC1020100C2020101",
        "hex:11D000010002",
        8192,
    ),
    "scpi": Request("lines", "lines", "*OPC?", "1", 1 << 20),
    "slmp": SLMP,
    "slmp-fx5": evolve(SLMP, cases=range(200, 220)),
    "slmp-4e": Request(
        "binary",
        r"length:2,little,offset=11,strip=0",
        "hex:54003412000000FFFF03000C00100001040000640000A80100",
        "hex:D4003412000000FFFF0300040000000000",
        65535,
        cases=_WITHOUT_TIMER,
    ),
    "slmp-ascii": Request(
        "binary",
        "length:4,hex,offset=14,strip=0",
        f"hex:{b'500000FF03FF000018001004010000D*0001000001'.hex()}",
        f"hex:{b'D00000FF03FF0000080000'.hex()}",
        65535,
    ),
    "xgt": Request(
        "binary",
        "length:2,little,offset=16,adjust=2,strip=0,max=2048",
        # With the sum of its header: without it a byte of the header could change, and mean the same.
        "hex:4C5349532D58475400000000A03301001000003F54000200000001000600254457313030",
        "hex:4C5349532D58475400000000A01101000E00001B5500020000000000010002000000",
        None,
    ),
}
"""The request for each device of the catalogue."""

LEFT_OUT: Final = {205, *range(251, 257), 902, 906}
"""Cases that take seconds: a flood, line ends for which the suite waits and only tells, idle time."""


def numbers_for(kind: str) -> list[int]:
    """
    Return the numbers of the cases that are about the content of messages.

    The manners of TCP, and floods, are a matter of all servers, and are tried with those.
    """
    numbers = {case.number for case in cases_for(kind) if not case.waits} - LEFT_OUT
    return sorted(number for number in numbers if not (number < 150 or 800 < number < 850))


def test_each_device_is_attacked() -> None:
    assert {device.name for device in OURS} == set(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
def test_hostile_peers_find_nothing_wrong(name: str, serve: Serve) -> None:
    device = find_device(name)
    assert isinstance(device.simulator, str)
    request = REQUESTS[name]
    options = ["--framing", request.framing, "--ask", request.ask, "--expect", request.expect]
    options += ["--patience", str(DEADLINE)]  # other tests run at the same time: a good server may be late
    if request.longest is not None:
        options += ["--max-frame", str(request.longest)]
    numbers = [number for number in numbers_for(request.kind) if number in request.cases]
    server = serve(*ON_LOOPBACK, "--app", request.simulator or device.simulator)

    assert [] == Attacked(name, server, request.kind, options).attack(numbers, within=DEADLINE)
