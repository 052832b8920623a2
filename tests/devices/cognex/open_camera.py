"""A camera without a login, for the hostile suite, which speaks none."""

from __future__ import annotations

from tcpcomm.devices.cognex import Emulator


class OpenCamera(Emulator):
    greeting = None
    login = ()
