"""
The public names of :mod:`tcpcomm.testing`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.testing.equipment import check_equipment as check_equipment
    from tcpcomm.testing.laws.every_framing import framings as framings
    from tcpcomm.testing.laws.laws import LAWS as LAWS, Law as Law, check_framing_laws as check_framing_laws
    from tcpcomm.testing.laws.strategies import (
        chunkings as chunkings,
        mutations as mutations,
        payloads_for as payloads_for,
        streams as streams,
    )
    from tcpcomm.testing.network.clock import VirtualClock as VirtualClock
    from tcpcomm.testing.network.faults import (
        FAULTS as FAULTS,
        SURPLUS_FAULTS as SURPLUS_FAULTS,
        Faults as Faults,
    )
    from tcpcomm.testing.network.fixtures import simulated_network as simulated_network
    from tcpcomm.testing.network.wire import Machine as Machine, Network as Network
    from tcpcomm.testing.observer import RecordingObserver as RecordingObserver
    from tcpcomm.testing.recorded_talk import replayed as replayed
    from tcpcomm.tools.tap.fault_proxy import FaultProxy as FaultProxy
    from tcpcomm.tools.tap.tap import Tap as Tap
    from tcpcomm.tools.tap.toxics import (
        Bandwidth as Bandwidth,
        Blackhole as Blackhole,
        Latency as Latency,
        LimitData as LimitData,
        ResetPeer as ResetPeer,
        Slicer as Slicer,
        Timeout as Timeout,
    )

DEFINED_IN: Final = {
    "tcpcomm.testing.equipment": ["check_equipment"],
    "tcpcomm.testing.laws.every_framing": ["framings"],
    "tcpcomm.testing.laws.laws": ["LAWS", "Law", "check_framing_laws"],
    "tcpcomm.testing.laws.strategies": ["chunkings", "mutations", "payloads_for", "streams"],
    "tcpcomm.testing.network.clock": ["VirtualClock"],
    "tcpcomm.testing.network.faults": ["FAULTS", "SURPLUS_FAULTS", "Faults"],
    "tcpcomm.testing.network.fixtures": ["simulated_network"],
    "tcpcomm.testing.network.wire": ["Machine", "Network"],
    "tcpcomm.testing.observer": ["RecordingObserver"],
    "tcpcomm.testing.recorded_talk": ["replayed"],
    "tcpcomm.tools.tap.fault_proxy": ["FaultProxy"],
    "tcpcomm.tools.tap.tap": ["Tap"],
    "tcpcomm.tools.tap.toxics": [
        "Bandwidth",
        "Blackhole",
        "Latency",
        "LimitData",
        "ResetPeer",
        "Slicer",
        "Timeout",
    ],
}
"""The names that each module defines."""
