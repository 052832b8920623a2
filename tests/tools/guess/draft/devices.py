"""Declared equipment as the field has it, whose captures are drafted."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import (
    Acknowledged,
    Codec,
    CountedLines,
    Json,
    JsonRpc,
    OneOf,
    Range,
    Scpi,
    Silence,
    Template,
    Until,
    Xml,
)
from tcpcomm.framing import Delimited, XmlDocuments, parse_framing

__all__ = ["DEVICES"]

Small = Annotated[int, Range(0, 99)]
Length = Annotated[float, Range(-500, 500)]


class Keyence(Equipment):
    framing = Delimited(b"\r")
    codec = Template(fault="ER,{command},{code:02d}")

    @command("TA", reply=Acknowledged("TA", "{value:+.3f}"))
    def trigger(self) -> Length:
        raise NotImplementedError

    @command("RM", reply="RM,{mode}")
    def mode(self) -> Literal[0, 1]:
        raise NotImplementedError

    @command("MW,{number:03d},{value:+.3f}", reply="MW")
    def write(self, number: Small, value: Length) -> None:
        raise NotImplementedError


@frozen
class Weight:
    state: Literal["S", "D"]
    grams: Length


class Scale(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault=("ES", "ET", "EL"))

    @command("S", reply="S {state} {grams:10.2f} g", faults={"S I": "I", "S +": "overload"})
    def weigh(self) -> Weight:
        raise NotImplementedError

    @command("Z", reply="Z A")
    def zero(self) -> None:
        raise NotImplementedError

    @command("TA {grams:.2f} g", reply="TA A {grams:10.2f} g")
    def tare(self, grams: Length) -> None:
        raise NotImplementedError

    @command("@", reply=None)
    def reset(self) -> None:
        raise NotImplementedError


@frozen
class Position:
    x: Length
    y: Length
    angle: Annotated[float, Range(-180, 180)]


class KoreanCamera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template("cp949", fault="NG,{code:d},{reason}")

    @command("촬영,{job:d}", reply="완료,{x:.3f},{y:.3f},{angle:.2f}")
    def locate(self, job: Small) -> Position:
        raise NotImplementedError

    @command("품명,{name}", reply="확인")
    def name(self, name: Literal["부품 가", "부품 나", "덮개", "볼트 엠팔"]) -> None:
        raise NotImplementedError

    @event("경보,{code:02d},{text}")
    def alarm(self, code: Small, text: Literal["문이 열림", "온도 높음"]) -> None:
        pass


class Enclosed(Equipment):
    framing = parse_framing("stx-etx,bcc=xor")
    codec = Template(fault="ERR{code:02d}")

    @command("R{address:04d}", reply="R{value:04X}")
    def read(self, address: Annotated[int, Range(0, 9999)]) -> Annotated[int, Range(0, 65535)]:
        raise NotImplementedError

    @command("W{address:04d},{value:04X}", reply="W")
    def write(
        self, address: Annotated[int, Range(0, 9999)], value: Annotated[int, Range(0, 65535)]
    ) -> None:
        raise NotImplementedError


class SemicolonLists(Equipment):
    framing = Delimited(b";")
    codec = Template(fault="NG {code}")

    @command("GET {first:d} {count:d}", reply="OK {values*,:d}")
    def get(self, first: Small, count: Small) -> list[Small]:
        raise NotImplementedError

    @command("SET {first:d} {#values:d},{values*,:.1f}", reply="OK")
    def set(self, first: Small, values: list[Length]) -> None:
        raise NotImplementedError


class Asymmetric(Equipment):
    framing = Delimited(b"\r")
    reply_framing = parse_framing("stx-etx")
    codec = Template(fault="?")

    @command("W", reply="{grams:.1f}g")
    def weigh(self) -> Length:
        raise NotImplementedError

    @command("T{level}", reply="OK")
    def tare(self, level: Small) -> None:
        raise NotImplementedError


class Nmea(Equipment):
    framing = parse_framing("enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\\r\\n")
    codec = Template(fault="ERR,{code:d}")

    @command("PQ,{what}", reply="PA,{value:.2f}")
    def ask(self, what: Literal["RATE", "MODE", "TEMP"]) -> Length:
        raise NotImplementedError

    @event("GPGGA,{time},{lat:.4f},{lon:.4f},{sats:02d}")
    def fix(
        self, time: Literal["120000", "120001", "120002"], lat: Length, lon: Length, sats: Small
    ) -> None:
        pass


@frozen
class Setting:
    number: Small
    value: Length


class Grbl(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="error:{code:d}")

    @command("$$", reply=Until("ok", "${number}={value}"))
    def settings(self) -> list[Setting]:
        raise NotImplementedError

    @command("G1 X{x:.3f} Y{y:.3f}", reply="ok")
    def move(self, x: Length, y: Length) -> None:
        raise NotImplementedError


@frozen
class Code:
    text: Literal["A-17", "B-22", "C-03"]
    x: Small
    y: Small


class Reader(Equipment):
    framing = Delimited(b"\n")
    codec = Template(fault="NG,{code:d}")

    @command("READ", reply=CountedLines("OK {#}", "{text},{x},{y}"))
    def read(self) -> list[Code]:
        raise NotImplementedError

    @command("LIGHT {on:ON|OFF}", reply=Silence(0.3))
    def light(self, on: bool) -> None:
        raise NotImplementedError


class TwoLines(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="-{code:d}")

    @command("GV {cell}", reply=("1", "{value:.3f}"))
    def value(self, cell: Literal["A3", "B7", "C11"]) -> Length:
        raise NotImplementedError

    @command("SO{mode:d}", reply="1")
    def online(self, mode: Literal[0, 1]) -> None:
        raise NotImplementedError


class Several(Equipment):
    framing = Delimited(b"\n")
    codec = Template(fault="ERROR {code:d}: {reason}")

    @command("STATE?", reply=OneOf("RUN {speed:.1f}", "IDLE"))
    def state(self) -> Length | None:
        raise NotImplementedError

    @command("TEMP?", reply="TEMP {celsius:.1f} C")
    def temperature(self) -> Length:
        raise NotImplementedError

    @command("SPEED {speed:.1f}", reply="OK")
    def speed(self, speed: Length) -> None:
        raise NotImplementedError

    @event("BUTTON {number}")
    def button(self, number: Small) -> None:
        pass


@frozen
class Place:
    x: Length
    y: Length


class JsonCamera(Equipment):
    framing = Delimited(b"\n")
    codec: ClassVar[Codec] = Json()

    @command()
    def locate(self, job: int) -> Place:
        raise NotImplementedError

    @command("LAMP")
    def lamp(self, on: bool) -> None:
        raise NotImplementedError

    @event()
    def alarm(self, code: int) -> None:
        pass


class JsonStatus(JsonCamera):
    codec = Json(result=None, fault=None, success={"result": "OK"}, failure={"result": "NG"})


class JsonIds(JsonCamera):
    codec = Json(id="id", parameters="params")


class JsonNumbers(JsonCamera):
    codec = Json(
        "Command", result=None, fault=None, code="ErrorID", reason=None, success={"ErrorID": 0}, echo=True
    )


class Rpc(JsonCamera):
    codec = JsonRpc()


class Pascal(JsonCamera):
    codec = Json(
        "Type", parameters="Data", result="Data", fault="Error", event="Type", echo=True, naming="pascal"
    )


class XmlSensor(Equipment):
    framing = XmlDocuments()
    codec = Xml()

    @command(
        '<Robot><Locate Job="{job}"/></Robot>', reply='<Sensor><Pos X="{x:.3f}" Y="{y:.3f}"/></Sensor>'
    )
    def locate(self, job: int) -> Place:
        raise NotImplementedError

    @command('<Robot Alive="1"/>', reply='<Sensor Alive="1"/>')
    def ping(self) -> None:
        raise NotImplementedError

    @event('<Sensor><Alarm Code="{code}"/></Sensor>')
    def alarm(self, code: int) -> None:
        pass


class Supply(Equipment):
    framing = Delimited(b"\n")
    codec = Scpi()

    @command("*IDN?", reply="{text}")
    def identity(self) -> Literal["KEYS,E36312A,MY1234,1.2.3"]:
        raise NotImplementedError

    @command("MEASure:VOLTage?", reply="{volts:.6E}")
    def volts(self) -> Length:
        raise NotImplementedError

    @command("OUTPut{channel:d}:STATe {on}")
    def output(self, channel: Annotated[int, Range(1, 2)], on: bool) -> None:
        raise NotImplementedError


class Star(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="{command}{id:04d}er{code:02d}/{reason:<2}", ok=0, id="id")

    @command("C0ASid{id:04d}", reply="C0ASid{id:04d}er00/00")
    def park(self) -> None:
        raise NotImplementedError

    @command("C0RXid{id:04d}", reply="C0RXid{id:04d}er00/00rx{x:+06d}")
    def position(self) -> Annotated[int, Range(-9999, 9999)]:
        raise NotImplementedError


DEVICES: dict[str, type[Equipment]] = {
    "keyence": Keyence,
    "scale": Scale,
    "cp949": KoreanCamera,
    "stx-bcc": Enclosed,
    "semicolon-lists": SemicolonLists,
    "asymmetric": Asymmetric,
    "nmea": Nmea,
    "grbl": Grbl,
    "counted": Reader,
    "two-lines": TwoLines,
    "several": Several,
    "json": JsonCamera,
    "json-status": JsonStatus,
    "json-ids": JsonIds,
    "json-numbers": JsonNumbers,
    "json-pascal": Pascal,
    "json-rpc": Rpc,
    "xml": XmlSensor,
    "scpi": Supply,
    "ids": Star,
}
