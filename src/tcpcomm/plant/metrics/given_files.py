"""The files for Grafana and Prometheus that tcpcomm brings: :func:`given_file`."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

GIVEN_FILES: Final = {
    "dashboard": (
        "dashboard.json",
        "a dashboard for Grafana",
        "import it in Grafana: Dashboards, New, Import",
    ),
    "alerts": ("alerts.yml", "alert rules for Prometheus", "name it under rule_files in prometheus.yml"),
}
"""The file, its purpose and the next step, by the word of the command line."""


def given_file(word: str) -> str:
    """Return the text of a file, by its word in :data:`GIVEN_FILES`."""
    name, _, _ = GIVEN_FILES[word]
    return (files("tcpcomm.plant.metrics") / "files" / name).read_text(encoding="utf-8")
