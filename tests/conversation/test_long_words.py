"""A request without an end of its first word is refused by a fault that repeats only its beginning."""

from __future__ import annotations

from tcpcomm import Equipment, command
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tests.server.test_observed import wire


class Vision(Equipment):
    """A camera whose faults repeat the command."""

    framing = Delimited(b"\n", max_frame=1000)
    codec = Template(fault="ER,{command},{code:02d}")

    @command("RM", reply="RM,1")
    def mode(self) -> None:
        """Return the mode."""


def test_the_session_goes_on_behind_the_longest_word() -> None:
    line = wire(Vision())
    line.receive("A" * 1000, "RM")
    assert b"ER," + b"A" * 64 + b",92\nRM,1\n" == line.session.transport.value()  # type: ignore[union-attr]
