"""Sessions of a recording, each on a connection of its own, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import ConfigurationError, Recorder, Recording
from tcpcomm.framing import Delimited
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.session.observer import Observers
from tcpcomm.testing import Network, RecordingObserver
from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.replay.player import Player
from tcpcomm.tools.replay.replayer import Ended, ReplayRules, Verdict
from tcpcomm.tools.replay.script import playable
from tcpcomm.tools.send.host_view import HostSession

HOST, EQUIPMENT = True, False
LINES = Speech.framed(Delimited(b"\n"))
PORT = 9999

Talk = Sequence[tuple[bool, bytes]]


def record(path: Path, *talks: Talk, at_once: bool = False) -> Path:
    """Record sessions, one after the other, or all of them at once."""
    with Recorder(path) as recorder:
        open_ones = []
        for number, talk in enumerate(talks):
            session = OverheardSession(peer=f"10.0.0.7:{number}", target="10.0.0.9:1", speech=LINES)
            dissector = Dissector(session, Observers([recorder]), count().__next__)
            dissector.open()
            for from_host, data in talk:
                dissector.feed(data, to_host=not from_host)
            if at_once:
                open_ones.append(dissector)
            else:
                dissector.close("the end")
        for dissector in open_ones:
            dissector.close("the end")
    return path


class Answering(Protocol):
    """Equipment that answers each line with itself in capitals."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data.upper())


class Asking(Protocol):
    """A host that sends what it has to say at once."""

    def __init__(self, says: bytes) -> None:
        self._says = says

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._says)


class Bench:
    """A network with a machine that plays and another one."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.here, self.there = network.machine("here"), network.machine("there")
        self.seen = RecordingObserver()

    def player(self, path: Path, *, plays_host: bool, **options: Any) -> Player:
        recording = Recording(path)
        return Player(
            recording,
            playable(recording),
            LINES,
            plays_host=plays_host,
            rules=ReplayRules(speed=1000.0, patience=3.0),
            clock=self.here.clock,
            observers=[self.seen],
            **options,
        )

    def connect(self, player: Player) -> Ended:
        done: list[Any] = []
        playing = player.connect(self.here.connecting(self.there, PORT), wait=4.0)
        Deferred.fromCoroutine(playing).addBoth(done.append)
        assert self.network.run_until(lambda: bool(done), within=100.0)
        ended: Ended = done[0]
        return ended

    def serve(self, kind: type[Protocol] = Answering) -> None:
        self.there.listening(PORT).listen(Factory.forProtocol(kind))

    def ask(self, says: bytes) -> Protocol:
        factory = Factory()
        asking = Asking(says)
        factory.buildProtocol = lambda _: asking  # type: ignore
        self.there.connecting(self.here, PORT).connect(factory)
        self.network.advance(1.0)
        return asking


@pytest.fixture
def bench(simulated_network: Network) -> Bench:  # noqa: F811
    return Bench(simulated_network)


ONE = ((HOST, b"a\n"), (EQUIPMENT, b"A\n"))
TWO = ((HOST, b"b\n"), (EQUIPMENT, b"B\n"))


def test_sessions_are_played_one_after_the_other(bench: Bench, tmp_path: Path) -> None:
    bench.serve()
    player = bench.player(record(tmp_path / "line.tcpcomm", ONE, TWO), plays_host=True)
    assert Verdict.SAME is bench.connect(player).verdict
    assert (2, 4) == (player.sessions_done, player.steps_done)
    kinds = [entry[0] for entry in bench.seen.log if entry[0] in ("opened", "closed")]
    assert ["opened", "closed", "opened"] == kinds[:3]


def test_sessions_that_were_open_at_once_are_played_at_once(bench: Bench, tmp_path: Path) -> None:
    bench.serve()
    path = record(tmp_path / "line.tcpcomm", ONE, TWO, at_once=True)
    assert Verdict.SAME is bench.connect(bench.player(path, plays_host=True)).verdict
    kinds = [entry[0] for entry in bench.seen.log if entry[0] in ("opened", "closed")]
    assert ["opened", "opened"] == kinds[:2]


def test_the_session_that_differs_is_told(bench: Bench, tmp_path: Path) -> None:
    bench.serve()
    changed = ((HOST, b"b\n"), (EQUIPMENT, b"C\n"))
    player = bench.player(record(tmp_path / "line.tcpcomm", ONE, changed), plays_host=True)
    ended = bench.connect(player)
    assert ended.difference is not None
    assert (Verdict.DIFFERENT, 2) == (ended.verdict, ended.difference.session)


def test_a_host_that_connects_again_gets_the_next_session(bench: Bench, tmp_path: Path) -> None:
    player = bench.player(record(tmp_path / "line.tcpcomm", ONE, TWO), plays_host=False)
    bench.here.listening(PORT).listen(player.factory)
    bench.ask(b"a\n")
    assert not player.finished.called
    bench.ask(b"b\n")
    assert player.finished.called
    assert Verdict.SAME is player.finished.result.verdict


def test_a_connection_too_many_is_closed(bench: Bench, tmp_path: Path) -> None:
    player = bench.player(record(tmp_path / "line.tcpcomm", ONE), plays_host=False)
    bench.here.listening(PORT).listen(player.factory)
    bench.ask(b"a\n")
    late = bench.ask(b"a\n")
    assert late.transport is not None
    assert not late.transport.connected  # type: ignore[attr-defined]


def test_nobody_there_is_no_link(bench: Bench, tmp_path: Path) -> None:
    path = record(tmp_path / "line.tcpcomm", ONE)
    refused = bench.connect(bench.player(path, plays_host=True))
    assert (Verdict.NO_LINK, True) == (refused.verdict, refused.problem.startswith("refused"))
    bench.there.pull()
    absent = bench.connect(bench.player(path, plays_host=True))
    assert Ended(Verdict.NO_LINK, None, "no answer within 4 s: cable, power or address") == absent


def test_a_peer_without_the_key_is_no_link(bench: Bench, tmp_path: Path) -> None:
    bench.serve(Protocol)
    keys = PreSharedKeys("tester", {"camera": b"0123456789abcdef"})
    player = bench.player(record(tmp_path / "line.tcpcomm", ONE), plays_host=True, keys=keys)
    ended = bench.connect(player)
    assert (Verdict.NO_LINK, "the peer was not proven within 10 s") == (ended.verdict, ended.problem)


def test_sessions_of_several_kinds_must_be_named(tmp_path: Path) -> None:
    path = record(tmp_path / "line.tcpcomm", ONE)
    with Recorder(path) as recorder:
        session = HostSession(peer="10.0.0.8:1", target="10.0.0.9:2", speech=LINES)
        dissector = Dissector(session, Observers([recorder]), count().__next__)
        dissector.open()
        dissector.feed(b"x\n", to_host=False)
    with Recording(path) as recording:
        with pytest.raises(ConfigurationError, match="sessions of several kinds: name those to play"):
            playable(recording)
        assert [2] == [each.number for each in playable(recording, [2])]
