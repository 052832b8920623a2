"""Generated functions: the usual case, the fallback, and the source that tracebacks show."""

from __future__ import annotations

import traceback

import pytest

from tcpcomm.codec.codegen import FastPath


def refuse(value: object) -> str:
    raise ValueError(f"{value!r} is refused")


def test_a_generated_function_does_the_usual_case_and_its_fallback_every_other() -> None:
    function = FastPath("halve", "value", lambda value: f"fallback for {value!r}", "a number")
    halve = function.compile([f"if value != {function.constant(3)}:", "return value / 2"])
    assert 2.0 == halve(4)
    assert "fallback for 3" == halve(3)
    assert "fallback for 'x'" == halve("x")


def test_each_constant_has_a_name_of_its_own() -> None:
    function = FastPath("numbers", "", tuple, "")
    names = [function.constant(value) for value in (1, True, 1.0)]
    assert "(1, True, 1.0)" == repr(function.compile([f"return ({', '.join(names)})"])())


def test_a_traceback_shows_the_source_of_each_function_with_the_same_name() -> None:
    for condition in ("value is None", "value is True"):
        read = FastPath("read", "value", refuse, "TRG,{job}").compile([f"if {condition}:", "return ''"])
        with pytest.raises(ValueError, match="3 is refused") as caught:
            read(3)
        frame = traceback.extract_tb(caught.value.__traceback__)[1]
        assert ("return fallback(value)", "read") == (frame.line, frame.name)
        assert frame.filename.startswith("<read 'TRG,{job}'")
