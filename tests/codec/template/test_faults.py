"""The template of faults: codes, reasons that do not fit, the command's word, codes of protocol errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Dialect, Field, MessageSpec, Template
from tcpcomm.codec.base import ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.encoding import charset
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import bound, results_of

REQUEST = Request("do", {})


def dialect(fault: str, encoding: str = "ascii", **codes: int | str) -> Dialect:
    """Return a dialect with one command and this template of faults."""
    return bound(
        codec=Template(encoding, fault, {ProtocolErrorKind[name]: code for name, code in codes.items()})
    )


def read_fault(template: str, frame: bytes, encoding: str = "ascii") -> tuple[int | str, str]:
    """Return the code and the reason of a fault, as the host reads it."""
    with pytest.raises(Fault) as caught:
        results_of(dialect(template, encoding), frame)
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize(
    ("template", "fault", "frame"),
    [
        ("NG,{code:d},{reason}", Fault(3, "no part"), b"NG,3,no part"),
        ("NG,{code:d},{reason}", Fault(3), b"NG,3,"),
        ("NG,{code},{reason}", Fault("E17", "dark"), b"NG,E17,dark"),
        ("NG,{code},{reason}", Fault(-3, "dark"), b"NG,-3,dark"),
        ("NG,{code}[,{reason}]", Fault(3), b"NG,3"),
        ("NG,{code}[,{reason}]", Fault(3, "dark"), b"NG,3,dark"),
        ("ER{code:02d}", Fault(7), b"ER07"),
        ("ER {code:04X}", Fault(0x7FFF), b"ER 7FFF"),
        ("{code:<5}{reason:<10}", Fault("E1", "dark"), b"E1   dark      "),
        ("NG", Fault("NG"), b"NG"),
        ("NG[ {reason}]", Fault("NG", "no part"), b"NG no part"),
    ],
)
def test_a_fault_is_written_and_read(template: str, fault: Fault, frame: bytes) -> None:
    assert frame == dialect(template).fault(REQUEST, fault)
    assert (fault.code, fault.reason) == read_fault(template, frame)


@pytest.mark.parametrize(
    ("template", "fault", "frame"),
    [
        ("NG,{code:d}", Fault(3, "dark"), b"NG,3"),
        ("NG,{reason},{code:d}", Fault(3, "dark, too"), b"NG,dark\\x2c too,3"),
        ("NG,{code:d},{reason}", Fault(3, "line\r\nline"), b"NG,3,line\\x0d\\x0aline"),
        ("NG,{code:d},{reason}", Fault(3, "문"), b"NG,3,\\ubb38"),
        ("NG,{code:d},{reason:<12}", Fault(3, " the lamp is off "), b"NG,3,the lamp... "),
        ("NG,{code:d},{reason:<2}", Fault(3, "dark"), b"NG,3,.."),
        ("NG {reason}", Fault(5, "too dark"), b"NG 5: too dark"),
        ("NG[ {reason}]", Fault(5), b"NG 5"),
        ("NG,{code},{reason}", Fault("5", "dark"), b"NG,5,dark"),
    ],
)
def test_characters_of_a_reason_that_cannot_be_written_are_escaped_or_left_out(
    template: str, fault: Fault, frame: bytes
) -> None:
    assert frame == dialect(template).fault(REQUEST, fault)


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "shift_jis", "utf-8"])
@pytest.mark.parametrize(
    "template",
    ["NG,{code:d},{reason}", "NG,{reason},{code:d}", "NG,{code:d}{reason:<10}", "NG,{code:d}[;{reason}]"],
)
@given(reason=st.text())
@settings(max_examples=30)
def test_any_reason_can_be_sent_in_one_line(template: str, encoding: str, reason: str) -> None:
    frame = dialect(template, encoding).fault(REQUEST, Fault(3, reason))
    text = frame.decode(charset(encoding))
    assert text.isprintable()
    assert 3 == read_fault(template, frame, encoding)[0]


@pytest.mark.parametrize(
    ("template", "code", "message"),
    [
        ("NG,{code:d}", "E17", "code: must be a whole number, not 'E17'"),
        ("NG,{code:d}", "no part", "raise Fault(code, reason), for example Fault(1, 'no part')"),
        ("NG,{code:02d}", 100, "code: 100 does not fit into 2 characters"),
        ("NG,{code:02X}", -1, "code: must be a hexadecimal number in 2 characters, not -1"),
        ("NG,{code},{reason}", "a,b", "code: 'a,b' contains ',', which ends this text on the wire"),
        ("NG", 3, "code: the fault 'NG' cannot carry a code, such as 3"),
        ("NG,{code}", "", "code: must be a number or a word, not ''"),
        ("NG,{code}", True, "code: must be a number or a word, not True"),
    ],
)
def test_a_code_that_the_template_cannot_carry_is_refused(
    template: str, code: int | str, message: str
) -> None:
    with pytest.raises(CodecError) as caught:
        dialect(template).fault(REQUEST, Fault(code))
    assert message in str(caught.value)


def test_the_codes_of_protocol_errors_fit_the_template() -> None:
    words = dialect("NG,{code},{reason}")
    assert "UNKNOWN_COMMAND" == words.fault_for(ProtocolErrorKind.UNKNOWN_COMMAND, "what").code
    numbers = dialect("NG,{code:d}", UNREADABLE=1)
    assert [1, 91, 92, 93, 94, 99] == [numbers.fault_for(each, "").code for each in ProtocolErrorKind]
    assert [90, 91, 92, 93, 94, 99] == [
        dialect("NG{code:<2}").fault_for(each, "").code for each in ProtocolErrorKind
    ]
    assert {"NG"} == {dialect("NG {reason}").fault_for(each, "").code for each in ProtocolErrorKind}


@pytest.mark.parametrize(
    ("template", "codes", "message"),
    [
        ("ER{code:1d}", {}, "cannot carry 90, the code for UNREADABLE"),
        (
            "ER{code:d}",
            {ProtocolErrorKind.INTERNAL: "X"},
            "give another code with codes={ProtocolErrorKind.INTERNAL: ...}",
        ),
        ("{reason}", {}, "needs a {code}, or must begin with a word"),
        ("NG{code*,}", {}, "a fault cannot contain a list"),
        ("NG{code}{reason}", {}, "is ambiguous"),
        ("작업,{code}", {}, "cannot be written in ascii"),
    ],
)
def test_a_template_of_faults_that_cannot_work_is_refused_when_it_is_made(
    template: str, codes: dict[ProtocolErrorKind, int | str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Template(fault=template, codes=codes)
    assert str(caught.value).startswith("the template of faults: ")
    assert message in str(caught.value)


def test_a_fault_that_repeats_what_no_command_has_is_refused_with_the_commands() -> None:
    codec = Template(fault="NG,{number}")
    with pytest.raises(ConfigurationError) as caught:
        codec.bind([MessageSpec("trigger", "CvX.trigger", "TA", "TA")])
    assert (
        "the template of faults: 'NG,{number}' has the field {number}, which is not declared; there are: "
        "code, reason, command"
    ) == str(caught.value)


def test_a_fault_names_the_first_word_of_the_request() -> None:
    specs = [
        MessageSpec("trigger", "CvX.trigger", "TA", "TA"),
        MessageSpec("set_job", "CvX.set_job", "PW,{job:d}", "PW", (Field("job", int),)),
        MessageSpec("stop", "CvX.stop", "S{axis:d}", "S", (Field("axis", int),)),
    ]
    keyence = Template(fault="ER,{command},{code:02d}").bind(specs)
    assert b"ER,TA,03" == keyence.fault(Request("trigger", {}), Fault(3))
    assert b"ER,PW,22" == keyence.fault(Request("set_job", {"job": 1}), Fault(22))
    assert b"ER,S,22" == keyence.fault(Request("stop", {"axis": 1}), Fault(22))
    for frame, answer in [
        (b"PW,x", b"ER,PW,93"),
        (b"XX,1", b"ER,XX,92"),
        (b"MX 1", b"ER,MX,92"),
        (b"", b"ER,?,91"),
        (b"\xff", b"ER,?,90"),
    ]:
        (refusal,) = keyence.read_at_equipment(frame).requests
        assert isinstance(refusal, Refusal)
        assert answer == keyence.fault(refusal, keyence.fault_for(refusal.error_kind, str(refusal.problem)))
    with pytest.raises(Fault, match="22"):
        results_of(keyence, b"ER,PW,22", name="set_job")
    with pytest.raises(CodecError):
        results_of(keyence, b"ER,TA,22", name="set_job")
