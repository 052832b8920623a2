"""The Hypothesis settings of the checks that users call as functions."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings


def check_settings(max_examples: int | None, *, shrink: bool = True) -> settings:
    """Return settings for a check that raises its own report. None: the examples of the active profile."""
    return settings(
        max_examples=max_examples or settings().max_examples,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
