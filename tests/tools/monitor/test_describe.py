"""The forms of a page fit the declaration."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import JsonRpc, Range, Template, Unit
from tcpcomm.framing import Delimited, FixedSize
from tcpcomm.tools.monitor.actions import read_texts
from tcpcomm.tools.monitor.describe import describe


class Mode(Enum):
    AUTO = "A"
    MANUAL = "M"


@frozen
class Pose:
    x: Annotated[float, Unit("mm")]
    seen: bool


class Arm(Equipment):
    """An arm."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    def move(  # noqa: PLR0917
        self,
        x: Annotated[float, Unit("mm"), Range(-50, 50)],
        steps: int = 3,
        mode: Mode = Mode.AUTO,
        side: Literal["left", "right"] = "left",
        fast: bool = False,
        note: str | None = None,
        path: list[int] = [],  # noqa: B006
    ) -> Pose:
        """Move it."""
        raise NotImplementedError

    @event()
    def stopped(self, code: int) -> None:
        """It stands."""


def test_each_parameter_has_its_input() -> None:
    facts = describe(declaration_of(Arm))
    (move,) = facts["commands"]
    inputs = {each["name"]: each["input"] for each in move["parameters"]}
    assert {
        "x": "float",
        "steps": "int",
        "mode": "choice",
        "side": "choice",
        "fast": "bool",
        "note": "text",
        "path": "json",
    } == inputs
    parameters: dict[str, Any] = {each["name"]: each for each in move["parameters"]}
    assert ("mm", -50, 50) == tuple(parameters["x"][name] for name in ("unit", "low", "high"))
    assert ["AUTO", "MANUAL"] == parameters["mode"]["choices"]
    assert ["left", "right"] == parameters["side"]["choices"]
    assert parameters["note"]["optional"]
    assert [{"name": "x", "type": "float (mm)", "unit": "mm"}, {"name": "seen", "type": "bool"}] == move[
        "result_fields"
    ]
    assert ["int"] == [each["input"] for each in facts["events"][0]["parameters"]]
    assert "utf-8" == facts["encoding_label"]


def test_the_texts_of_defaults_are_read_as_these_defaults() -> None:
    declaration = declaration_of(Arm)
    (move,) = describe(declaration)["commands"]
    texts = {each["name"]: each["text"] for each in move["parameters"] if "text" in each}
    spec = declaration.commands["move"].spec
    read = read_texts(spec.parameters, {"x": "1.5", **texts})
    assert {each.name: each.default for each in spec.parameters[1:]} == {
        name: value for name, value in read.items() if name != "x"
    }


class Fixed(Equipment):
    """Equipment whose faults do not fit its framing."""

    framing = FixedSize(4)
    codec = Template(fault="NG {code:d}")

    @command("GO00", reply="DONE")
    def go(self) -> None:
        """Go."""
        raise NotImplementedError


def test_a_fault_that_does_not_fit_the_framing_is_described_without_its_bytes() -> None:
    facts = describe(declaration_of(Fixed))
    (message,) = facts["faults"]["example"]["messages"]
    assert message["text"].startswith("NG ")


@pytest.mark.parametrize(
    ("encoding", "label"), [("cp949", "euc-kr"), ("latin-1", "windows-1252"), ("shift_jis", "shift_jis")]
)
def test_the_encoding_has_the_name_that_browsers_know(encoding: str, label: str) -> None:
    class Text(Equipment):
        """Text."""

        framing = Delimited(b"\n")
        codec = Template(encoding=encoding)

        @event("E")
        def happened(self) -> None:
            """It happened."""

    assert label == describe(declaration_of(Text))["encoding_label"]
