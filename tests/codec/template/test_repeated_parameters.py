"""Replies that repeat parameters of their command: they are filled in, and compared."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from tcpcomm.codec import Acknowledged, CountedLines, Field, MessageSpec, OneOf, Template, Until
from tcpcomm.codec.base import MORE, Dialect, ReplyReader, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen
class State:
    status: str
    warning: str


def bound(
    wire: str, reply: Any, result: Any, *, codec: Template | None = None, **types: Any
) -> tuple[Dialect, MessageSpec]:
    """Return a dialect with one command, and the command."""
    parameters = tuple(Field(name, kind) for name, kind in types.items())
    spec = MessageSpec("do", "Device.do", wire, reply, parameters, result)
    return (codec or Template()).bind([spec]), spec


def asked(dialect: Dialect, **values: Any) -> ReplyReader:
    """Return the reader of the reply to a command with these values."""
    reader = dialect.reader_for("do", values)
    assert reader is not None
    return reader


def test_a_reply_repeats_its_parameters() -> None:
    reply = "@{device:02d} {axis:d} OK {status} {warning:<2}"
    dialect, _ = bound("/{device} {axis} home", reply, State, device=int, axis=int)
    assert dialect.reads_by_request
    request = Request("do", {"device": 1, "axis": 2})
    assert [b"@01 2 OK IDLE --"] == dialect.replier("do")(request, State("IDLE", "--"))
    assert State("IDLE", "--") == asked(dialect, device=1, axis=2).take("@01 2 OK IDLE --")


def test_a_reply_that_repeats_another_value_belongs_to_another_command() -> None:
    dialect, _ = bound("GET {n}", "{n}={x:.1f}", float, n=int)
    assert 2.5 == asked(dialect, n=3).take("3=2.5")
    with pytest.raises(CodecError, match="n: is 4, so this is not the reply to 3"):
        asked(dialect, n=3).take("4=2.5")
    with pytest.raises(Fault):
        asked(dialect, n=3).take("NG,E1,")


def test_what_is_repeated_is_rounded_as_it_is_written() -> None:
    dialect, _ = bound("MOVE {x}", "AT {x:.1f}", None, x=float)
    assert asked(dialect, x=1.26).take("AT 1.3") is None
    with pytest.raises(CodecError, match=r"x: is 1\.2"):
        asked(dialect, x=1.26).take("AT 1.2")


def test_a_field_that_the_result_needs_is_the_result() -> None:
    dialect, _ = bound("SET {x}", "OK {x}", float, x=float)
    assert not dialect.reads_by_request
    assert 7.0 == asked(dialect, x=3.0).take("OK 7")
    dialect, _ = bound("SET {status}", "OK {status} {warning:<2}", State, status=str)
    assert not dialect.reads_by_request


def test_every_form_may_repeat_parameters() -> None:
    dialect, _ = bound("GET {n}", OneOf("{n}={x:.1f}", "{n} EMPTY"), float | None, n=int)
    assert 2.5 == asked(dialect, n=3).take("3=2.5")
    assert asked(dialect, n=3).take("3 EMPTY") is None
    with pytest.raises(CodecError):
        asked(dialect, n=3).take("4 EMPTY")
    assert [b"3 EMPTY"] == dialect.reply(Request("do", {"n": 3}), None)

    dialect, _ = bound("LIST {n}", ("LIST {n}", Until("END {n}", "- {line}")), list[str], n=int)
    request = Request("do", {"n": 3})
    assert [b"LIST 3", b"- a", b"END 3"] == dialect.reply(request, ["a"])
    reader = asked(dialect, n=3)
    assert [MORE, MORE, ["a"]] == [reader.take(text) for text in ("LIST 3", "- a", "END 3")]

    dialect, _ = bound("LIST {n}", CountedLines("{n}:{#}", "{line}"), list[str], n=int)
    assert [b"3:1", b"a"] == dialect.reply(request, ["a"])


def test_an_acknowledgement_may_repeat_parameters() -> None:
    dialect, _ = bound("RUN {n}", Acknowledged("RUN {n} TAKEN", "DONE {x:d}"), int, n=int)
    assert b"RUN 3 TAKEN" == dialect.acknowledgement(Request("do", {"n": 3}))
    assert dialect.acknowledgement(Request("do", {})) is not None
    reader = asked(dialect, n=3)
    assert [MORE, 7] == [reader.take("RUN 3 TAKEN"), reader.take("DONE 7")]
    with pytest.raises(CodecError, match="n: is 4, so this does not acknowledge 3"):
        asked(dialect, n=3).take("RUN 4 TAKEN")


def test_a_simulation_does_not_need_the_parameters() -> None:
    dialect, _ = bound("GET {n:03d}", "{n:03d}={x:.1f}", float, n=int)
    (frame,) = dialect.reply(Request("do", {}), 2.5)
    assert frame.endswith(b"=2.5")


@pytest.mark.parametrize(
    ("reply", "result", "message"),
    [
        ("{n}={m}", float, "for float there must be exactly one field, and the template has 2: n, m"),
        ("{n}={x}{y}", float, "there must be exactly one field"),
        ("OK {x}", None, "the reply has the field {x}, but the command returns None"),
        ("{n}{x:d}", int, "is ambiguous"),
    ],
)
def test_what_cannot_be_told_is_refused(reply: str, result: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound("GET {n},{m}", reply, result, n=int, m=int)
    assert message in str(caught.value)
