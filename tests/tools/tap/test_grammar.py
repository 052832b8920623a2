"""Disturbances as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.disturbances import (
    DISTURBANCES,
    Close,
    Corrupt,
    Cut,
    Delay,
    Disturbance,
    Drop,
    Duplicate,
    Glue,
    HalfOpen,
    Late,
    OnFrames,
    Poison,
    Pull,
    Refuse,
    Reset,
    Truncate,
)
from tcpcomm.tools.tap.grammar import parse_disturbance
from tcpcomm.tools.tap.toxics import Slicer
from tcpcomm.tools.tap.which import Kind, Mode, Which

REPLY_3 = Which(mode=Mode.NUMBER, number=3, kind=Kind.REPLY)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("drop reply 3", Drop(which=REPLY_3)),
        ("Drop Reply 3rd", Drop(which=REPLY_3)),
        ("drop", Drop()),
        ("drop next", Drop()),
        ("drop next command", Drop(which=Which(kind=Kind.REQUEST))),
        ("drop replies", Drop(which=Which(mode=Mode.ALL, kind=Kind.REPLY))),
        ("drop every 10th reply", Drop(which=Which(mode=Mode.EVERY, number=10, kind=Kind.REPLY))),
        ("drop share 0.01 to-host", Drop(which=Which(mode=Mode.SHARE, number=0.01, to_host=True))),
        ("drop next of locate on 2", Drop(which=Which(name="locate", connection=2))),
        ("delay 0.2 to-host", Delay(seconds=0.2, which=Which(mode=Mode.ALL, to_host=True))),
        ("delay 0.2s jitter 0.05", Delay(seconds=0.2, jitter=0.05, which=Which(mode=Mode.ALL))),
        ("delay 2 reply", Delay(seconds=2, which=Which(kind=Kind.REPLY))),
        ("late reply 3", Late(which=REPLY_3)),
        ("late 5", Late(seconds=5)),
        ("duplicate", Duplicate()),
        ("duplicate 2 reply 3", Duplicate(copies=2, which=REPLY_3)),
        ("cut after 3 every 5", Cut(after=3, which=Which(mode=Mode.EVERY, number=5))),
        ("cut never", Cut(wait=None)),
        ("cut after 3 wait 1.5", Cut(after=3, wait=1.5)),
        ("truncate after 2", Truncate(after=2)),
        ("glue", Glue()),
        ("glue 3 requests", Glue(frames=3, which=Which(kind=Kind.REQUEST))),
        ("glue wait 5 next reply", Glue(wait=5, which=Which(kind=Kind.REPLY))),
        ("corrupt", Corrupt()),
        ("corrupt bit 8", Corrupt(bit=8)),
        ("corrupt byte 2 reply 3", Corrupt(byte=2, which=REPLY_3)),
        ("corrupt checksum", Corrupt(checksum=True)),
        ("pull", Pull()),
        ("pull for 5 to-host on 2", Pull(seconds=5, to_host=True, connection=2)),
        ("half-open", HalfOpen()),
        ("half_open to-host", HalfOpen(to_host=True)),
        ("reset", Reset()),
        ("reset on 2", Reset(connection=2)),
        ("reset reply 3", Reset(which=REPLY_3)),
        ("close next reply", Close(which=Which(kind=Kind.REPLY))),
        ("refuse for 5", Refuse(seconds=5)),
        (
            "slicer average_size=3 delay=0.01 to-host",
            Poison(kind=Slicer, values=(("average_size", 3), ("delay", 0.01)), to_host=True),
        ),
        ("slicer,average_size=3", Poison(kind=Slicer, values=(("average_size", 3),))),
    ],
)
def test_a_text_is_read(text: str, meant: Disturbance) -> None:
    assert meant == parse_disturbance(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write a disturbance, such as 'drop reply 3'; there are delay, late, drop"),
        ("dorp", "no disturbance is called 'dorp': did you mean drop? There are delay"),
        ("xyzzy", "no disturbance is called 'xyzzy'; there are delay"),
        ("drop reply x", "'x' is not understood here; write drop [next | reply N"),
        ("drop next every 3", "it says twice which frames: next and every"),
        ("delay", "the seconds of the delay is missing at the end"),
        ("delay soon", "the seconds of the delay must be a number, not 'soon'"),
        ("delay -1", "the seconds of the delay must not be -1"),
        ("delay 1e9", "seconds must be from 0 to 3600 s, not 1e+09"),
        ("drop share 2", "the share must be from 0 to 1, such as 0.01, not 2"),
        ("cut after 0", "the number of bytes must be a whole number from 1, not '0'"),
        ("duplicate 101", "copies must be from 1 to 100 copies, not 101"),
        ("glue 1001", "frames must be from 2 to 1000 frames, not 1001"),
        ("glue 1", "frames must be from 2 to 1000 frames, not 1"),
        ("reset to-host", "reset is for both ends: leave the direction out, or see half-open"),
        ("pull reply 3", "it is for all bytes"),
        ("half-open reply 3", "half-open happens at once, not at a frame"),
        ("refuse to-host", "'to-host' is not understood here; write refuse"),
        ("slicer size=3", "slicer has no 'size'; it has average_size, size_variation, delay"),
        ("slicer average_size=0", "size_variation=0 must be less than average_size=0"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_disturbance(text)
    assert problem in str(caught.value)
    assert not text or repr(text) in str(caught.value)


numbers = st.integers(1, 10**8)
seconds = st.floats(0, 3600).map(lambda value: round(value, 3))
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
connections = st.none() | st.integers(1, 99)


@st.composite
def whiches(draw: st.DrawFn) -> Which:
    mode = draw(st.sampled_from(Mode))
    number: float = 1
    if mode is Mode.SHARE:
        number = round(draw(st.floats(0, 1)), 4)
    elif mode in (Mode.NUMBER, Mode.EVERY):
        number = draw(numbers)
    return Which(
        mode,
        number,
        kind=draw(st.sampled_from(Kind)),
        name=draw(st.just("") | names),
        to_host=draw(st.none() | st.booleans()),
        connection=draw(connections),
    )


def frames(kind: Callable[..., OnFrames], **settings: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, which=whiches(), **settings)


streams = {
    "seconds": st.none() | seconds,
    "to_host": st.none() | st.booleans(),
    "connection": connections,
}
at_frames = whiches().filter(lambda which: not which.is_everything)
disturbances = st.one_of(
    frames(Delay, seconds=seconds, jitter=seconds),
    frames(Late, seconds=st.none() | seconds),
    frames(Drop),
    frames(Duplicate, copies=st.integers(1, 100)),
    frames(Cut, after=st.none() | numbers, wait=st.none() | seconds),
    frames(Truncate, after=st.none() | numbers),
    frames(Glue, frames=st.integers(2, 1000), wait=seconds),
    frames(Corrupt),
    frames(Corrupt, bit=numbers),
    frames(Corrupt, byte=numbers),
    frames(Corrupt, checksum=st.just(True)),
    st.builds(Pull, **streams),
    st.builds(Poison, kind=st.just(Slicer), values=st.just((("average_size", 3),)), **streams),
    st.builds(HalfOpen, to_host=st.booleans(), connection=connections),
    st.builds(Reset, connection=connections),
    st.builds(Reset, which=at_frames),
    st.builds(Close, which=at_frames),
    st.builds(Refuse, seconds=st.none() | seconds),
)


@settings(max_examples=100)
@given(disturbances)
def test_the_text_of_a_disturbance_is_read_back(disturbance: Disturbance) -> None:
    assert disturbance == parse_disturbance(str(disturbance))


@pytest.mark.parametrize("kind", DISTURBANCES, ids=lambda kind: kind.__name__)
def test_each_kind_has_a_usage_that_begins_with_its_word(kind: type[Disturbance]) -> None:
    assert kind.usage.startswith(kind.word or "TOXIC")
    assert kind.help
