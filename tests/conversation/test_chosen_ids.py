"""A program chooses the ids of its commands, beside commands without ids."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import CodecError, ConfigurationError, Equipment, NotSent, command
from tcpcomm.codec import Json
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench


def objects(key: str, id: str | None = None) -> Json:
    return Json(key, id=id, result="value", echo=True)


STEPS = objects("step", id="number")


class Robot(Equipment):
    """A robot with numbered steps, and questions that are answered meanwhile."""

    framing = Delimited(b"\n")
    codec = objects("ask")
    heartbeat = "count"
    heartbeat_while_busy = True

    @command({"step": "move"}, codec=STEPS)
    async def move(self, number: int, x: float) -> float:
        """Move, and return the place."""
        raise NotImplementedError

    @command()
    async def count(self) -> int:
        """Return how many steps were begun."""
        raise NotImplementedError


class MyRobot(Robot):
    def __init__(self) -> None:
        self.begun: dict[int, Deferred[float]] = {}

    async def move(self, number: int, x: float) -> float:
        self.begun[number] = Deferred()
        return x + await self.begun[number]

    async def count(self) -> int:
        return len(self.begun)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def begun(asked: Any) -> list[Any]:
    outcome: list[Any] = []
    asked.addBoth(lambda result: outcome.append(getattr(result, "value", result)))
    return outcome


def test_the_declaration_is_sound() -> None:
    check_equipment(Robot, max_examples=3)


def test_replies_belong_to_the_ids_that_the_program_chose(bench: Bench) -> None:
    mine = MyRobot()
    bench.serve(mine)
    robot = bench.remote(Robot)
    first, second = begun(robot.move(7, 1.0)), begun(robot.move(3, 2.0))
    bench.until(lambda: len(mine.begun) == 2)
    mine.begun[3].callback(0.5)
    bench.until(lambda: bool(second))
    mine.begun[7].callback(0.25)
    bench.until(lambda: bool(first))
    assert ([1.25], [2.5]) == (first, second)


def test_commands_without_ids_are_answered_meanwhile(bench: Bench) -> None:
    mine = MyRobot()
    bench.serve(mine)
    robot = bench.remote(Robot)
    outcome = begun(robot.move(1, 1.0))
    assert [1, 1] == [bench.result(robot.count()), bench.result(robot.count())]
    assert [] == outcome


def test_a_heartbeat_without_an_id_is_answered_while_a_command_with_one_is_under_way(bench: Bench) -> None:
    mine = MyRobot()
    bench.serve(mine)
    robot = bench.remote(Robot, policy=PROFILES["lan"])
    outcome = begun(robot.move(1, 1.0))
    bench.network.advance(4.0)
    assert [] == outcome
    mine.begun[1].callback(0.0)
    bench.until(lambda: bool(outcome))
    assert [1.0] == outcome


def test_a_reply_without_an_id_belongs_to_the_command_whose_word_it_repeats(bench: Bench) -> None:
    class Slow(Robot):
        @command()
        async def stop(self) -> int:
            """Stop, which takes a while."""
            raise NotImplementedError

    class MySlow(MyRobot, Slow):
        def __init__(self) -> None:
            super().__init__()
            self.stopped: Deferred[int] = Deferred()

        async def stop(self) -> int:
            return await self.stopped

        async def count(self) -> int:
            return 3

    mine = MySlow()
    bench.serve(mine)
    robot = bench.remote(Slow)
    outcome = begun(robot.stop())
    assert [3, 3] == [bench.result(robot.count()), bench.result(robot.count())]
    assert [] == outcome
    mine.stopped.callback(5)
    bench.until(lambda: bool(outcome))
    assert [5] == outcome


def test_an_id_under_way_is_not_sent_again(bench: Bench) -> None:
    mine = MyRobot()
    bench.serve(mine)
    robot = bench.remote(Robot)
    begun(robot.move(1, 1.0))
    problem = bench.result(robot.move(1, 2.0))
    assert isinstance(problem, NotSent)
    assert "the id 1 is that of a command under way: give each command another id" in str(problem)
    assert isinstance(bench.result(robot.move("2", 2.0)), CodecError)  # type: ignore[arg-type]


def test_all_commands_with_ids_have_them_as_parameters_or_none_has() -> None:
    with pytest.raises(ConfigurationError, match="other commands have the id 'number' as a parameter"):

        class Odd(Robot):
            @command({"step": "stop"}, codec=STEPS)
            async def stop(self) -> None:
                """Stop."""
                raise NotImplementedError

    with pytest.raises(ConfigurationError, match="all that have ids must"):

        class Other(Robot):
            @command({"say": "stop"}, codec=objects("say", id="id"))
            async def stop(self) -> None:
                """Stop."""
                raise NotImplementedError
