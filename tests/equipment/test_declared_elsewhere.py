"""A declaration can be implemented in another place than its own."""

from __future__ import annotations

from attrs import frozen

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import Template


def declared_in_a_function() -> type[Equipment]:
    @frozen
    class Position:
        x: float

    class Axis(Equipment):
        codec = Template(fault="NG,{code:d}")

        @command("POS", reply="POS,{x}")
        async def position(self) -> Position:
            raise NotImplementedError

        @event("AT,{x}")
        def arrived(self, x: float) -> None: ...

    return Axis


def test_a_declaration_of_one_function_can_be_implemented_in_another() -> None:
    axis = declared_in_a_function()

    class MyAxis(axis):  # type: ignore[misc, valid-type]
        async def position(self):  # type: ignore[no-untyped-def]
            return None

    declared, implemented = declaration_of(axis), declaration_of(MyAxis)
    assert declared.commands["position"].spec is implemented.commands["position"].spec
    assert declared.events["arrived"].spec is implemented.events["arrived"].spec


def test_a_command_that_is_declared_anew_has_its_new_words() -> None:
    axis = declared_in_a_function()

    class Newer(axis):  # type: ignore[misc, valid-type]
        @command("WHERE", reply="{x}")
        async def position(self) -> float:
            raise NotImplementedError

    class Newest(Newer):
        async def position(self) -> float:
            return 1.0

    assert "WHERE" == declaration_of(Newest).dialect.notation("position").request
