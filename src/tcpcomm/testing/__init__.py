"""
What tests need: strategies for byte streams, and the laws that every framing obeys.

Hold a framing of yours to the laws with one line::

    def test_my_framing_obeys_the_laws():
        check_framing_laws(MyFraming(option=3))
"""

from tcpcomm.testing.laws import LAWS, Law, check_framing_laws
from tcpcomm.testing.strategies import chunkings, framings, mutations, payloads_for, streams

__all__ = [
    "LAWS",
    "Law",
    "check_framing_laws",
    "chunkings",
    "framings",
    "mutations",
    "payloads_for",
    "streams",
]
