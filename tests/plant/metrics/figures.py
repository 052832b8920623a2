"""The figures that Prometheus would read."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tcpcomm.plant import Metrics

__all__ = ["figures_of", "openmetrics", "value"]


def figures_of(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return each value by its metric and its label values, in the order of the labels' names."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, *key: Any) -> float:
    """Return one value, or 0.0 if it is not there."""
    return figures_of(metrics).get(key, 0.0)
