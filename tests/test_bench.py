"""The benchmarks run and measure; no test here judges a figure."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from attrs import evolve

from tcpcomm.codec.json.engines import ENGINES
from tests.bench import (
    fanout,
    host,
    json_engines,
    large,
    many,
    modbus,
    monitor,
    outbox,
    plot,
    record,
    secs,
    typed,
    workers,
)
from tests.bench.decode import CHUNK, FAMILIES, Family, Workload
from tests.bench.echo import (
    LOADS,
    EchoFigures,
    EchoResults,
    Load,
    load_command,
    measure,
    put_load,
    start,
)
from tests.bench.measure import Series, interleaved
from tests.bench.native import Toolchain
from tests.bench.peers import PEERS, Peer
from tests.bench.processes import BenchmarkFailed, Child, child_environment
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison, with_section
from tests.conftest import skip

TIMEOUT = 30.0
NO_COMPILER = "there is no C compiler today"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    return Toolchain.find(tmp_path_factory.mktemp("programs"))


@pytest.fixture(params=["C", "Python"])
def generator_tools(request: pytest.FixtureRequest, tools: Toolchain) -> Toolchain:
    if request.param == "Python":
        return evolve(tools, compiler=None, missing=NO_COMPILER)
    if tools.compiler is None:
        skip(tools.missing, for_comparison=True)
    return tools


def needs(peer: Peer, tools: Toolchain | None = None) -> None:
    """Skip unless this peer can run here."""
    if reason := peer.missing(tools):
        skip(reason, for_comparison=True)


@pytest.fixture(params=PEERS, ids=lambda peer: peer.name)
def server(request: pytest.FixtureRequest, tools: Toolchain) -> Iterator[Child]:
    peer: Peer = request.param
    needs(peer, tools)
    with start(peer, tools) as child:
        yield child


def test_a_quick_look_at_decoding_prints_a_table_for_each_family() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "--only", "decode"],
        env=child_environment(),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    titles = [line[4:] for line in result.stdout.splitlines() if line.startswith("### ")]
    assert titles == [family.title for family in FAMILIES]
    for family in FAMILIES:
        for name in family.peers:
            assert f"| {name} " in result.stdout


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.title)
@pytest.mark.parametrize("chunk", [7, CHUNK, None])
def test_every_decoder_delivers_the_frames_that_were_sent(family: Family, chunk: int | None) -> None:
    workload = Workload("short", (0, 50), 40, chunk=chunk)
    payloads = workload.payloads()
    for name, drive in family.peers.items():
        frames: list[bytes] = []
        drive(workload.chunks(family.framing, payloads), frames.append)
        assert (name, frames) == (name, payloads)


def test_every_echo_server_sends_back_each_frame_and_ends_with_its_input(server: Child) -> None:
    wire = b"\0\0\0\5hello" + b"\0\0\0\0" + b"\0\0\0\3abc"
    address = ("127.0.0.1", int(server.line(TIMEOUT)))
    with socket.create_connection(address, timeout=TIMEOUT) as connection:
        for start_of_piece in range(0, len(wire), 6):
            connection.sendall(wire[start_of_piece : start_of_piece + 6])
        with connection.makefile("rb") as stream:
            assert stream.read(len(wire)) == wire
    assert float(server.ask("cpu", TIMEOUT)) > 0
    assert server.stop() == 0


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.title)
def test_a_load_is_sent_to_the_last_frame(load: Load, tools: Toolchain, generator_tools: Toolchain) -> None:
    few = evolve(load, frames=20)
    with start(PEERS[0], tools) as server:
        port = int(server.line(TIMEOUT))
        with Child("load", load_command(few, port, generator_tools)) as generator:
            assert generator.line(TIMEOUT) == "ready"
            assert f'"frames": {20 * load.connections},' in generator.ask("go", TIMEOUT)
        assert put_load(server, port, few, generator_tools).cpu > 0


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda data: data[:-1] + b"?", "the server sent other bytes than expected"),
        (lambda data: data + data, "the server sent more than it was asked for"),
        (lambda data: b"", "the server closed the connection"),
    ],
)
def test_a_load_fails_on_a_server_that_does_not_echo(
    answer: object, complaint: str, generator_tools: Toolchain
) -> None:
    assert callable(answer)

    def serve(listener: socket.socket) -> None:
        connection = listener.accept()[0]
        with connection:
            connection.sendall(answer(connection.recv(1000)))
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(TIMEOUT)
            while connection.recv(1000):
                pass

    load = Load("one frame at a time", 1, 1, 10)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        thread = Thread(target=serve, args=(listener,))
        thread.start()
        with (
            Child("load", load_command(load, listener.getsockname()[1], generator_tools)) as generator,
            pytest.raises(BenchmarkFailed, match=complaint),
        ):
            generator.line(TIMEOUT)
        thread.join(TIMEOUT)


def test_peers_that_cannot_run_are_listed_with_the_reason(tools: Toolchain) -> None:
    absent = evolve(tools, compiler=None, missing=NO_COMPILER)
    assert PEERS[-1].missing(absent) == NO_COMPILER
    peer = Peer("other", "other", needs="no_such_module")
    assert peer.missing(tools) == "no_such_module is not installed"
    two = [PEERS[0], PEERS[-1]]
    results = measure(two, LOADS[:1], rounds=1, shrink=10_000, progress=lambda _: None, tools=absent)
    assert [PEERS[0].name] == [*results.figures[LOADS[0].title]]
    assert results.skipped[PEERS[-1].name] == NO_COMPILER
    assert results.generator == f"a Python program, for {NO_COMPILER}"


def test_rounds_are_interleaved_and_each_begins_with_another_run() -> None:
    order: list[str] = []

    def run(name: str) -> int:
        order.append(name)
        return len(order)

    results = interleaved({name: partial(run, name) for name in "abc"}, rounds=3, once=["b"])
    assert order == ["a", "b", "c", "c", "a", "c", "a"]
    assert results == {"a": [1, 5, 7], "b": [2], "c": [3, 4, 6]}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    ours, theirs = Series([1.0, 10.0, 3.0]), Series([2.0, 30.0, 12.0])
    assert theirs.over(ours) == 3.0
    assert Series([8.0]).over(ours) == 8.0


def test_a_target_is_reached_at_its_bound() -> None:
    assert [Target("", 2.0, 2.0).reached, Target("", 1.9, 2.0).reached] == [True, False]
    assert [Target("", 0.6, 0.6, at_least=False).reached, Target("", 0.7, 0.6, at_least=False).reached] == [
        True,
        False,
    ]


@pytest.mark.parametrize("peer", typed.PEERS, ids=lambda peer: peer.name)
def test_every_typed_server_answers_each_command(
    peer: Peer, tools: Toolchain, generator_tools: Toolchain
) -> None:
    needs(peer, tools)
    with start(peer, tools) as server:
        port = int(server.line(TIMEOUT))
        for load in typed.LOADS:
            assert put_load(server, port, evolve(load, frames=20), generator_tools).cpu > 0


def test_typed_servers_are_held_to_the_receiver_by_hand_on_their_transport() -> None:
    servers = {
        name: EchoFigures(Series([cpu]), Series([1.0]), None, None)
        for name, cpu in (
            (typed.OURS, 2.0),
            (typed.AT_ONCE_BY_HAND, 1.0),
            (typed.NATIVE, 3.0),
            (typed.NATIVE_BY_HAND, 1.0),
            (typed.TWISTEDS, 4.0),
            (typed.BY_HAND, 1.0),
            (typed.SINSTRUMENTS, 4.0),
        )
    }
    results = EchoResults(1, "C", {}, {load.title: servers for load in typed.LOADS})
    assert [
        (2.0, 0.95),
        (3.0, 0.95),
        (4.0, 0.95),
        (0.5, 0.67),
        (2.0, 1.2),
        (3.0, 1.2),
        (4.0, 1.2),
        (0.5, 1.0),
    ] == [(target.measured, target.bound) for target in typed.targets(results)]


@pytest.mark.parametrize("load", host.LOADS, ids=lambda load: load.title)
@pytest.mark.parametrize("peer", host.CLIENTS, ids=lambda peer: peer.name)
def test_every_client_of_the_host_gets_each_position(peer: Peer, load: host.Load) -> None:
    needs(peer)
    with start(host.SERVER) as server:
        spent = host.ask(peer, server.line(TIMEOUT), evolve(load, commands=130))
    assert spent.cpu > 0
    assert spent.wall > 0


def test_a_peer_is_compared_with_its_own_baseline() -> None:
    figures = {name: Series([value]) for name, value in (("a", 2.0), ("b", 3.0), ("c", 1.0))}
    column = Column("CPU", figures, 1, {"a": "c", "b": "absent"})
    assert ["2.0 (2.00 ×)", "3.0", "1.0"] == [column.cell(name) for name in figures]


def test_one_part_of_the_page_is_replaced_alone() -> None:
    before, after = "# A\n\n## Echo\n\nx\n\n", "## Where something else is cheaper\n\ny\n"
    once = with_section(before + after, "Typed commands", "## Typed commands\n\nold\n")
    assert f"{before}## Typed commands\n\nold\n\n{after}" == once
    assert once.replace("old", r"\1") == with_section(once, "Typed commands", "## Typed commands\n\n\\1\n")


def test_a_part_of_the_page_lists_its_targets_and_cheaper_peers() -> None:
    cpu = Column("CPU", {"tcpcomm": Series([2.0, 2.0]), "other": Series([1.0, 3.0])}, 1, "other")
    part = Section(
        "Title",
        "Text.\n",
        [comparison("Server", [cpu])],
        [Target("Half", 0.5, 1.0)],
        cpu.cheaper(["tcpcomm"]),
    )
    assert (
        "## Title\n\nText.\n\n"
        "| Target | Bound | Measured |  |\n| --- | ---: | ---: | ---: |\n"
        "| Half | ≥ 1 | 0.50 | **missed** |\n\n"
        "| Server | CPU |\n| --- | ---: |\n| tcpcomm | 2.0 (1.33 ×) |\n| other | 2.0 |\n"
    ) == part.page()
    dearer = Column("CPU", {"tcpcomm": Series([2.0]), "other": Series([1.0])})
    assert ["other (0.50 of ours)"] == dearer.cheaper(["tcpcomm"])


@pytest.mark.parametrize("peer", modbus.SERVERS, ids=lambda peer: peer.name)
def test_every_modbus_server_answers_each_request(
    peer: Peer, tools: Toolchain, generator_tools: Toolchain
) -> None:
    needs(peer, tools)
    with start(peer, tools) as server:
        port = int(server.line(TIMEOUT))
        assert put_load(server, port, evolve(modbus.LOAD, frames=20), generator_tools).cpu > 0


@pytest.mark.parametrize("peer", modbus.CLIENTS, ids=lambda peer: peer.name)
def test_every_modbus_client_reads_the_registers(peer: Peer) -> None:
    needs(peer)
    with start(modbus.SERVERS[0]) as server:
        program, module, name, *options = peer.command()
        command = [program, module, name, server.line(TIMEOUT), "10", *options]
        with Child(peer.name, command) as client:
            assert client.line(TIMEOUT) == "ready"
            assert '"frames": 10,' in client.ask("go", TIMEOUT)


@pytest.mark.parametrize(
    ("name", "peer"),
    [(name, peer) for name, peers in json_engines.SERVERS.items() for peer in peers],
    ids=lambda each: each.name if isinstance(each, Peer) else each,
)
def test_every_json_server_answers_each_command(
    name: str, peer: Peer, tools: Toolchain, generator_tools: Toolchain
) -> None:
    if reason := peer.missing(tools):
        pytest.skip(reason)
    with start(peer, tools) as server:
        port = int(server.line(TIMEOUT))
        load = evolve(json_engines.LOADS[name], frames=20)
        assert put_load(server, port, load, generator_tools).cpu > 0


def test_json_messages_are_measured_for_each_codec_and_engine() -> None:
    figures = json_engines.measure_messages(rounds=1, shrink=1000)
    columns = {f"{verb}, {engine}" for verb in ("write", "read") for engine in ENGINES}
    assert [
        f"{codec}, {each.title}" for codec in json_engines.CODECS for each in json_engines.MESSAGES
    ] == [*figures]
    assert all(columns == row.keys() for row in figures.values())


def test_secs_items_are_measured_in_each_step() -> None:
    figures = secs.measure_steps(rounds=1, shrink=1000)
    assert ["values to bytes", "items to bytes", "bytes to values"] == [*figures]
    assert all("tcpcomm" in row for row in figures.values())


@pytest.mark.parametrize("peer", fanout.PEERS, ids=lambda peer: peer.name)
def test_every_fan_out_sends_each_event_to_each_session(peer: Peer) -> None:
    needs(peer)
    with start(peer) as server, fanout.connected(int(server.line(TIMEOUT)), 10) as sessions:
        assert fanout.send_events(server, sessions, 3).cpu > 0


@pytest.mark.parametrize("sent", [False, True], ids=["received", "sent"])
@pytest.mark.parametrize("peer", large.PEERS, ids=lambda peer: peer.name)
def test_every_server_of_images_receives_and_sends_them(peer: Peer, sent: bool) -> None:
    needs(peer)
    assert large.transfer(peer, peer.command(), size=300_000, count=2, sent=sent).rate > 0


@pytest.mark.parametrize("kind", many.KINDS.values())
def test_an_idle_connection_takes_memory(kind: str) -> None:
    assert 0.1 < many.idle_memory(kind, 50) < 50


def test_links_that_send_heartbeats_take_cpu_and_memory() -> None:
    share, memory = many.link_cost(10, 10, 0.5)
    assert 0 < share < 1
    assert 1 < memory < 1000


def test_a_program_that_does_not_start_is_reported() -> None:
    with pytest.raises(BenchmarkFailed, match="never printed 'listening': what a pity"):
        many.seconds_to_start(
            [sys.executable, "-c", "print('what a pity')"], "listening", child_environment()
        )


def test_a_picture_shows_each_peer_that_was_measured(tmp_path: Path) -> None:
    if reason := plot.missing():
        skip(reason, for_comparison=True)
    cpu = EchoFigures(Series([1.0]), Series([1.0]), None, None)
    results = EchoResults(1, "C", {}, {load.title: dict.fromkeys(plot.SHOWN, cpu) for load in LOADS})
    plot.draw(results, LOADS, tmp_path / "a.svg")
    plot.draw(results, LOADS, tmp_path / "b.svg")
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    assert drawn == (tmp_path / "b.svg").read_text("utf-8")
    assert len(plot.SHOWN) <= drawn.count('<g id="line2d_')


def test_a_steady_load_is_measured_with_and_without_a_recorder(tools: Toolchain) -> None:
    if tools.compiler is None:
        skip(tools.missing, for_comparison=True)
    section = record.measure_record(rounds=1, shrink=25, progress=lambda text: None, tools=tools)
    assert record.RECORDED in section.page()
    assert 0 < section.targets[0].measured


def test_without_a_compiler_a_steady_load_is_not_measured(tools: Toolchain) -> None:
    without = evolve(tools, compiler=None, missing=NO_COMPILER)
    section = record.measure_record(rounds=1, progress=lambda text: None, tools=without)
    assert f"Not measured: {NO_COMPILER}." in section.page()


def test_a_page_of_a_monitor_gets_the_rows_that_are_measured() -> None:
    with start(Peer(monitor.ONE_PAGE, "monitored")) as server:
        ports = int(server.line(monitor.TIMEOUT)), int(server.line(monitor.TIMEOUT))
        found = monitor.run(server, ports, monitor.ONE_PAGE, 1000, 2.0)
    assert found.rate > 0
    assert found.shown
    assert found.lag


@pytest.mark.parametrize("load", workers.LOADS, ids=lambda load: load.title)
@pytest.mark.parametrize("peer", workers.PEERS, ids=lambda peer: peer.name)
def test_every_server_on_several_cores_answers_each_command(
    peer: Peer, load: Load, tools: Toolchain
) -> None:
    needs(peer, tools)
    with start(peer, tools) as server:
        assert put_load(server, int(server.line(TIMEOUT)), evolve(load, connections=4), tools).rate > 0


def test_one_gateway_is_measured_against_two(tools: Toolchain) -> None:
    if tools.compiler is None:
        assert {} == workers.measure_gateways(tools, links=4, requests=2, rounds=1)
        return
    figures = workers.measure_gateways(tools, links=4, requests=2, rounds=1)

    assert ["one process", "two processes"] == [*figures]
    assert all(each.rate.median > 0 for each in figures.values())


def test_an_outbox_and_sqlite_by_hand_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "GROUPS", {100: 200})
    section = outbox.measure_outbox(rounds=1, progress=lambda text: None)
    assert [each in section.page() for each in outbox.PEERS] == [True, True]
