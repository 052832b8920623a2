"""A declaration is checked when the class is made, and every mistake names its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm import ConfigurationError, Equipment, Login, command, declaration_of, event, in_thread
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.framing import Delimited, LengthPrefixed, Lines
from tests.equipment.declared import MyCamera, Position, VisionCamera


def test_a_declaration_knows_its_commands_and_events() -> None:
    declaration = declaration_of(VisionCamera)
    assert ["locate", "light", "reset"] == list(declaration.commands)
    assert ["alarm"] == list(declaration.events)
    locate = declaration.commands["locate"]
    assert ("VisionCamera.locate", 2.0, False) == (locate.where, locate.timeout, locate.idempotent)
    assert "Take a picture and locate the part." == locate.doc


def test_the_parameters_and_the_result_are_those_of_the_method() -> None:
    form = declaration_of(VisionCamera).commands["locate"].spec
    assert [("job", int)] == [(each.name, each.type) for each in form.parameters]
    assert Position is form.result


def test_a_subclass_adds_to_what_its_base_declares() -> None:
    class Bigger(VisionCamera):
        @command("JUDGE,{job}", reply="{good}")
        def judge(self, job: int) -> bool:
            """Judge the part."""
            raise NotImplementedError

        @event("DUSTY")
        def dusty(self) -> None:
            """The lens is dirty."""

    declaration = declaration_of(Bigger)
    assert ["locate", "light", "reset", "judge"] == list(declaration.commands)
    assert ["alarm", "dusty"] == list(declaration.events)


def test_a_subclass_may_declare_a_command_anew() -> None:
    class Faster(VisionCamera):
        @command("T,{job}", reply="{x},{y},{angle}", timeout=0.5)
        async def locate(self, job: int) -> Position:
            raise NotImplementedError

    declaration = declaration_of(Faster)
    assert b"T,3" == declaration.dialect.request("locate", {"job": 3}, 0)
    assert 0.5 == declaration.commands["locate"].timeout


def test_an_implementation_declares_nothing_new() -> None:
    declaration = declaration_of(MyCamera)
    assert ["locate", "light", "reset"] == list(declaration.commands)
    assert ("MyCamera", []) == (declaration.name, declaration.unimplemented())


def test_commands_without_a_body_are_known() -> None:
    class Odd(Equipment):
        @command("A", reply="OK")
        def a(self) -> None:
            """It may have a reason."""
            raise NotImplementedError("not yet")

        @command("B", reply="OK")
        async def b(self) -> None:
            raise NotImplementedError

        @command("C", reply="OK")
        def c(self) -> None:
            """This command has a body."""

        @command("D,{job}", reply="OK")
        def d(self, job: int) -> None:
            if job > 7:
                raise NotImplementedError

    assert ["a", "b"] == declaration_of(Odd).unimplemented()


def test_arguments_are_bound_as_python_binds_them() -> None:
    class Axis(Equipment):
        @command("MV,{axis},{position}", reply="OK")
        def move(self, axis: int, position: float = 0.0) -> None:
            raise NotImplementedError

    bind = declaration_of(Axis).commands["move"].bind
    expected = {"axis": 1, "position": 2.0}
    assert expected == bind((1, 2.0), {}) == bind((1,), {"position": 2.0}) == bind((), dict(expected))
    assert {"axis": 1, "position": 0.0} == bind((1,), {})
    with pytest.raises(TypeError, match=r"Axis\.move: too many positional arguments"):
        bind((1, 2.0, 3), {})


def no_annotation() -> Any:
    class Camera(Equipment):
        @command("TRG,{job}", reply="OK")
        def locate(self, job) -> None:  # type: ignore[no-untyped-def]
            raise NotImplementedError

    return Camera


def no_result() -> Any:
    class Camera(Equipment):
        @command("TRG", reply="OK")
        def locate(self):  # type: ignore[no-untyped-def]
            raise NotImplementedError

    return Camera


def an_unknown_name() -> Any:
    class Camera(Equipment):
        @command("TRG,{job}", reply="OK")
        def locate(self, job: Jobb) -> None:  # type: ignore[name-defined]  # noqa: F821
            raise NotImplementedError

    return Camera


def many_arguments() -> Any:
    class Camera(Equipment):
        @command("TRG,{jobs}", reply="OK")
        def locate(self, *jobs: int) -> None:
            raise NotImplementedError

    return Camera


def no_time() -> Any:
    class Camera(Equipment):
        @command("TRG", reply="OK", timeout=0)
        def locate(self) -> None:
            raise NotImplementedError

    return Camera


def no_such_field() -> Any:
    class Camera(Equipment):
        @command("TRG,{jb}", reply="OK")
        def locate(self, job: int) -> None:
            raise NotImplementedError

    return Camera


def a_reserved_name() -> Any:
    class Camera(Equipment):
        @command("H", reply="OK")
        def heartbeat(self) -> None:  # type: ignore[override]
            raise NotImplementedError

    return Camera


def a_private_name() -> Any:
    class Camera(Equipment):
        @command("H", reply="OK")
        def _hidden(self) -> None:
            raise NotImplementedError

    return Camera


def an_event_that_returns() -> Any:
    class Camera(Equipment):
        @event("ALM,{code}")  # type: ignore[arg-type]
        def alarm(self, code: int) -> int:
            raise NotImplementedError

    return Camera


def other_parameters() -> Any:
    class Mine(VisionCamera):
        async def locate(self, number: int) -> Position:
            raise NotImplementedError

    return Mine


def a_hidden_command() -> Any:
    class Mine(VisionCamera):
        locate = 3  # type: ignore[assignment]

    return Mine


def a_hidden_event() -> Any:
    class Mine(VisionCamera):
        def alarm(self, code: int) -> None:  # type: ignore[override]
            pass

    return Mine


def a_coroutine_in_a_thread() -> Any:
    class Mine(VisionCamera):
        @in_thread
        async def locate(self, job: int) -> Position:  # type: ignore[override]
            raise NotImplementedError

    return Mine


def a_heartbeat_that_is_none() -> Any:
    class Camera(VisionCamera):
        heartbeat = "ping"

    return Camera


def a_heartbeat_with_parameters() -> Any:
    class Camera(VisionCamera):
        heartbeat = "locate"

    return Camera


def a_heartbeat_that_is_not_answered() -> Any:
    class Camera(VisionCamera):
        heartbeat = "reset"

    return Camera


def a_heartbeat_like_others() -> Any:
    class Camera(Equipment):
        heartbeat = "ping"
        heartbeat_while_busy = True

        @command("PING", reply="OK")
        def ping(self) -> None:
            raise NotImplementedError

        @command("TRG", reply="OK")
        def locate(self) -> None:
            raise NotImplementedError

    return Camera


def a_heartbeat_that_changes() -> Any:
    class Camera(Equipment):
        heartbeat = "ping"
        heartbeat_while_busy = True

        @command("PING", reply="PONG,{count}")
        def ping(self) -> int:
            raise NotImplementedError

    return Camera


def a_prompt_without_a_gap() -> Any:
    class Camera(VisionCamera):
        login = (Login("User:", "{user}", prompt=True),)

    return Camera


def a_prompt_that_is_no_frame() -> Any:
    class Camera(VisionCamera):
        framing = Delimited(b"\r\n")
        reply_framing = LengthPrefixed(4)
        gap = 0.05
        login = (Login("User:", "{user}", prompt=True),)

    return Camera


def no_pipeline() -> Any:
    class Camera(VisionCamera):
        pipeline = 0

    return Camera


def a_step_that_does_nothing() -> Any:
    return Login()


def a_prompt_without_text() -> Any:
    return Login(send="{user}", prompt=True)


def braces_that_make_no_sense() -> Any:
    return Login(send="{user")


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (no_annotation, "Camera.locate: job needs an annotation, such as int"),
    (no_result, "Camera.locate: the result needs an annotation, such as -> None"),
    (an_unknown_name, "Camera.locate: an annotation names 'Jobb', which is not known"),
    (many_arguments, "Camera.locate: *jobs: 'int' cannot be declared"),
    (no_time, "Camera.locate: timeout must be positive, not 0"),
    (no_such_field, "Camera.locate"),
    (a_reserved_name, "Camera.heartbeat: a command or event cannot have this name"),
    (a_private_name, "Camera._hidden: a command or event cannot have this name"),
    (an_event_that_returns, "Camera.alarm: an event returns nothing: annotate it with -> None"),
    (other_parameters, "Mine.locate must take (job), as declared, not (number)"),
    (a_hidden_command, "Mine.locate hides the command of that name"),
    (a_hidden_event, "Mine.alarm hides the event of that name"),
    (a_coroutine_in_a_thread, "Mine.locate: @in_thread is for a plain def, not async def"),
    (a_heartbeat_that_is_none, "Camera.heartbeat is 'ping', but no command has that name"),
    (a_heartbeat_with_parameters, "Camera.heartbeat is 'locate': a heartbeat must have no parameters"),
    (a_heartbeat_that_is_not_answered, "Camera.heartbeat is 'reset': a heartbeat must have no parameters"),
    (a_heartbeat_like_others, "it can be a reply to locate too"),
    (a_heartbeat_that_changes, "the reply to ping must be one frame that never changes"),
    (a_prompt_without_a_gap, "Camera.login has a prompt, which only silence can end: set gap"),
    (a_prompt_that_is_no_frame, "Camera.login: the prompt 'User:' is not a frame of LengthPrefixed("),
    (no_pipeline, "Camera.pipeline must be at least 1, not 0"),
    (a_step_that_does_nothing, "a step of a login must expect something, or send something"),
    (a_prompt_without_text, "a prompt must have a text to expect"),
    (braces_that_make_no_sense, "'{user': braces must hold the name of a credential, as in {user}"),
]


@pytest.mark.parametrize(("declare", "told"), MISTAKES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_mistake_is_refused_with_its_place(declare: Callable[[], Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declare()
    assert told in str(caught.value)


def test_a_class_that_declares_nothing_is_not_equipment() -> None:
    class Empty(Equipment):
        pass

    for kind, told in ((Empty, "Empty declares no command and no event"), (Equipment, "not a subclass")):
        with pytest.raises(ConfigurationError, match=told):
            declaration_of(kind)


def test_the_default_framing_is_lines_and_the_default_codec_is_template() -> None:
    assert (Lines(), Template()) == (Equipment.framing, Equipment.codec)


@pytest.mark.parametrize(
    ("codec", "own", "expected"), [(Template(), None, 1), (Template(), 4, 4), (JsonRpc(), None, 64)]
)
def test_without_ids_the_pipeline_is_one_unless_declared(
    codec: Any, own: int | None, expected: int
) -> None:
    ping = _ping("PING") if isinstance(codec, JsonRpc) else _ping("PING", reply="PONG")
    kind = type(
        "Camera",
        (Equipment,),
        {"framing": Delimited(b"\n"), "codec": codec, "pipeline": own, "ping": ping},
    )
    assert expected == declaration_of(kind).pipeline


def _ping(word: str, **reply: Any) -> Any:
    def ping(self: Any) -> None:
        raise NotImplementedError

    return command(word, **reply)(ping)
