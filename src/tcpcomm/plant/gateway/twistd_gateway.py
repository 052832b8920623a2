"""The gateway in twistd: :class:`TwistdGateway`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.gateway.configuration.mistakes import PlantMistakes
from tcpcomm.plant.gateway.configuration.plant_file import read_plant
from tcpcomm.plant.gateway.gateway import Gateway
from tcpcomm.plant.gateway.plan import Plan
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.logs import LineObserver
from tcpcomm.server.twistd_hooks import TwistdHooks, start_in_one_line
from tcpcomm.session.observer import SessionObserver


class TwistdGateway(Gateway, TwistdHooks):
    """
    A gateway in twistd. At SIGHUP it checks its file, and says if a restart would succeed.

    Args:
        plan: the configuration.
        file: its file.
        observers: watch the sessions of all links.
        log_observer: writes twistd's log. If it is None, twistd's own options decide.
    """

    log = BoundedLogger()

    def __init__(
        self,
        plan: Plan,
        file: str,
        observers: Iterable[SessionObserver] = (),
        log_observer: LineObserver | None = None,
    ) -> None:
        super().__init__(plan, observers=observers)
        self.log_observer = log_observer
        self._file = os.path.abspath(file)  # twistd changes the folder later

    def startService(self) -> None:
        """Start. If that fails, twistd ends with exit code 1 and the reason."""
        self.reload_at_hangup()
        with start_in_one_line(ConfigurationError):
            super().startService()

    def stopService(self) -> Any:
        """Stop in order; a second signal drops the connections."""
        self.expect_second_signal()
        return super().stopService()

    def reload(self) -> None:
        """Check the file, which is used at the next start."""
        try:
            read_plant(self._file, reactor=self.reactor)
        except PlantMistakes as mistakes:
            for line in mistakes.lines:
                self.log.error("the file cannot be used at the next start: {mistake}", mistake=line)
        else:
            self.log.info("{file} has no mistakes: restart the gateway to use it", file=self._file)
