"""The option ``--metrics`` of ``twistd tcpcomm``: :class:`MetricsOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.python import usage

if TYPE_CHECKING:
    from tcpcomm.plant.metrics.web_service import MetricsService


class MetricsOptions(usage.Options):
    """The option ``--metrics``."""

    optParameters: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "metrics",
            None,
            None,
            "Give figures to Prometheus, and the health, at this PORT of this machine, or at ADDRESS:PORT. "
            'Needs: pip install "tcpcomm[metrics]".',
        ],
    ]

    def metrics_service(self, place: str | None = None) -> MetricsService | None:
        """
        Return the service that the option asks for, or None.

        Args:
            place: the place, if the option is not given.

        Raises:
            ConfigurationError: the place is not one, or the package is missing.
        """
        wanted = self["metrics"] if self["metrics"] is not None else place
        if wanted is None:
            return None
        from tcpcomm.plant.metrics.watcher import Metrics  # noqa: PLC0415 - few starts need it
        from tcpcomm.plant.metrics.web_service import MetricsService  # noqa: PLC0415

        return MetricsService(wanted, Metrics())
