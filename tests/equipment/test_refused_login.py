"""A login that the equipment refuses: the error of a command, and the pauses between the attempts."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import Equipment, Login, LoginRefused, NotReady, command, link_of
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tests.equipment.declared import PORT, Bench


class Robot(Equipment):
    """A controller that says why it refuses a login, and keeps the connection."""

    framing = Delimited(b"\r\n")
    codec = Template()
    login = (Login(send="Login,{password}"), Login("#Login,0"))

    @command("GO", reply="OK")
    async def go(self) -> None:
        """Go."""
        raise NotImplementedError


class Controller(Protocol):
    """The real controller: it knows one password."""

    greeting = b""

    def connectionMade(self) -> None:
        if self.greeting:
            self.answer(self.greeting)

    def dataReceived(self, data: bytes) -> None:
        answers = {b"Login,123\r\n": b"#Login,0\r\n", b"GO\r\n": b"OK\r\n"}
        self.answer(answers.get(data, b"!Login,13\r\n"))

    def answer(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Controllers(Factory):
    """It counts the logins that were tried."""

    noisy = False

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.tried = 0

    def buildProtocol(self, addr: object) -> Controller:
        self.tried += 1
        controller = Controller()
        controller.greeting = self.greeting
        return controller


@pytest.fixture
def bench() -> Bench:
    return Bench()


def served(bench: Bench, greeting: bytes = b"") -> Controllers:
    controllers = Controllers(greeting)
    bench.camera.listening(PORT).listen(controllers)
    return controllers


def test_a_command_tells_that_the_login_was_refused(bench: Bench) -> None:
    """It failed with NotReady, as if the network were down."""
    served(bench)
    refused = bench.result(bench.remote(Robot, credentials={"password": "12"}).go())
    assert LoginRefused is type(refused)
    assert isinstance(refused, NotReady)
    reason = "the login was refused: the equipment said '!Login,13', but '#Login,0' was expected"
    assert reason in str(refused)


def test_a_command_of_a_link_that_logs_in_later_succeeds(bench: Bench) -> None:
    served(bench)
    assert bench.result(bench.remote(Robot, credentials={"password": "123"}).go()) is None


def test_wrong_credentials_are_tried_ever_more_rarely(bench: Bench) -> None:
    """They were tried 19 times in 5 seconds, which locks an account."""
    controllers = served(bench)
    robot: Any = bench.remote(Robot, credentials={"password": "12"})
    counts = []
    for seconds in (4.0, 4.0, 10.0, 20.0, 40.0, 60.0, 60.0):
        bench.network.advance(seconds)
        counts.append(controllers.tried)
    assert [1, 2, 3, 4, 5, 6, 7] == counts
    link_of(robot).kick()
    bench.network.advance(1.0)
    assert controllers.tried == 8


def test_a_text_before_the_credentials_is_no_reason_to_wait(bench: Bench) -> None:
    """A controller that starts says BUSY for a moment: it is dialled soon again."""

    class Greeting(Robot):
        login = (Login("READY", "Login,{password}"), Login("#Login,0"))

    controllers = served(bench, b"BUSY\r\n")
    bench.remote(Greeting, credentials={"password": "123"})
    bench.network.advance(5.0)
    assert controllers.tried > 2
