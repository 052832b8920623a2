"""
What tests need: strategies for byte streams, the laws that every framing obeys, and a simulated network.

Hold a framing of yours to the laws with one line::

    def test_my_framing_obeys_the_laws():
        check_framing_laws(MyFraming(option=3))

Run your protocol against pulled cables on a :class:`~tcpcomm.testing.network.wire.Network`, in virtual time; the
fixture is in :mod:`tcpcomm.testing.network.fixtures`.
"""

from tcpcomm.testing.equipment import check_equipment
from tcpcomm.testing.laws.laws import LAWS, Law, check_framing_laws
from tcpcomm.testing.laws.strategies import chunkings, framings, mutations, payloads_for, streams
from tcpcomm.testing.network.clock import VirtualClock
from tcpcomm.testing.network.faults import FAULTS, Faults
from tcpcomm.testing.network.wire import Machine, Network

__all__ = [
    "FAULTS",
    "LAWS",
    "Faults",
    "Law",
    "Machine",
    "Network",
    "VirtualClock",
    "check_equipment",
    "check_framing_laws",
    "chunkings",
    "framings",
    "mutations",
    "payloads_for",
    "streams",
]
