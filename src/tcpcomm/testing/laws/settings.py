"""The runs of the checks that users call as functions."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tcpcomm.testing.laws.examples import Draw


def try_examples(check: Callable[[Draw], None], max_examples: int | None, *, shrink: bool = True) -> None:
    """Call a check with drawn examples. None: as many as the active Hypothesis profile says."""
    __tracebackhide__ = True

    @settings(
        max_examples=max_examples or settings().max_examples,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        check(data.draw)

    hold()
