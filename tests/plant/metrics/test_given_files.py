"""The dashboard and the alert rules name only figures that exist, and Grafana and Prometheus take them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tcpcomm.plant import Metrics
from tcpcomm.plant.metrics.catalogue import METRICS
from tcpcomm.plant.metrics.given_files import GIVEN_FILES, given_file
from tests.conftest import ROOT, needs_program
from tests.plant.metrics.figures import figures_of
from tests.plant.metrics.test_web_service import FakeOutbox, ask, service_at

SIZE: Final = 24
"""The columns of a dashboard."""

PROCESS: Final = ("process_cpu_seconds_total", "process_resident_memory_bytes")
"""Figures of prometheus_client itself."""

_METRIC = re.compile(r"\b((?:tcpcomm|process)_[a-z_]+)")
_VARIABLES: Final = {"$__rate_interval": "5m", '"$job"': '".*"', '"$link"': '".*"'}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(given_file("dashboard"))
    return found


def panels() -> list[dict[str, Any]]:
    return [each for each in dashboard()["panels"] if each["type"] != "row"]


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


def rules() -> list[str]:
    return re.findall(r"expr: (?:\|\n)?((?:.|\n)*?)\n\s+(?:for|labels):", given_file("alerts"))


def names() -> set[str]:
    """The names of all figures, with the ends that Prometheus gives to histograms."""
    found = {*METRICS, *PROCESS}
    for name, (kind, *_) in METRICS.items():
        if kind == "histogram":
            found |= {f"{name}{end}" for end in ("_bucket", "_count", "_sum")}
    return found


def test_every_expression_names_figures_that_exist() -> None:
    used = [*expressions(), *rules()]
    assert len(rules()) == given_file("alerts").count("- alert:") > 5

    for each in used:
        found = _METRIC.findall(each)
        assert found, each
        assert {*found} <= names(), each


def test_the_dashboard_shows_every_figure() -> None:
    shown = {name for each in expressions() for name in _METRIC.findall(each)}
    plain = {re.sub("_(bucket|count|sum)$", "", name) for name in shown}

    assert {"tcpcomm_info", "tcpcomm_link_state", "tcpcomm_outbox_up"} == {*METRICS} - plain


def test_every_label_of_an_expression_exists() -> None:
    for each in [*expressions(), *rules()]:
        for selector in re.finditer(r"((?:tcpcomm|process)_[a-z_]+)\{([^{}]*)\}", each):
            name = re.sub("_(bucket|count|sum)$", "", selector[1])
            allowed = {"job", *METRICS.get(selector[1], METRICS.get(name, ("", "", ())))[2]}
            used = {part.split("=")[0].rstrip("!~") for part in selector[2].split(",")}
            assert used <= allowed, each


def test_the_dashboard_has_the_form_that_grafana_reads() -> None:
    whole = dashboard()

    assert isinstance(whole["schemaVersion"], int)
    assert whole["schemaVersion"] >= 36
    assert isinstance(whole["title"], str)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", whole["uid"])
    ids = [each["id"] for each in whole["panels"]]
    assert len(ids) == len({*ids})
    variables = {each["name"]: each for each in whole["templating"]["list"]}
    assert ("datasource", "prometheus") == (
        variables["datasource"]["type"],
        variables["datasource"]["query"],
    )
    for name, each in variables.items():
        if name != "datasource":
            assert ("query", "${datasource}") == (each["type"], each["datasource"]["uid"])
            assert each["definition"] == each["query"]["query"]


def test_every_panel_is_complete() -> None:
    for panel in panels():
        assert panel["type"] in ("timeseries", "stat", "state-timeline")
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert {"type": "prometheus", "uid": "${datasource}"} == panel["datasource"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted({*letters})
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        assert "unit" in panel["fieldConfig"]["defaults"]
        assert [] == panel["fieldConfig"]["overrides"]


def test_no_panel_lies_over_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= SIZE
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        taken |= cells


def test_only_known_variables_are_used() -> None:
    known = {each["name"] for each in dashboard()["templating"]["list"]} | {"__rate_interval", "__all"}

    assert {*re.findall(r"\$\{?(\w+)", given_file("dashboard"))} <= known


def test_the_catalogue_has_every_figure_and_no_other() -> None:
    metrics = Metrics(process=False)
    metrics.add_outbox(FakeOutbox())
    shown = {key[0] for key in figures_of(metrics)}

    assert shown <= names()
    assert {name for name in METRICS if name.startswith("tcpcomm_outbox")} <= shown
    for name, (kind, text, labels) in METRICS.items():
        assert (kind == "counter") == name.endswith("_total")
        assert text.endswith(".")
        assert len(labels) <= 3


def test_the_guide_lists_every_figure() -> None:
    page = (ROOT / "docs/howto/watch-with-prometheus.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `tcpcomm_")]

    assert [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |"
        for name, (kind, text, labels) in METRICS.items()
    ] == rows


def promtool(*arguments: str, given: str = "") -> str:
    """Run promtool, and return what it says. Its package is prometheus."""
    program = needs_program("promtool", "apt install prometheus")
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_takes_the_alert_rules(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(given_file("alerts"), encoding="utf-8")

    assert f"SUCCESS: {len(rules())} rules found" in promtool("check", "rules", str(path))


_RULE_TESTS: Final = """
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{instance="a"}', values: '1x10 0x10'}
      - {series: 'tcpcomm_info{instance="a"}', values: '1x10 stale'}
      - {series: 'up{instance="b"}', values: '0x20'}
      - {series: 'tcpcomm_requests_failed_total{instance="a", command="never", kind="no_reply"}',
         values: '0+1x20'}
      - {series: 'tcpcomm_requests_failed_total{instance="a", command="rare", kind="lost"}',
         values: '0+1x20'}
      - {series: 'tcpcomm_request_seconds_count{instance="a", command="rare"}',
         values: '0+20x20'}
      - {series: 'tcpcomm_requests_failed_total{instance="a", command="no", kind="fault"}',
         values: '0+1x20'}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertname="TcpcommGone", alertstate="firing"})', eval_time: 9m}
      - expr: 'count by (instance) (ALERTS{alertname="TcpcommGone", alertstate="firing"})'
        eval_time: 14m
        exp_samples: [{labels: '{instance="a"}', value: 1}]
      - expr: 'count(ALERTS{alertname="TcpcommNone", alertstate="firing"})'
        eval_time: 18m
        exp_samples: [{labels: '{}', value: 1}]
      - expr: 'count by (command) (ALERTS{alertname="TcpcommCommandsFail", alertstate="firing"})'
        eval_time: 10m
        exp_samples: [{labels: '{command="never"}', value: 1}]
"""


def test_a_program_that_is_gone_and_a_command_without_answers_have_alerts(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(given_file("alerts"), encoding="utf-8")
    path = tmp_path / "test.yml"
    path.write_text(_RULE_TESTS, encoding="utf-8")

    assert "SUCCESS" in promtool("test", "rules", str(path))


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, each in enumerate(expressions()):
        for name, text in _VARIABLES.items():
            each = each.replace(name, text)  # noqa: PLW2901
        lines += [f"      - record: panel_{number}", f"        expr: {json.dumps(each)}"]
    path = tmp_path / "dashboard.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert "SUCCESS" in promtool("check", "rules", str(path))


def test_promtool_takes_the_figures() -> None:
    metrics = Metrics(process=False)
    metrics.add_outbox(FakeOutbox())
    tally = metrics.named("cam-1")
    tally.link_state(object(), "ready", "")
    service, _ = service_at(metrics=metrics)

    promtool("check", "metrics", given=ask(service, "/metrics").body.decode())


def test_the_words_of_the_command_line_name_the_files() -> None:
    assert ["dashboard", "alerts"] == [*GIVEN_FILES]
