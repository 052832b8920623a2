"""Typical mistakes in a declaration are refused when the class is made, with the correction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tcpcomm import ConfigurationError, Equipment, Limits, Login, command, declaration_of, event, in_thread
from tcpcomm.codec import Json, JsonRpc, Template, Text
from tcpcomm.framing import Delimited, Enclosed, FixedSize


def made(**attributes: Any) -> type[Equipment]:
    """Make a class A with these attributes."""

    class A(Equipment):
        locals().update(attributes)

        @command("PING", reply="PONG")
        def ping(self) -> None:
            """Show that it is alive."""

    return A


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return str(caught.value)


FRAMING = r"A.framing must be a framing such as Delimited(b'\r\n'), not "


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("framing", "\r\n", FRAMING + r"'\r\n'; a text is read by parse_framing"),
        ("framing", r"delimited:\r", FRAMING + r"'delimited:\\r'; a text is read by parse_framing"),
        ("framing", b"\r\n", FRAMING + r"b'\r\n': write Delimited(b'\r\n')"),
        ("framing", Delimited, FRAMING + "the class Delimited: write Delimited(...)"),
        ("framing", None, FRAMING + "None"),
        ("framing", Template, FRAMING + "the class Template"),
        ("reply_framing", b"\r", r"a framing such as Delimited(b'\r\n'), or None, not b'\r': write Deli"),
        ("gap", "0.1", "A.gap must be a number of seconds above 0, or None, not '0.1': write 0.1"),
        ("gap", "soon", "A.gap must be a number of seconds above 0, or None, not 'soon'"),
        ("gap", 0, "A.gap must be a number of seconds above 0, or None, not 0"),
        ("gap", True, "A.gap must be a number of seconds above 0, or None, not True"),
        ("codec", Template, "A.codec must be a codec such as Template(), not the class Template: write "),
        ("codec", "ascii", "A.codec must be a codec such as Template(), not 'ascii'"),
        ("pipeline", "4", "A.pipeline must be a whole number, or None, not '4': write 4"),
        ("pipeline", 1.5, "A.pipeline must be a whole number, or None, not 1.5"),
        ("heartbeat", 3, "A.heartbeat must be the name of a command, a text, or None, not 3"),
        ("heartbeat_while_busy", 1, "A.heartbeat_while_busy must be True or False, not 1"),
        ("greeting", b"Welcome", "A.greeting must be a text, or None, not b'Welcome': write 'Welcome'"),
        ("login", ("User:", "{user}"), "write (Login('User:', '{user}'),)"),
        ("login", [("User:", "{user}")], "write Login('User:', '{user}')"),
        ("login", (Login("User:", "{user}"), 3), "3 is not a Login"),
        ("login", Login("User:", "{user}"), "write (Login(...),), with a comma"),
        ("login", None, "A.login must be a tuple of Login(expect, send), not None"),
        ("limits", 10, "A.limits must be Limits(...), not 10"),
        ("limits", Limits, "A.limits must be Limits(...), not the class Limits: write Limits(...)"),
    ],
)
def test_an_attribute_of_the_wrong_kind_is_refused(name: str, value: Any, told: str) -> None:
    problem = refusal(lambda: made(**{name: value}))
    assert problem.startswith(f"A.{name} must be ")
    assert told in problem


def test_a_command_is_named_by_a_text() -> None:
    def make() -> None:
        class A(Equipment):
            @command("PING", reply="PONG")
            def ping(self) -> None:
                """Show that it is alive."""

            heartbeat = ping  # type: ignore[assignment]

    assert "A.heartbeat is A.ping under another name: write its name as a text, 'ping'" == refusal(make)


@pytest.mark.parametrize("timeout", ["2", None, True])
def test_a_timeout_is_a_number(timeout: Any) -> None:
    def make() -> None:
        class A(Equipment):
            @command("PING", reply="PONG", timeout=timeout)
            def ping(self) -> None:
                """Show that it is alive."""

    assert f"A.ping: timeout must be a number of seconds, not {timeout!r}" == refusal(make)


def test_idempotent_is_a_truth_value() -> None:
    wrong: Any = "yes"

    def make() -> None:
        class A(Equipment):
            @command("PING", reply="PONG", idempotent=wrong)
            def ping(self) -> None:
                """Show that it is alive."""

    assert "A.ping: idempotent must be True or False, not 'yes'" == refusal(make)


def test_texts_of_a_login_and_numbers_of_limits_are_of_their_type() -> None:
    wrong: Any = b"User:"
    assert "expect of a login must be a text, or None, not b'User:'" == refusal(lambda: Login(wrong))
    assert "send of a login must be a text, or None, not b'User:'" == refusal(lambda: Login(send=wrong))
    assert "idle must be a number, not b'User:'" == refusal(lambda: Limits(idle=wrong))


def test_a_decorator_without_parentheses_is_refused() -> None:
    bare_command: Any = command
    bare_event: Any = event

    def a_command() -> None:
        class A(Equipment):
            @bare_command  # type: ignore[untyped-decorator]
            def ping(self) -> None:
                """Show that it is alive."""

    def an_event() -> None:
        class A(Equipment):
            @bare_event  # type: ignore[untyped-decorator]
            def alarm(self, code: int) -> None:
                """Something is wrong."""

    def below_another() -> None:
        class A(Equipment):
            @bare_command  # type: ignore[untyped-decorator]
            @staticmethod
            def ping() -> None:
                """Show that it is alive."""

    assert "A.ping: write @command(...), with parentheses" == refusal(a_command)
    assert "A.alarm: write @event(...), with parentheses" == refusal(an_event)
    assert "A.ping: write @command(...), with parentheses" == refusal(below_another)


@pytest.mark.parametrize("wrapper", [staticmethod, classmethod, property])
def test_a_command_is_a_plain_method(wrapper: Any) -> None:
    def above() -> None:
        class A(Equipment):
            @wrapper  # type: ignore[untyped-decorator]
            @command("PING", reply="PONG")
            def ping(self) -> None:
                """Show that it is alive."""

    def below() -> None:
        class A(Equipment):
            @command("PING", reply="PONG")
            @wrapper  # type: ignore[untyped-decorator]
            def ping(self) -> None:
                """Show that it is alive."""

    for make in (above, below):
        assert f"remove @{wrapper.__name__}" in refusal(make)


def test_two_of_one_name_in_a_class_are_refused() -> None:
    def two_commands() -> None:
        class A(Equipment):
            @command("A", reply="OK")
            def move(self) -> None:
                """Move here."""

            @command("B", reply="OK")  # type: ignore[no-redef]
            def move(self) -> None:  # noqa: F811
                """Move there."""

    def an_event_and_a_command() -> None:
        class A(Equipment):
            @event("A")
            def move(self) -> None:
                """It moved."""

            @command("B", reply="OK")  # type: ignore[no-redef]
            def move(self) -> None:  # noqa: F811
                """Move there."""

    def a_body_below() -> None:
        class A(Equipment):
            @command("A", reply="OK")
            def move(self) -> None:
                raise NotImplementedError

            def move(self) -> None:  # type: ignore[no-redef]  # noqa: F811
                """Move here."""

    for make in (two_commands, an_event_and_a_command, a_body_below):
        assert refusal(make).startswith(
            "A.move is declared, and then something else in the class has the same name"
        )


def test_a_declaration_that_another_decorator_hides_is_refused() -> None:
    def plain(method: Any) -> Any:
        def around(self: Any) -> Any:
            return method(self)

        return around

    def make() -> None:
        class A(Equipment):
            @plain
            @command("A", reply="OK")
            def move(self) -> None:
                """Move here."""

    assert "put no other decorator above @command or @event" in refusal(make)


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("hearbeat", "ping", "heartbeat"),
        ("replyframing", Delimited(b"\r"), "reply_framing"),
        ("Framing", b"\r", "framing"),
        ("codecs", Template(), "codec"),
        ("limit", Limits(), "limits"),
        ("greetings", "Welcome", "greeting"),
        ("logins", (Login("User:", "{user}"),), "login"),
    ],
)
def test_a_misspelled_attribute_is_refused(name: str, value: Any, meant: str) -> None:
    assert f"A.{name}: did you mean {meant}?" == refusal(lambda: made(**{name: value}))


def test_a_second_codec_is_not_a_misspelling_of_the_first() -> None:
    made(codec=Template(), codecs=Template(encoding="ascii"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", 10.0),
        ("heartbeats", 0),
        ("logins", ()),
        ("frames", ["a"]),
        ("greetings", None),
        ("_heartbeat", "ping"),
        ("pipelines", "north"),
        ("gaps", lambda: 0.5),
        ("codes", {1: "dark"}),
        ("gain", 2.0),
    ],
)
def test_other_attributes_of_a_class_are_accepted(name: str, value: Any) -> None:
    assert ["ping"] == [*declaration_of(made(**{name: value})).commands]


CRLF = Delimited(b"\r\n")


@pytest.mark.parametrize(
    ("attributes", "wire", "reply", "told"),
    [
        ({"framing": CRLF}, "A\r\n", "OK", r"A.a: leave '\r\n' out of 'A\r\n': the framing adds it"),
        ({"framing": CRLF}, "A", "OK\r\n", r"A.a: leave '\r\n' out of 'OK\r\n'"),
        ({}, "A\n", "OK", r"A.a: leave '\n' out of 'A\n': the framing adds it"),
        ({"framing": Delimited(b";")}, "A;", "OK", "A.a: leave ';' out of 'A;'"),
        (
            {"framing": Enclosed()},
            "\x02A\x03",
            "OK",
            r"A.a: leave '\x02' and '\x03' out of '\x02A\x03': the framing adds it",
        ),
        (
            {"framing": Delimited(b"\n"), "reply_framing": CRLF},
            "A",
            "OK\r\n",
            r"A.a: leave '\r\n' out of 'OK\r\n'",
        ),
        ({"framing": Delimited(b".")}, "A.B", "OK", "'A.B' holds b'A.B', which the framing cannot carry: "),
        ({"framing": Delimited(b",")}, "A", "OK", "A.codec: 'NG,{code},{reason}' holds b'NG,', which"),
        (
            {"framing": CRLF, "codec": Template(fault="NG,{code}\r\n")},
            "A",
            "OK",
            r"A.codec: leave '\r\n' out of 'NG,{code}\r\n'",
        ),
        ({"greeting": "Welcome\r\n"}, "A", "OK", r"A.greeting: leave '\r\n' out of 'Welcome\r\n'"),
        ({"login": (Login("User:", "{user}\r"),)}, "A", "OK", r"A.login: leave '\r' out of '{user}\r'"),
        ({"codec": Text(done="OK\n")}, "A", "OK\n", r"A.a: leave '\n' out of 'OK\n'"),
    ],
)
def test_a_text_that_the_framing_cannot_carry_is_refused(
    attributes: dict[str, Any], wire: str, reply: str, told: str
) -> None:
    def make() -> None:
        class A(Equipment):
            locals().update(attributes)

            @command(wire, reply=reply)
            def a(self) -> None:
                """Do it."""

    assert told in refusal(make)


def test_a_text_is_not_refused_because_of_its_length() -> None:
    class A(Equipment):
        framing = FixedSize(8)

        @command("SET {name:<4}", reply="DONE{name:<4}")
        def name_it(self, name: str) -> str:
            """Give it a name."""
            return name

    assert ["name_it"] == [*declaration_of(A).commands]


def test_a_line_before_a_prompt_is_a_step_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match=r"the prompt 'Hello\\r\\nUser: ' is not a frame of Lines"):
        made(gap=0.1, login=(Login("Hello\r\nUser: ", "{user}", prompt=True),))
    assert declaration_of(made(gap=0.1, login=(Login("Hello"), Login("User: ", "{user}", prompt=True))))


def test_a_prompt_that_the_framing_ends_needs_no_gap() -> None:
    steps = (Login("Hello"), Login("User: ", "{user}", prompt=True))
    with pytest.raises(ConfigurationError, match="set gap"):
        made(login=steps)
    assert declaration_of(made(framing=Enclosed(b"H", b"\r", alone=(b"User: ",)), login=steps[1:]))


def test_a_body_that_cannot_be_run_is_refused_in_the_declaration_too() -> None:
    def in_a_thread() -> None:
        class A(Equipment):
            @in_thread
            @command("A", reply="OK")
            async def a(self) -> None:
                """Do it."""

    def a_generator() -> None:
        class A(Equipment):
            @command("A", reply="{n}")
            def a(self) -> Iterator[int]:
                yield 1

    assert "A.a: @in_thread is for a plain def, not async def" == refusal(in_a_thread)
    assert "A.a: a command returns its result: write return, not yield" == refusal(a_generator)


def test_a_body_in_a_subclass_that_is_a_generator_is_refused() -> None:
    base = made()

    def make() -> None:
        class B(base):  # type: ignore[misc,valid-type]
            def ping(self) -> Any:
                yield 1

    assert "B.ping: a command returns its result: write return, not yield" == refusal(make)


def test_a_json_command_is_a_word() -> None:
    def make(wire: Any, reply: Any, codec: Any) -> None:
        class A(Equipment):
            locals().update(codec=codec)

            @command(wire, **reply)
            def a(self, job: int) -> int:
                """Do it."""
                return job

    word = "A.a: a JSON command is a word; its parameters are keys: write 'LOC', not 'LOC,{job}'"
    assert word == refusal(lambda: make("LOC,{job}", {}, Json()))
    assert word == refusal(lambda: make("LOC,{job}", {"reply": "OK,{x}"}, JsonRpc()))
    key = "A.a: reply is the key of its result, not a template: 'OK,{x}'"
    assert key == refusal(lambda: make("LOC", {"reply": "OK,{x}"}, Json()))
