"""Random posts, faults, crashes and restarts: nothing acknowledged is lost, and the figures are right."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tcpcomm.plant import Outbox
from tcpcomm.plant.outbox.figures import DELIVERING
from tests.plant.outbox.rig import Mode, Rig

SINKS = ("a", "b")
ATTEMPTS = 3


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="tcpcomm-outbox-")
        self.rig = Rig(Path(self.folder.name), SINKS, attempts=ATTEMPTS)
        self.rig.start()
        self.count = 0
        self.stored: dict[str, tuple[bytes, str, tuple[str, ...]]] = {}
        self.can_expire: set[str] = set()

    def teardown(self) -> None:
        try:
            self.rig.plant.modes.clear()
            self.post("", SINKS, 1, is_poison=False, expires=False)  # a sink is well when it confirms
            self.rig.pass_time(150)
            self.everything_arrived()
            self.rig.stop()
        finally:
            self.folder.cleanup()

    @rule(
        source=st.sampled_from(["", "camera", "robot"]),
        to=st.sampled_from([("a",), ("b",), SINKS]),
        count=st.integers(1, 9),
        is_poison=st.booleans(),
        expires=st.booleans(),
    )
    def post(self, source: str, to: tuple[str, ...], count: int, is_poison: bool, expires: bool) -> None:
        for place in range(count):
            self.count += 1
            body = b"%d" % self.count
            if is_poison and place == count // 2:
                self.rig.plant.poison.add(body)

            def stored(id: str, body: bytes = body, outbox: Outbox = self.rig.outbox) -> None:
                if outbox is not self.rig.outbox:
                    return  # it crashed before, and nobody can have heard of it
                assert id not in self.stored, "an id was used twice"
                self.stored[id] = (body, source, to)
                if expires:
                    self.can_expire.add(id)

            options = {"expires_in": 7.0} if expires else {}
            self.rig.post(body, to, source=source, **options).addCallback(stored)

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 20.0]))
    def pass_time(self, seconds: float) -> None:
        self.rig.pass_time(seconds)

    @rule(sink=st.sampled_from(SINKS), mode=st.sampled_from(Mode))
    def change(self, sink: str, mode: Mode) -> None:
        self.rig.plant.modes[sink] = mode

    @rule(sink=st.sampled_from(SINKS))
    def heal(self, sink: str) -> None:
        self.rig.plant.modes[sink] = Mode.TAKES_TIME

    @rule()
    def cure(self) -> None:
        self.rig.plant.poison.clear()

    @rule()
    def crash(self) -> None:
        self.rig.crash()

    @rule()
    def restart(self) -> None:
        self.rig.restart()

    @invariant()
    def each_id_has_its_content(self) -> None:
        for got in self.rig.plant.got.values():
            for each in got:
                if each.id in self.stored:
                    assert (each.body, each.source) == self.stored[each.id][:2]

    @invariant()
    def sources_keep_their_order(self) -> None:
        refused = {id for _, id in self.rig.plant.refused}
        for got in self.rig.plant.got.values():
            last: dict[str, int] = {}
            seen: set[str] = set()
            for each in got:
                if each.id not in seen and each.id not in refused:
                    assert last.get(each.source, 0) < each.number, "out of order"
                    last[each.source] = each.number
                seen.add(each.id)

    def everything_arrived(self) -> None:
        figures = self.rig.outbox.figures()
        plant = self.rig.plant
        for sink, found in figures.sinks.items():
            assert (found.depth, found.oldest_age, found.state) == (0, 0.0, DELIVERING)
            got = {each.id for each in plant.got.get(sink, [])}
            missing = [id for id, (*_, to) in self.stored.items() if sink in to and id not in got]
            aside = [id for id in missing if plant.refused[sink, id] >= ATTEMPTS]
            expired = {*missing} - {*aside}
            assert expired <= self.can_expire, f"lost: {expired - self.can_expire}"
            assert found.set_aside >= len(aside)
        posted = figures.posted
        assert posted >= len(self.stored)


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
