"""A listener that hears the bytes of real sessions, so that tests compare what both tell."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from tcpcomm import ObservedMessage, SessionObserver
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.session.observer import Observers
from tcpcomm.testing import RecordingObserver
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech

__all__ = ["Heard", "Listener", "MessageRecorder", "facts_of_message"]


class Heard:
    """One overheard connection, and all that its observers were told."""

    def __init__(self, speech: Speech, *, from_beginning: bool = True) -> None:
        self.clock = Clock()
        self.observer = RecordingObserver()
        self.session = OverheardSession(peer="10.0.0.7:50432", target="10.0.0.9:9999", speech=speech)
        observers = Observers([self.observer])
        self.dissector = Dissector(self.session, observers, self.clock.seconds, clock=self.clock)
        self.dissector.open(from_beginning=from_beginning)

    def host(self, *chunks: bytes) -> None:
        """Let the host send chunks."""
        for each in chunks:
            self.dissector.feed(each, to_host=False)

    def equipment(self, *chunks: bytes) -> None:
        """Let the equipment send chunks."""
        for each in chunks:
            self.dissector.feed(each, to_host=True)

    @property
    def messages(self) -> list[ObservedMessage]:
        """The messages that were decoded."""
        return [entry[1] for entry in self.observer.only("message")]

    @property
    def told(self) -> list[str]:
        """The messages, one line each."""
        return [_text(each) for each in self.messages]


def _text(message: ObservedMessage) -> str:
    values = " ".join(f"{name}={value}" for name, value in message.values.items() if value is not None)
    answers = "" if message.answers is None else f"to {message.answers.frame.decode('latin-1')}"
    parts = ["<>"[message.sent], message.kind.value, message.name, values, answers, message.problem]
    return " | ".join(part for part in parts if part)


class Listener(SessionObserver):
    """Watches sessions of equipment, and hears the same bytes."""

    def __init__(self, declaration: Declaration) -> None:
        self.speech = Speech.declared(declaration)
        self.heartbeat = declaration.heartbeat
        self.live: list[ObservedMessage] = []
        self._heard: dict[Any, Heard] = {}

    def opened(self, session: Any) -> None:
        self._heard[session] = Heard(self.speech)

    def received(self, session: Any, data: bytes) -> None:
        self._heard[session].host(data)

    def sent(self, session: Any, data: bytes) -> None:
        self._heard[session].equipment(data)

    def message(self, session: Any, message: ObservedMessage) -> None:
        self.live.append(message)

    @property
    def heard(self) -> list[ObservedMessage]:
        """All messages that were overheard."""
        return [message for each in self._heard.values() for message in each.messages]


class MessageRecorder(SessionObserver):
    """Keeps all messages."""

    def __init__(self) -> None:
        self.messages: list[ObservedMessage] = []

    def message(self, session: Any, message: ObservedMessage) -> None:
        self.messages.append(message)


def facts_of_message(message: ObservedMessage) -> tuple[Any, ...]:
    """Return what a message tells, besides its time."""
    answered = None if message.answers is None else (message.answers.name, dict(message.answers.values))
    return message.kind, message.name, dict(message.values), message.frame, answered
