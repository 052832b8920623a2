"""The optional package of the figures: :func:`load_prometheus`."""

from __future__ import annotations

from typing import Any

from tcpcomm._lazy import check_package
from tcpcomm.errors import ConfigurationError


def load_prometheus() -> Any:
    """
    Return the package prometheus_client.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        check_package("prometheus_client")
        import prometheus_client  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ConfigurationError(
            f'figures for Prometheus need: pip install "tcpcomm[metrics]" ({error})'
        ) from None
    return prometheus_client
