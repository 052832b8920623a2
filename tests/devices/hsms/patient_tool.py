"""Equipment whose timers let a peer live that only sends linktests: a good peer of the hostile suite."""

from __future__ import annotations

from tcpcomm.devices.hsms import GemTool

__all__ = ["PatientTool"]


class PatientTool(GemTool):
    """It waits ten minutes for the selection, and sends no linktest meanwhile."""

    t7 = 600.0
    linktest_interval = 600.0
