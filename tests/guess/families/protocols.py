"""Families of public protocols that tcpcomm has no device for, written down from their specifications."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tcpcomm.framing import CHECKSUMS
from tcpcomm.tools.guess.capture import Side
from tests.guess.families import bytes as raw
from tests.guess.families import texts
from tests.guess.talk import BOTH, Device, Exchange, Family, Message, dialogue

__all__ = ["PROTOCOLS"]

_GROUP: Final = "public protocols"


def _ads(setup: Random) -> Device:
    """Return a TwinCAT controller: AMS/TCP with read and write requests of ADS."""
    target, source = setup.randbytes(4) + b"\1\1", setup.randbytes(4) + b"\1\1"

    def exchanges(random: Random) -> Iterator[Exchange]:
        number = random.randrange(1000)

        def message(side: Side, command: int, data: bytes) -> Message:
            ends = (target + b"\x53\x03", source + b"\x01\x80")
            head = b"".join(ends if side == 0 else ends[::-1])
            head += struct.pack("<HHIII", command, 4 + side, len(data), 0, number)
            return Message(side, struct.pack("<HI", 0, len(head) + len(data)) + head + data)

        while True:
            number += 1
            size = random.choice((1, 2, 4, 8, 80))
            data = bytes(random.randrange(90) for _ in range(size))
            place = struct.pack("<III", 0x4020, random.randrange(500), size)
            if random.random() < 0.3:
                yield [message(0, 3, place + data), message(1, 3, bytes(4))]
            else:
                yield [message(0, 2, place), message(1, 2, struct.pack("<II", 0, size) + data)]

    return Device(exchanges, framings=("length:4,little,offset=2",) * 2)


def _ethernet_ip(setup: Random) -> Device:
    """Return a Logix controller: EtherNet/IP with unconnected messages."""
    session = setup.randrange(1, 2**32)

    def message(side: Side, command: int, data: bytes, context: bytes) -> Message:
        return Message(side, struct.pack("<HHII8sI", command, len(data), session, 0, context, 0) + data)

    def exchanges(random: Random) -> Iterator[Exchange]:
        tags = (b"Motor_Speed", b"Count", b"Recipe.Name", b"Part_OK")
        yield [message(0, 0x65, b"\1\0\0\0", bytes(8)), message(1, 0x65, b"\1\0\0\0", bytes(8))]
        while True:
            tag = random.choice(tags)
            path = b"\x91" + bytes([len(tag)]) + tag + bytes(len(tag) % 2)
            asked = b"\x4c" + bytes([len(path) // 2]) + path + b"\1\0"
            answer = b"\xcc\0\0\0\xc4\0" + struct.pack(
                f"<{len(tag)}i", *(random.randrange(10**4) for _ in tag)
            )
            context = random.randbytes(4) + bytes(4)
            packed = [
                struct.pack("<IHHHHHH", 0, 8, 2, 0, 0, 0xB2, len(each)) + each for each in (asked, answer)
            ]
            yield [message(0, 0x6F, packed[0], context), message(1, 0x6F, packed[1], context)]

    return Device(exchanges, framings=("length:2,little,offset=2,adjust=20",) * 2)


def _rtde(setup: Random) -> Device:
    """Return a robot of Universal Robots that streams its state by RTDE."""
    joints = setup.choice((6, 12))

    def package(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">H", len(data) + 3) + kind + data

    def exchanges(random: Random) -> Iterator[Exchange]:
        time = random.uniform(0, 1000)
        yield [Message(0, package(b"V", b"\0\2")), Message(1, package(b"V", b"\1"))]
        names = b"timestamp,actual_q" + b",actual_TCP_pose" * (joints == 12)
        answer = b"\1DOUBLE,VECTOR6D" + b",VECTOR6D" * (joints == 12)
        yield [Message(0, package(b"O", struct.pack(">d", 125) + names)), Message(1, package(b"O", answer))]
        yield [Message(0, package(b"S", b"")), Message(1, package(b"S", b"\1"))]
        while True:
            time += 0.008
            values = [random.gauss(0, 1) for _ in range(joints)]
            data = struct.pack(f">Bd{joints}d", 1, time, *values)
            state = [Message(1, package(b"U", data))]
            if random.random() < 0.3:
                register = struct.pack(">Bid", 1, random.randrange(99), random.random())
                state.insert(0, Message(0, package(b"U", register)))
            yield state

    return Device(exchanges, framings=("length:2,adjust=-2",) * 2)


def _iec104(setup: Random) -> Device:
    """Return an outstation of IEC 60870-5-104, which mostly speaks unasked."""
    station = setup.randint(1, 300)

    def exchanges(random: Random) -> Iterator[Exchange]:
        sent = 0
        yield [Message(0, b"\x68\4\7\0\0\0"), Message(1, b"\x68\4\x0b\0\0\0")]
        while True:
            count = random.choice((1, 1, 2, 5))
            body = b"".join(
                struct.pack("<HBfB", random.randrange(1000), 0, random.gauss(50, 2), 0)
                for _ in range(count)
            )
            asdu = struct.pack("<BBBBH", 13, count, 3, 0, station) + body
            made = [Message(1, struct.pack("<BBHH", 0x68, len(asdu) + 4, sent << 1, 0) + asdu)]
            sent += 1
            if sent % 3 == 0:
                made.append(Message(0, struct.pack("<BBHH", 0x68, 4, 1, sent << 1)))
            yield made

    return Device(exchanges, framings=("length:1,offset=1",) * 2)


def _m_bus(setup: Random) -> Device:
    """Return meters behind a converter: short frames of M-Bus ask, long frames answer."""
    meters = setup.sample(range(1, 250), 3)

    def exchanges(random: Random) -> Iterator[Exchange]:
        serial, volume = random.randrange(10**8), random.randrange(10**6)
        while True:
            meter, volume = random.choice(meters), volume + random.randrange(30)
            asked = bytes([random.choice((0x5B, 0x7B)), meter])
            values = [b"\x0c\x13" + bytes.fromhex(f"{volume:08d}")[::-1]]
            values += [
                b"\x0b\x3b" + bytes.fromhex(f"{random.randrange(10**6):06d}")
                for _ in range(random.randrange(4))
            ]
            body = bytes([8, meter, 0x72]) + bytes.fromhex(f"{serial:08d}") + b"\x2d\x2c\x01\x07\x55\0\0\0"
            body += b"".join(values)
            yield [Message(0, raw.m_bus_frame(asked)), Message(1, raw.m_bus_frame(body))]

    answer = r"length:1,offset=1,adjust=4,check=sum8,check-from=4,check-tail=\x16"
    return Device(exchanges, BOTH, ("fixed:5", answer))


def _opc_ua(setup: Random) -> Device:
    """Return a server of OPC UA: binary messages in one chunk each."""
    channel = setup.randrange(1, 10**6)

    def exchanges(random: Random) -> Iterator[Exchange]:
        def message(side: Side, body: bytes, kind: bytes = b"MSGF") -> Message:
            return Message(side, kind + struct.pack("<I", len(body) + 8) + body)

        hello = struct.pack("<5I", 0, 65536, 65536, 0, 0)
        yield [
            message(0, hello + struct.pack("<I", 24) + b"opc.tcp://10.0.0.7:4840/", b"HELF"),
            message(1, hello, b"ACKF"),
        ]
        number = 0
        while True:
            number += 1
            head = struct.pack("<IIII", channel, 1, number + 50, number)
            node = struct.pack("<BBHH", 1, 0, 631, random.randrange(50)) + b"\0" * random.choice(
                (12, 30, 31)
            )
            value = struct.pack("<BBHId", 1, 0, 634, number, random.random()) * random.randint(1, 3)
            yield [message(0, head + node), message(1, head + value)]

    return Device(exchanges, framings=("length:4,little,offset=4,adjust=-8",) * 2)


def _mqtt(setup: Random) -> Device:
    """Return a client of an MQTT broker, which publishes; the broker acknowledges."""
    topic = setup.choice((b"line1/robot/state", b"plant/a/temp"))

    def packet(head: int, body: bytes) -> bytes:
        size, digits = len(body), b""
        while True:
            digits += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
            size >>= 7
            if not size:
                return bytes([head]) + digits + body

    def exchanges(random: Random) -> Iterator[Exchange]:
        connect = b"\0\4MQTT\4\2\0\x3c\0\7robot-1"
        yield [Message(0, packet(0x10, connect)), Message(1, b"\x20\2\0\0")]
        number = 0
        while True:
            number += 1
            if random.random() < 0.1:
                yield [Message(0, b"\xc0\0"), Message(1, b"\xd0\0")]
                continue
            payload = json.dumps({"t": random.random(), "log": "x" * random.choice((0, 5, 120))}).encode()
            body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", number) + payload
            yield [Message(0, packet(0x32, body)), Message(1, b"\x40\2" + struct.pack(">H", number))]

    return Device(exchanges, framings=("length:varint,offset=1",) * 2)


def _cola(setup: Random) -> Device:
    """Return a scanner of SICK: CoLa B, four STX, a length, the telegram, and its XOR."""
    variable = setup.choice((b"LMDscandata", b"DeviceTime", b"SCdevicestate"))

    def content(random: Random) -> texts.Said:
        while True:
            values = struct.pack(">HI", random.randrange(9), random.randrange(10**6))
            points = random.choice((0, 4, 31))
            values += struct.pack(f">{points}H", *(random.randrange(500, 4000) for _ in range(points)))
            yield b"sRN " + variable, [b"sRA " + variable + b" " + values]

    def wrap(side: Side, body: bytes) -> bytes:
        return b"\2\2\2\2" + struct.pack(">I", len(body)) + body + CHECKSUMS["xor"].encode(body)

    notation = r"length:4,offset=4,sync=\x02\x02\x02\x02,adjust=1,check=xor"
    return dialogue(content, wrap, BOTH, (notation, notation))


def _simple_message(setup: Random) -> Device:
    """Return a robot controller of ROS-Industrial: simple_message, a length, a header, and data."""
    joints = setup.choice((6, 10))

    def content(random: Random) -> texts.Said:
        number = 0
        while True:
            number += 1
            values = struct.pack(f"<{joints}f", *(random.gauss(0, 1) for _ in range(joints)))
            asked = struct.pack("<IIII", 11, 2, 0, number) + values + struct.pack("<ff", 0.1, 2.0)
            yield asked, [struct.pack("<IIII", 11, 3, 1, 0)]
            if random.random() < 0.5:
                yield None, [struct.pack("<IIII", 13, 1, 0, number) + bytes(20 * random.randrange(3))]

    def wrap(side: Side, body: bytes) -> bytes:
        return struct.pack("<I", len(body)) + body

    return dialogue(content, wrap, framings=("length:4,little",) * 2)


def _drive(setup: Random) -> Device:
    """Return a drive whose telegrams begin with AA 55, count themselves, and end with CRC-16."""
    check, content = CHECKSUMS["crc-16/modbus"], raw.opcodes(setup)

    def wrap(side: Side, body: bytes) -> bytes:
        whole = b"\xaa\x55" + bytes([len(body) + 5]) + body
        return whole + check.encode(whole)

    return dialogue(content, wrap, BOTH, ("length:1,offset=2,adjust=-3,check=crc-16/modbus",) * 2)


def _family(name: str, make: Callable[[Random], Device]) -> Family:
    return Family(name, _GROUP, make)


PROTOCOLS: Final = (
    _family("ads", _ads),
    _family("ethernet-ip", _ethernet_ip),
    _family("rtde", _rtde),
    _family("iec-104", _iec104),
    _family("m-bus", _m_bus),
    _family("opc-ua", _opc_ua),
    _family("mqtt", _mqtt),
    _family("cola-b", _cola),
    _family("simple-message", _simple_message),
    _family("drive-telegrams", _drive),
)
