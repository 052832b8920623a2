"""Messages as XML documents with fields in braces: Xml."""

from __future__ import annotations

import re
import tracemalloc
from random import Random
from typing import Any, ClassVar, Literal

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Codec, Dialect, Field, MessageSpec, Silence, Xml
from tcpcomm.codec.base import Answer, Event, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.framing import Framing, XmlDocuments
from tcpcomm.testing import check_equipment
from tests.codec.cases import reader


@frozen
class Position:
    x: float
    y: float
    status: str


class Sensor(Equipment):
    """A sensor as a KUKA robot with EthernetKRL talks to it."""

    framing: ClassVar[Framing] = XmlDocuments()
    codec: ClassVar[Codec] = Xml()

    @command(
        '<Robot><Locate Job="{job}" Mode="fast"/></Robot>',
        reply='<Sensor><Pos X="{x:.3f}" Y="{y:.3f}"/><Status>{status}</Status></Sensor>',
    )
    async def locate(self, job: int) -> Position:
        """Locate the part."""
        raise NotImplementedError

    @command('<Robot Alive="1"/>', reply='<Sensor Alive="1"/>')
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event('<Sensor><Alarm Code="{code}"/></Sensor>')
    def alarm(self, code: int) -> None:
        """The sensor needs attention."""


LOCATE = MessageSpec(
    "locate",
    "Sensor.locate",
    '<Robot><Locate Job="{job}" Mode="fast"/></Robot>',
    '<Sensor><Pos X="{x:.3f}" Y="{y:.3f}"/><Status>{status}</Status></Sensor>',
    (Field("job", int),),
    Position,
)
PING = MessageSpec("ping", "Sensor.ping", '<Robot Alive="1"/>', '<Sensor Alive="1"/>')
SAY = MessageSpec(
    "say", "Sensor.say", "<Say>{text}</Say>", '<Said Text="{text}"/>', (Field("text", str),), str
)
ALARM = MessageSpec(
    "alarm",
    "Sensor.alarm",
    '<Sensor><Alarm Code="{code}"/></Sensor>',
    None,
    (Field("code", int),),
    is_event=True,
)
DIALECT = Xml().bind([LOCATE, PING, SAY, ALARM])


def result_of(name: str, frame: bytes, dialect: Dialect = DIALECT) -> Any:
    """Return what the host's caller gets for a document."""
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = dialect.reply_reader(name)
    assert reader is not None
    return reader.take(answer.body)


@pytest.mark.parametrize(
    "document",
    [
        b'<Robot><Locate Job="3" Mode="fast"/></Robot>',
        b"<Robot><Locate Mode='fast' Job='3'></Locate></Robot >",
        b'<?xml version="1.0" encoding="UTF-8"?>\r\n<Robot>\r\n\t'
        b'<Locate Mode = "fast"\n Job=" 3 "/>\r\n</Robot>\r\n',
        b'\xef\xbb\xbf<Robot><!-- one --><Locate Job="&#51;" Mode="fast"/><?pi?></Robot>',
    ],
)
def test_documents_that_mean_the_same_are_the_same_command(document: bytes) -> None:
    assert Request("locate", {"job": 3}, None, True) == DIALECT.read_at_equipment(document)


def test_commands_are_told_apart_by_any_element_or_attribute() -> None:
    assert Request("ping", {}, None, True) == DIALECT.read_at_equipment(b'<Robot Alive="1"></Robot>')
    assert (Event("alarm", {"code": 7}),) == tuple(
        DIALECT.read_at_host(b'<Sensor><Alarm Code="7"/></Sensor>')
    )


def test_a_reply_is_read_from_the_declared_places() -> None:
    frame = b'<Sensor><Pos X="12.500" Y="-3.250"/><Status>a &lt; b</Status></Sensor>'
    position = Position(12.5, -3.25, "a < b")
    assert [frame] == DIALECT.reply(Request("locate", {}), position)
    assert position == result_of("locate", frame)
    assert position == result_of(
        "locate",
        b"<Sensor>\n<Pos Y='-3.25' X='12.5'></Pos>\n<Status><![CDATA[a < b]]></Status>\n</Sensor>",
    )


def test_a_fault_is_a_document_too() -> None:
    frame = DIALECT.fault(Request("locate", {}), Fault(3, "no <part>"))
    assert b'<Fault Code="3">no &lt;part&gt;</Fault>' == frame
    with pytest.raises(Fault) as caught:
        result_of("locate", frame)
    assert (3, "no <part>") == (caught.value.code, caught.value.reason)


TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("Cc", "Cs"),
        exclude_characters="\ufffe\uffff",
        include_characters="\t\n\r",
    )
).map(str.strip)


@given(TEXTS)
def test_any_text_that_xml_can_carry_arrives_unchanged(text: str) -> None:
    frame = DIALECT.request("say", {"text": text}, 1)
    assert Request("say", {"text": text}, None, True) == DIALECT.read_at_equipment(frame)
    (reply,) = DIALECT.reply(Request("say", {}), text)
    assert text == result_of("say", reply)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\0", "'a\\x00' has '\\x00', which XML cannot carry"),
        ("\ufffe", "'\\ufffe' has '\\ufffe', which XML cannot carry"),
        (" a", "' a' has blanks at an end, which a reader of XML drops"),
    ],
)
def test_a_text_that_would_arrive_changed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(CodecError, match=re.escape(reason)):
        DIALECT.request("say", {"text": text}, 1)


def test_elements_and_attributes_that_are_not_declared_can_be_ignored() -> None:
    dialect = Xml(ignore_unknown=True).bind([LOCATE, PING, SAY, ALARM])
    document = (
        b'<Robot Version="2"><Time><Locate Job="9"/>12:00</Time>'
        b'<Locate Speed="1" Job="3" Mode="fast"><More>text</More></Locate></Robot>'
    )
    assert Request("locate", {"job": 3}, None, True) == dialect.read_at_equipment(document)
    reply = (
        b'<Sensor Id="1"><Pos X="1.5" Y="2.5" Z="3.5"/><Status>OK</Status>'
        b"<Temperature>20</Temperature></Sensor>"
    )
    assert Position(1.5, 2.5, "OK") == result_of("locate", reply, dialect)
    assert isinstance(DIALECT.read_at_equipment(document), Refusal)


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;">]><Say>&c;&c;&c;</Say>'


@pytest.mark.parametrize(
    ("document", "kind", "reason"),
    [
        (BOMB, ProtocolErrorKind.UNREADABLE, "a document type definition is refused, because its entities"),
        (
            b"<Say>",
            ProtocolErrorKind.UNREADABLE,
            "this is not XML: no element found, at character 5 of line 1",
        ),
        (b"<Say>&nbsp;</Say>", ProtocolErrorKind.UNREADABLE, "this is not XML: undefined entity"),
        (b"<Say>\xff</Say>", ProtocolErrorKind.UNREADABLE, "this is not text in utf-8"),
        (b"<Home/>", ProtocolErrorKind.UNKNOWN_COMMAND, "there is no command '<Home></Home>'"),
        (
            b'<Robot><Locate Job="x" Mode="fast"/></Robot>',
            ProtocolErrorKind.BAD_PARAMETERS,
            "does not begin with a whole number",
        ),
        (
            b'<Robot><Locate Job="3" Mode="fast" Speed="2"/></Robot>',
            ProtocolErrorKind.BAD_PARAMETERS,
            "Speed",
        ),
    ],
)
def test_a_document_that_is_no_command_is_told(
    document: bytes, kind: ProtocolErrorKind, reason: str
) -> None:
    refusal = DIALECT.read_at_equipment(document)
    assert isinstance(refusal, Refusal)
    assert kind is refusal.error_kind
    assert reason in str(refusal.problem)


def test_documents_may_be_in_a_korean_encoding_with_a_declaration() -> None:
    dialect = Xml("euc-kr", declaration=True).bind([SAY])
    frame = dialect.request("say", {"text": "부품"}, 1)
    assert '<?xml version="1.0" encoding="euc-kr"?><Say>부품</Say>'.encode("cp949") == frame
    assert Request("say", {"text": "부품"}, None, True) == dialect.read_at_equipment(frame)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ("<Robot>", "'<Robot>' is not a document with fields in braces: this is not XML: no element found"),
        ("LOCATE,{job}", "is not a document with fields in braces: this is not XML: syntax error"),
        ('<Robot Job={job}"/>', "is not a document with fields in braces"),
        ('<Robot[ Job="{job}"]/>', "is not a document with fields in braces"),
        ("<Robot>{job}{jab}</Robot>", "ambiguous"),
    ],
)
def test_a_document_that_is_not_well_formed_is_refused(wire: str, reason: str) -> None:
    spec = MessageSpec("do", "Robot.do", wire, "<OK/>", (Field("job", str), Field("jab", str)))
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        Xml().bind([spec])


def test_two_commands_that_can_be_the_same_document_are_refused() -> None:
    one = MessageSpec("one", "Robot.one", '<Go A="{a}" B="1"/>', "<OK/>", (Field("a", int),))
    two = MessageSpec("two", "Robot.two", '<Go B="{b}" A="1"/>', "<OK/>", (Field("b", int),))
    with pytest.raises(ConfigurationError, match=r"can both be the frame"):
        Xml().bind([one, two])


def test_a_document_of_faults_that_is_not_well_formed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^the document of faults: '<NG>' is not a document"):
        Xml(fault="<NG>")


class Gripper(Equipment):
    """A gripper that says nothing on success."""

    framing: ClassVar[Framing] = XmlDocuments()
    codec: ClassVar[Codec] = Xml(fault={'<Stuck By="{reason}"/>': "STUCK"})

    @command("<Close/>", reply=Silence(0.3))
    async def close(self) -> None:
        """Close the gripper."""
        raise NotImplementedError


def test_silence_may_be_the_reply_to_a_document() -> None:
    check_equipment(Gripper, max_examples=10)


def test_a_sensor_of_a_kuka_robot_works_at_both_ends() -> None:
    check_equipment(Sensor, max_examples=10)


def test_a_document_with_deep_elements_takes_no_more_memory_than_a_wide_one() -> None:
    """A peer's 56 kB took 100 MB on the code before, because each element kept the path to itself."""
    dialect = Xml().bind([MessageSpec("ping", "Sensor.ping", "<Ping/>", "<Ok/>")])
    document = b"<a>" * 8000 + b"</a>" * 8000
    tracemalloc.start()
    try:
        refused = dialect.read_at_equipment(document)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(refused, Refusal)
    assert most < 100 * len(document)


PLACES = ["<Go X='{x}'/>", "<Go>{x}</Go>", "<Go><A>1</A>{x}</Go>"]
ARRIVE = {
    int: ["", "d", "03d", "5d", "<4d", "X", "04Xi16"],
    float: ["", ".2f", "8.3f", " =+8.3f", "10"],
    str: ["", "_<6", "_<6b"],
    bytes: ["", "X"],
    bool: ["", "ON|OFF"],
    Literal["X", "Yy"]: ["", "_>3"],
}
CHANGED = {
    int: ["5d!"],
    float: ["8.3f!"],
    str: ["6", ">5", "6b", "q"],
    bool: [" ON|OFF", "<|>"],
    Literal["X", "Yy"]: ["3"],
    Literal["a<b", "b"]: [""],
}


def going(kind: Any, spec: str, place: str) -> Dialect:
    wire = place.replace("{x}", f"{{x:{spec}}}" if spec else "{x}")
    return Xml().bind([MessageSpec("go", "Axis.go", wire, "<Ok/>", (Field("x", kind),))])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ARRIVE, ids=str)
def test_what_a_format_writes_arrives(kind: Any, place: str) -> None:
    for spec in ARRIVE[kind]:
        dialect = going(kind, spec, place)
        for seed in range(20):
            values = dialect.draw_values("go", Random(seed))
            assert Request("go", values) == dialect.read_at_equipment(dialect.request("go", values, 0))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", CHANGED, ids=str)
def test_a_format_whose_text_xml_would_change_is_refused(kind: Any, place: str) -> None:
    """They were accepted, and then the peer refused what was sent, or it was not XML."""
    for spec in CHANGED[kind]:
        with pytest.raises(ConfigurationError, match="XML drops blanks at an end, and gives & < >"):
            going(kind, spec, place)


@pytest.mark.parametrize("separator", ["&", "<", '"', "\n"])
def test_what_xml_gives_a_meaning_cannot_separate_items(separator: str) -> None:
    go = MessageSpec("go", "Axis.go", f"<Go>{{xs*{separator}}}</Go>", "<Ok/>", (Field("xs", list[int]),))
    with pytest.raises(ConfigurationError, match="between the items of xs, because XML gives it a meaning"):
        Xml().bind([go])


@frozen
class Cause:
    name: str = "ERROR"
    cause: str = ""


READER = Xml(
    fault="<reply><id>{id:d}</id><resultCode>{code:d}</resultCode>"
    "<error><name>{name}</name><cause>{cause}</cause></error></reply>",
    id="id",
    data=Cause,
    ignore_unknown=True,
)
READ = MessageSpec(
    "read",
    "Reader.read",
    "<cmd><id>{id:d}</id><read>{source}</read></cmd>",
    "<reply><id>{id:d}</id><resultCode>0</resultCode><tag>{tag}</tag></reply>",
    (Field("source", str),),
    str,
)


def answered(dialect: Dialect, spec: MessageSpec, frame: bytes) -> tuple[Any, Any]:
    """Return the id of an answer, and the result, or the problem."""
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    try:
        return answer.id, reader(dialect, spec).take(answer.body)
    except (Fault, CodecError) as error:
        return answer.id, error


def test_documents_may_have_the_id_of_their_request() -> None:
    """Siemens RF600 readers repeat the id in replies and faults. Their number was a parameter before."""
    dialect = READER.bind([READ])
    assert dialect.by_id
    assert b"<cmd><id>7</id><read>R1</read></cmd>" == dialect.request("read", {"source": "R1"}, 7)
    (request,) = dialect.read_at_equipment(b"<cmd> <id> 7 </id> <read>R1</read> </cmd>").requests
    assert Request("read", {"source": "R1"}, 7) == request
    reply = b"<reply><id>7</id><resultCode>0</resultCode><tag>A</tag></reply>"
    assert [reply] == dialect.reply(request, "A")
    assert (7, "A") == answered(dialect, READ, reply)


def test_a_document_of_faults_may_have_an_id_and_data() -> None:
    dialect = READER.bind([READ])
    fault = (
        b"<reply><id>7</id><resultCode>14</resultCode><error><name>N &lt; 1</name><cause>c</cause>"
        b"</error></reply>"
    )
    assert fault == dialect.fault(Request("read", {}, 7), Fault(14, data=Cause("N < 1", "c")))
    id, found = answered(dialect, READ, fault)
    assert (7, 14, Cause("N < 1", "c")) == (id, found.code, found.data)


@pytest.mark.parametrize(
    ("frame", "id"),
    [(b"<cmd><id>9</id><fly/></cmd>", b"9"), (b"<cmd><read/></cmd>", b"0"), (b"<cmd><id>9<", b"9")],
)
def test_a_document_that_is_refused_keeps_its_id(frame: bytes, id: bytes) -> None:
    dialect = READER.bind([READ])
    (refusal,) = dialect.read_at_equipment(frame).requests
    assert isinstance(refusal, Refusal)
    assert dialect.fault(refusal, Fault(10)).startswith(b"<reply><id>" + id + b"</id><resultCode>10<")


def test_a_code_in_a_document_may_mean_success() -> None:
    codec = Xml(fault="<reply><resultCode>{code:d}</resultCode></reply>", ok=0)
    home = MessageSpec("home", "Reader.home", "<home/>", "<reply><resultCode>0000</resultCode></reply>")
    dialect = codec.bind([home])
    assert (None, None) == answered(dialect, home, b"<reply><resultCode>0000</resultCode></reply>")
    assert [b"<reply><resultCode>0000</resultCode></reply>"] == dialect.reply(Request("home", {}), None)
    _, fault = answered(dialect, home, b"<reply><resultCode>0014</resultCode></reply>")
    assert (Fault, 14) == (type(fault), fault.code)


def test_a_document_of_faults_may_repeat_parameters() -> None:
    codec = Xml(fault='<no axis="{axis:d}" code="{code:d}"/>')
    home = MessageSpec("home", "Robot.home", '<home axis="{axis:d}"/>', "<ok/>", (Field("axis", int),))
    dialect = codec.bind([home])
    assert b'<no axis="2" code="5"/>' == dialect.fault(Request("home", {"axis": 2}), Fault(5))
    (refusal,) = dialect.read_at_equipment(b'<home axis="2" speed="9"/>').requests
    assert b'<no axis="2" code="5"/>' == dialect.fault(refusal, Fault(5))


def body_of(dialect: Dialect, frame: bytes) -> Any:
    (answer,) = dialect.read_at_host(frame)
    assert isinstance(answer, Answer)
    return answer.body


def saying(wire: str, kind: Any, codec: Xml) -> Dialect:
    return codec.bind([MessageSpec("say", "Robot.say", wire, "<Ok/>", (Field("it", kind),))])


@pytest.mark.parametrize("codec", [Xml(), Xml("euc-kr", declaration=True), Xml("utf-16-le")])
@pytest.mark.parametrize("wire", ['<A Size="{##it}">{it}</A>', '<A>[<B Size="{##it}" It="{it}"/>]</A>'])
def test_a_count_of_bytes_counts_a_field_as_it_stands_in_the_document(codec: Xml, wire: str) -> None:
    dialect = saying(wire, str | None if "[" in wire else str, codec)
    frame = dialect.request("say", {"it": '각"<b>'}, 1)
    written = "각&quot;&lt;b&gt;".encode(codec.encoding)
    assert written in frame
    assert f' Size="{len(written)}"'.encode(codec.encoding) in frame
    (request,) = dialect.read_at_equipment(frame).requests
    assert isinstance(request, Request)
    assert {"it": '각"<b>'} == request.values
    wrong = frame.decode(codec.encoding).replace(f'"{len(written)}"', '"5"').encode(codec.encoding)
    (refusal,) = dialect.read_at_equipment(wrong).requests
    assert isinstance(refusal, Refusal)
    assert f"it: the count says 5 bytes, but there are {len(written)}" == str(refusal.problem)


def test_a_count_of_bytes_in_a_reply_is_checked_too() -> None:
    spec = MessageSpec("ask", "Robot.ask", "<Ask/>", '<A Size="{##it}">{it}</A>', (), str)
    dialect = Xml(declaration=True).bind([spec])
    (frame,) = dialect.reply(Request("ask", {}), "각<")
    assert '<?xml version="1.0" encoding="utf-8"?><A Size="7">각&lt;</A>'.encode() == frame
    assert "각<" == reader(dialect, spec).take(body_of(dialect, frame))
    with pytest.raises(CodecError, match="the count says 2 bytes, but there are 7"):
        reader(dialect, spec).take(body_of(dialect, '<A Size="2">각&lt;</A>'.encode()))


def test_a_count_of_bytes_counts_numbers_and_lists_too() -> None:
    dialect = saying('<A Size="{##it}">{it:.2f}</A>', float, Xml())
    assert b'<A Size="5">12.50</A>' == dialect.request("say", {"it": 12.5}, 1)
    dialect = saying("<A><Size>{##it:03d}</Size>{it*;}</A>", list[int], Xml())
    assert b"<A><Size>004</Size>1;23</A>" == dialect.request("say", {"it": [1, 23]}, 1)


@pytest.mark.parametrize(
    "wire",
    [
        '<Say Size="{##}"><It>{it*,}</It></Say>',
        '<Say Size="{##it}">[{it*:<It>{value}</It>}]</Say>',
        "<Say>{it*:<It>{##}<Value>{value}</Value></It>}</Say>",
    ],
)
def test_the_bytes_of_elements_cannot_be_counted(wire: str) -> None:
    with pytest.raises(ConfigurationError, match="counts the bytes of elements, which XML"):
        saying(wire, list[int], Xml())


def test_a_width_in_bytes_has_nothing_to_do_with_the_declaration() -> None:
    dialect = saying('<Say It="{it:_<8b}"/>', str, Xml(declaration=True))
    frame = dialect.request("say", {"it": "각"}, 1)
    assert '<?xml version="1.0" encoding="utf-8"?><Say It="각_____"/>'.encode() == frame
    (request,) = dialect.read_at_equipment(frame).requests
    assert isinstance(request, Request)
    assert {"it": "각"} == request.values
