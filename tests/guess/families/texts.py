"""The words of devices that speak text: cameras, scales, meters, robots, and controllers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random

from tests.guess.talk import Content

__all__ = [
    "camera",
    "gauge",
    "host_link",
    "json_rpc",
    "json_status",
    "korean",
    "meter",
    "readings",
    "robot",
    "scale",
    "sensor_events",
    "xml_status",
]

Said = Iterator[tuple[bytes | None, Sequence[bytes]]]


def camera(setup: Random) -> Content:
    """Return the words of a camera, which has its own separator and verbs, and now and then an event."""
    mark = setup.choice((",", ",", " ", ";"))
    trigger, good, bad = setup.choice((("TRG", "OK", "NG"), ("T1", "T1", "ER"), ("MEAS", "PASS", "FAIL")))
    digits = setup.randint(1, 3)
    alarms = setup.random() < 0.3

    def talk(random: Random) -> Said:
        while True:
            job = random.randint(1, 20)
            match random.randrange(8):
                case 0:
                    yield mark.join(("LAMP", random.choice(("ON", "OFF")))).encode(), [b"LAMP" + b" OK"]
                case 1:
                    text = mark.join((bad, str(random.randint(1, 99)), random.choice(("no part", "dark"))))
                    yield mark.join((trigger, str(job))).encode(), [text.encode()]
                case 2 if alarms:
                    yield None, [mark.join(("ALM", str(random.randint(1, 30)))).encode()]
                case _:
                    values = [random.uniform(-400, 400) for _ in range(3)]
                    text = mark.join([good, *(f"{each:.{digits}f}" for each in values)])
                    yield mark.join((trigger, str(job))).encode(), [text.encode()]

    return talk


def scale(setup: Random) -> Content:
    """Return the words of a scale by MT-SICS."""
    full = setup.choice((60.0, 220.0, 6200.0))
    serial = f'"B{setup.randrange(10**9):09d}"'

    def talk(random: Random) -> Said:
        weight = random.uniform(0, full)
        while True:
            weight = min(full, max(0.0, weight + random.gauss(0, full / 50)))
            match random.randrange(9):
                case 0:
                    yield b"Z", [b"Z A"]
                case 1:
                    yield b"T", [f"T S {weight:10.2f} g".encode()]
                case 2:
                    yield b"I4", [f"I4 A {serial}".encode()]
                case 3:
                    yield b"S", [b"S I"]
                case _:
                    stable = random.choice("SSD")
                    yield random.choice((b"S", b"SI")), [f"S {stable} {weight:10.2f} g".encode()]

    return talk


def readings(setup: Random) -> Content:
    """Return the words of a vision system by the habit of KEYENCE: an echo, then numbers."""
    count = setup.randint(1, 6)

    def talk(random: Random) -> Said:
        while True:
            match random.randrange(6):
                case 0:
                    number = random.randrange(1000)
                    yield b"PW,1,%03d" % number, [b"PW"]
                case 1:
                    yield b"RM", [b"RM,%d" % random.randrange(2)]
                case 2:
                    yield b"EXW,%d" % random.randrange(200), [b"ER,EXW,22"]
                case _:
                    values = ",".join(f"{random.uniform(-99, 999):.3f}" for _ in range(count))
                    yield b"T1", [b"T1", values.encode()]

    return talk


def meter(setup: Random) -> Content:
    """Return the words of an instrument by SCPI. What is set has no answer."""
    identity = (
        f"ACME,{setup.choice(('DMM', 'PSU', 'SMU'))}-{setup.randrange(10000)},{setup.randrange(10**6)},1.2"
    )

    def talk(random: Random) -> Said:
        while True:
            match random.randrange(7):
                case 0:
                    yield b"*IDN?", [identity.encode()]
                case 1:
                    yield b"SYST:ERR?", [b'+0,"No error"']
                case 2:
                    yield f"VOLT:RANG {random.choice((0.1, 1, 10, 100))}".encode(), []
                case 3:
                    values = ",".join(f"{random.gauss(5, 1):+.8E}" for _ in range(random.randint(2, 12)))
                    yield b"FETC?", [values.encode()]
                case _:
                    yield b"MEAS:VOLT:DC?", [f"{random.gauss(5, 1):+.8E}".encode()]

    return talk


def robot(setup: Random) -> Content:
    """Return the words of a robot that is moved."""
    axes = setup.choice(("XYZ", "XYZR", "ABC"))
    done = setup.choice((b"DONE", b"ACK", b"0"))

    def talk(random: Random) -> Said:
        while True:
            match random.randrange(6):
                case 0:
                    yield b"STATUS", [b"STATUS " + random.choice((b"IDLE", b"MOVING", b"ESTOP"))]
                case 1:
                    yield b"HOME", [done]
                case 2:
                    yield b"GRIP %d" % random.randrange(101), [b"ERR %d" % random.randint(1, 12)]
                case _:
                    places = " ".join(f"{axis}{random.uniform(-500, 500):.2f}" for axis in axes)
                    yield f"MOVE {places}".encode(), [done]

    return talk


def gauge(setup: Random) -> Content:
    """Return the words of a gauge with short words and numbers of fixed width."""
    unit = setup.choice((b"mbar", b"mm", b"degC"))

    def talk(random: Random) -> Said:
        while True:
            channel = random.randint(1, 6)
            value = b"%s,%.4E" % (random.choice((b"0", b"0", b"0", b"5")), random.uniform(1e-9, 1e3))
            if random.random() < 0.2:
                yield b"UNI", [unit]
            else:
                yield b"PR%d" % channel, [value]

    return talk


def korean(setup: Random, encoding: str) -> Content:
    """Return the words of a program that speaks Korean."""
    parts = setup.sample(("하우징", "커버", "기판", "렌즈", "브라켓", "나사"), 4)

    def talk(random: Random) -> Said:
        while True:
            part = random.choice(parts)
            match random.randrange(5):
                case 0:
                    asked, answer = "상태", random.choice(("대기", "운전중", "비상정지"))
                case 1:
                    asked, answer = f"검사,{part}", f"불량,{random.choice(('스크래치', '치수', '누락'))}"
                case _:
                    asked = f"검사,{part}"
                    answer = f"양품,{random.uniform(0, 30):.2f},{random.randint(0, 999)}"
            yield asked.encode(encoding), [answer.encode(encoding)]

    return talk


def sensor_events(setup: Random) -> Content:
    """Return the sentences of a receiver by NMEA 0183, without their frame. Nobody asks it."""
    talker = setup.choice(("GP", "GN", "II"))

    def talk(random: Random) -> Said:
        seconds = random.randrange(86000)
        while True:
            seconds += 1
            clock = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.00"
            place = f"{3700 + random.random():.4f},N,{12700 + random.random():.4f},E"
            kind = random.choice(("GGA", "RMC", "HDT", "VTG"))
            course, speed, height = random.uniform(0, 360), random.uniform(0, 9), random.uniform(30, 40)
            text = {
                "GGA": f"{clock},{place},1,{random.randint(4, 12):02d},0.9,{height:.1f},M,,M,,",
                "RMC": f"{clock},A,{place},{speed:.2f},{course:.1f},291126,,",
                "HDT": f"{course:.1f},T",
                "VTG": f"{course:.1f},T,,M,{speed:.1f},N",
            }[kind]
            yield None, [f"{talker}{kind},{text}".encode()]

    return talk


def host_link(setup: Random) -> Content:
    """Return the words of a controller by Omron's host link, without their frame."""
    unit = setup.randrange(3)

    def talk(random: Random) -> Said:
        while True:
            count = random.randint(1, 6)
            words = "".join(f"{random.randrange(5000):04X}" for _ in range(count))
            if random.random() < 0.3:
                yield (
                    f"{unit:02d}WD{random.randrange(100):04d}{words}".encode(),
                    [f"{unit:02d}WD00".encode()],
                )
            else:
                asked = f"{unit:02d}RD{random.randrange(100):04d}{count:04d}"
                yield asked.encode(), [f"{unit:02d}RD00{words}".encode()]

    return talk


def json_rpc(setup: Random) -> Content:
    """Return requests and replies of JSON-RPC 2.0."""
    blank = setup.choice(((",", ":"), (", ", ": ")))

    def talk(random: Random) -> Said:
        number = random.randrange(100)
        while True:
            number += 1
            method, params = random.choice(
                (("locate", {"job": random.randrange(20)}), ("status", {}), ("move", [random.random()]))
            )
            result = random.choice((None, {"x": random.uniform(0, 99), "text": "라인 1"}, [1, 2, "a}b"]))
            asked = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
            answer = {"jsonrpc": "2.0", "result": result, "id": number}
            reply = json.dumps(answer, separators=blank, ensure_ascii=False)
            yield json.dumps(asked, separators=blank).encode(), [reply.encode()]

    return talk


def json_status(setup: Random) -> Content:
    """Return the objects of a controller of its own making."""
    word = setup.choice(("cmd", "Command", "type"))

    def talk(random: Random) -> Said:
        while True:
            axis = random.choice("XYZ")
            asked = {word: random.choice(("get", "set", "stop")), "axis": axis, "n": random.randrange(1000)}
            answer = {
                word: "state",
                "pos": [round(random.uniform(-99, 99), 3) for _ in range(random.randint(1, 4))],
                "error": random.choice((None, {"code": random.randrange(99), "text": "limit"})),
            }
            yield json.dumps(asked).encode(), [json.dumps(answer).encode()]

    return talk


def xml_status(setup: Random, root: str | None = None) -> Content:
    """Return the documents of a robot controller."""
    asked_root, root = ("Sen", "Rob") if root is None else (root, root)
    pretty = "\r\n" if setup.random() < 0.3 else ""

    def talk(random: Random) -> Said:
        while True:
            place = " ".join(f'{axis}="{random.uniform(-900, 900):.3f}"' for axis in "XYZ")
            ask = f"<{asked_root}><Go {place}/>{pretty}<Id>{random.randrange(10**6)}</Id></{asked_root}>"
            answer = f'<{root} Type="KUKA">{pretty}<Pos {place}/><Ok>{random.randrange(2)}</Ok></{root}>'
            yield ask.encode(), [answer.encode()]

    return talk
