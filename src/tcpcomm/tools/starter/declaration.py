"""The source of the declaration: :func:`declaration_source`."""

from __future__ import annotations

from string import Template
from typing import Final

from attrs import frozen

from tcpcomm.tools.starter.answers import SILENCE, Answers


@frozen
class _Form:
    """The lines of a declaration that depend on the form of its messages."""

    imports: str
    number: str
    value: str
    codec_comment: str
    codec: str
    measure_comment: str
    measure: str
    zero_comment: str
    zero: str
    alarm_comment: str
    alarm: str


FORMS: Final = {
    "text": _Form(
        imports="from tcpcomm.codec import Template",
        number="int",
        value="float",
        codec_comment="Messages are text. A reply that looks like this is a fault: the device says no.",
        codec='Template(fault="NG,{code:d},{reason}")',
        measure_comment="The PC sends MEAS,3 and gets OK,4.500,1: three decimals, then 1 or 0.",
        measure='"MEAS,{channel}", reply="OK,{value:.3f},{steady:1|0}", ',
        zero_comment="The PC sends ZERO,3 and gets OK.",
        zero='"ZERO,{channel}", reply="OK", ',
        alarm_comment="The device sends ALM,2 to every PC, and nobody answers.",
        alarm='"ALM,{code}"',
    ),
    "json": _Form(
        imports="from tcpcomm.codec import Json",
        number="int",
        value="float",
        codec_comment="Each message is one JSON object. The options of Json give its keys other names.",
        codec="Json()",
        measure_comment=(
            'The PC sends {"cmd":"measure","channel":3}\n'
            '    # and gets {"result":{"value":4.5,"steady":true}}.'
        ),
        measure="",
        zero_comment='The PC sends {"cmd":"zero","channel":3} and gets {"result":null}.',
        zero="",
        alarm_comment='The device sends {"event":"alarm","code":2} to every PC, and nobody answers.',
        alarm="",
    ),
    "binary": _Form(
        imports="from tcpcomm.codec import F32, U8, Binary",
        number="U8",
        value="F32",
        codec_comment="A message begins with one byte, its opcode. With the top bit set it is a fault.",
        codec="Binary(U8)",
        measure_comment="The PC sends the bytes 10 03 and gets 10, a float of 4 bytes, and 01 or 00.",
        measure="0x10, ",
        zero_comment="The PC sends the bytes 11 03 and gets 11.",
        zero="0x11, ",
        alarm_comment="The device sends the bytes 40 02 to every PC, and nobody answers.",
        alarm="0x40",
    ),
}
"""These lines, by the form of the messages."""

_SOURCE: Final = Template('''\
"""
The messages of this device: $title. This file alone says how they look.

The program of the device and the program of the PC both import it.
"""

from enum import IntEnum

from attrs import frozen

from tcpcomm import Equipment, command$event_import
$imports
from tcpcomm.framing import $framing_import


class Code(IntEnum):
    """The numbers of the faults, with which the device says no."""

    NO_CHANNEL = 1


@frozen  # its values cannot be changed by accident
class Measurement:
    """The result of a measurement. Its fields are the values in the reply."""

    value: $value  # write the unit here, such as mm
    steady: bool


class $kind(Equipment):
    """$title."""

    # $framing_comment
    framing = $framing
$gap
    # $codec_comment
    codec = $codec

    # $measure_comment
    # No reply within 5 seconds is an error at the PC. A measurement may be repeated (idempotent).
    @command(${measure}timeout=5.0, idempotent=True)
    async def measure(self, channel: $number) -> Measurement:
        """Measure on a channel, from 1 to 8. Fault: NO_CHANNEL."""
        raise NotImplementedError  # the program of the device has the body

    # $zero_comment
    @command(${zero}timeout=5.0)
    async def zero(self, channel: $number) -> None:
        """Take what the channel measures now as zero. Fault: NO_CHANNEL."""
        raise NotImplementedError
$event''')

_EVENT: Final = Template('''\

    # $alarm_comment
    @event($alarm)
    def alarm(self, code: $number) -> None:
        """The device needs attention."""
''')

_NO_EVENT: Final = """\

    # There is no event: one that came together with a reply could not be told from it, because only silence
    # stands between messages. If the device can send an end such as CR LF, declare that, and then events.
"""


def declaration_source(answers: Answers) -> str:
    """Return the file of the declaration."""
    form, ending, names = FORMS[answers.messages], answers.ending, answers.names
    gap = f"    gap = {SILENCE}  # seconds; the pauses within a message must be shorter\n"
    event = _EVENT.substitute(alarm_comment=form.alarm_comment, alarm=form.alarm, number=form.number)
    return _SOURCE.substitute(
        kind=names.kind,
        title=safe_title(names.title),
        event_import="" if answers.by_silence else ", event",
        imports=form.imports,
        framing_import=ending.imported,
        value=form.value,
        number=form.number,
        framing_comment=_wrapped(ending.comment),
        framing=ending.source,
        gap=gap if answers.by_silence else "",
        codec_comment=form.codec_comment,
        codec=form.codec,
        measure_comment=form.measure_comment,
        measure=form.measure,
        zero_comment=form.zero_comment,
        zero=form.zero,
        event=_NO_EVENT if answers.by_silence else event,
    )


def safe_title(title: str) -> str:
    """Return the name of a device without the characters that end a docstring."""
    return title.replace("\\", "/").replace('"', "'").rstrip(".")


def _wrapped(comment: str) -> str:
    """Return a comment of at most two lines in a class."""
    if len(comment) <= 100:
        return comment
    cut = comment.rindex(" ", 0, 100)
    return f"{comment[:cut]}\n    # {comment[cut + 1 :]}"
