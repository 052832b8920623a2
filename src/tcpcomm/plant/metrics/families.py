"""The figures as Prometheus reads them: :class:`Families`, and the list of all of them, :data:`METRICS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from tcpcomm._version import __version__
from tcpcomm.plant.metrics.catalogue import METRICS, STATES
from tcpcomm.plant.metrics.kinds import OTHER
from tcpcomm.plant.metrics.tallies import BUCKETS
from tcpcomm.runtime.bounded_logger import BoundedLogger

_KINDS: Final = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "info": InfoMetricFamily}
_UP: Final = ("ready", "suspect")


class Families(Collector):
    """
    Makes the families of metrics from plain counters, each time that Prometheus asks.

    Args:
        metrics: the counters, as :class:`~tcpcomm.plant.Metrics` has them.
    """

    log = BoundedLogger()

    def __init__(self, metrics: Any) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Any]:
        """Return the families without values, so that registering collects nothing."""
        return [_family(name) for name in METRICS]

    def collect(self) -> Iterator[Any]:
        found = {name: _family(name) for name in METRICS}
        found["tcpcomm_info"].add_metric([], {"version": __version__})
        found["tcpcomm_reactor_lag_seconds"].add_metric([], self._metrics.reactor_lag)
        for tally in self._metrics.links.values():
            _add_link(found, tally, with_bytes=self._metrics.counts_commands)
        self._add_states(found)
        self._add_polls(found["tcpcomm_gateway_polls_total"])
        for name, outbox in self._metrics.outboxes.items():
            try:
                figures = outbox.figures()
            except Exception:
                self.log.failure("the figures of the outbox {outbox} cannot be read", outbox=name)
                continue
            _add_outbox(found, name, figures)
        yield from found.values()

    def _add_polls(self, family: Any) -> None:
        """Add the polls of all gateways. Those of links beyond the limit are counted together."""
        counts: Counter[tuple[str, str, str]] = Counter()
        own: set[str] = set()
        for gateway in self._metrics.gateways:
            for link, poll, outcomes in gateway.poll_counts():
                if len(own) < self._metrics.most_links:
                    own.add(link)
                labels = (link, poll) if link in own else (OTHER, OTHER)
                for outcome, count in outcomes.items():
                    counts[*labels, outcome] += count
        for key, count in counts.items():
            family.add_metric([*key], count)

    def _add_states(self, found: dict[str, Any]) -> None:
        """Add the states of links. Two links with one label are up if both are."""
        states: dict[str, list[str]] = {}
        for label, state, _ in self._metrics.running_links():
            states.setdefault(label, []).append(state)
        for label, each in states.items():
            found["tcpcomm_link_up"].add_metric([label], float(all(state in _UP for state in each)))
            for state in STATES:
                found["tcpcomm_link_state"].add_metric([label, state], each.count(state))


def _family(name: str) -> Any:
    kind, text, labels = METRICS[name]
    if kind == "histogram":
        return HistogramMetricFamily(name, text, labels=labels)
    return _KINDS[kind](name.removesuffix("_total").removesuffix("_info"), text, labels=labels)


def _add_link(found: dict[str, Any], tally: Any, *, with_bytes: bool) -> None:
    label = tally.label
    if tally.is_server:
        found["tcpcomm_sessions"].add_metric([label], len(tally.sessions))
    frames, sizes = tally.totals()
    for direction in frames:
        found["tcpcomm_frames_total"].add_metric([label, direction], frames[direction])
        if with_bytes:
            found["tcpcomm_bytes_total"].add_metric([label, direction], sizes[direction])
    for command, durations in tally.requests.items():
        counts = [*accumulate(durations.counts)]
        ends = [*(str(end) for end in BUCKETS), "+Inf"]
        buckets = [*zip(ends, counts, strict=True)]
        found["tcpcomm_request_seconds"].add_metric([label, command], buckets, durations.total)
    for (command, kind), count in tally.failed.items():
        found["tcpcomm_requests_failed_total"].add_metric([label, command, kind], count)
    by_kind: dict[str, Counter[str]] = {
        "tcpcomm_reconnects_total": tally.reconnects,
        "tcpcomm_connect_failures_total": tally.attempts_failed,
        "tcpcomm_framing_faults_total": tally.framing_faults,
    }
    for name, counter in by_kind.items():
        for kind, count in counter.items():
            found[name].add_metric([label, kind], count)


def _add_outbox(found: dict[str, Any], outbox: str, figures: Any) -> None:
    found["tcpcomm_outbox_posted_total"].add_metric([outbox], figures.posted)
    found["tcpcomm_outbox_not_taken_total"].add_metric([outbox], figures.not_taken)
    found["tcpcomm_outbox_bytes"].add_metric([outbox], figures.bytes)
    found["tcpcomm_outbox_up"].add_metric([outbox], float(not figures.problem))
    for sink, each in figures.sinks.items():
        labels = [outbox, sink]
        found["tcpcomm_outbox_depth"].add_metric(labels, each.depth)
        found["tcpcomm_outbox_age_seconds"].add_metric(labels, each.oldest_age)
        found["tcpcomm_outbox_delivered_total"].add_metric(labels, each.delivered)
        found["tcpcomm_outbox_refused_total"].add_metric(labels, each.refused)
        found["tcpcomm_outbox_expired_total"].add_metric(labels, each.expired)
        found["tcpcomm_outbox_set_aside"].add_metric(labels, each.set_aside)
        found["tcpcomm_outbox_sink_up"].add_metric(labels, float(each.state == "delivering"))
