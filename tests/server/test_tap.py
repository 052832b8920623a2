"""The options of ``twistd tcpcomm`` make a service, or show all mistakes at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from twisted.application.service import Application
from twisted.internet.defer import succeed
from twisted.logger import ILogObserver, Logger, capturedLogs, formatEvent
from twisted.python.usage import Options as TwistdOptions

from tcpcomm.framing import Delimited, LengthPrefixed, Lines, Unframed
from tcpcomm.framing.autodetect import AutoDetect
from tcpcomm.net.error_texts import PORT_TAKEN
from tcpcomm.server.echo import EchoFactory, EchoProtocol
from tcpcomm.server.service import CannotListen
from tcpcomm.session.authentication import AuthenticatingFactory
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.limits import Limits
from tcpcomm.tap import Options, TwistdService, makeService
from tests.reactor import reactor
from tests.server.test_service import Port, in_use, place


def options(*words: str) -> Options:
    parsed = Options()
    parsed.parseOptions(words)
    return parsed


def session(*words: str) -> EchoProtocol:
    """Make a session of a server with these options."""
    factory = options(*words).factory
    assert isinstance(factory, EchoFactory)
    protocol = factory.buildProtocol(None)
    assert isinstance(protocol, EchoProtocol)
    return protocol


def refusal(*words: str) -> list[str]:
    """Return the problems that are printed, one on each line."""
    with pytest.raises(SystemExit) as ended:
        options(*words)
    assert isinstance(ended.value.code, str)  # printed on stderr, and the exit code is 1
    lines = ended.value.code.splitlines()
    assert all(line.startswith("twistd tcpcomm: ") for line in lines)
    return [line.removeprefix("twistd tcpcomm: ") for line in lines]


class TestDefaults:
    """Without options, the echo/command server runs for this machine."""

    def test_it_listens_at_port_9999_of_this_machine(self) -> None:
        assert ["tcp:9999:interface=127.0.0.1"] == [each.text for each in options().listeners]

    def test_it_serves_any_peer_in_utf_8(self) -> None:
        made = session()

        assert (AutoDetect(), 0.05) == (made.framing, made.gap)
        assert ("utf-8", Limits()) == (made.encoding, made.limits)

    def test_it_guesses_the_framing_after_a_fault_unless_that_is_switched_off(self) -> None:
        assert session().framing_hints
        assert not session("--no-framing-hints").framing_hints


class TestValues:
    """Each option changes one thing."""

    @pytest.mark.parametrize(
        ("words", "framing", "gap"),
        [
            (["--framing", "auto"], AutoDetect(), 0.05),
            (["-f", "lines"], Lines(), None),
            (["-f", r"delimited:\r"], Delimited(b"\r"), None),
            (["-f", "raw"], Unframed(), None),
            (["-f", "raw,join"], Unframed(join=True), 0.05),
            (["-f", "raw,join,max=99"], Unframed(join=True, max_frame=99), 0.05),
            (["-f", "lines", "--gap", "0.5"], Lines(), 0.5),
            (["--gap", "2"], AutoDetect(), 2.0),
            (["-g", "none"], AutoDetect(), None),
            (["--max-frame", "99"], AutoDetect(max_frame=99), 0.05),
            (["--max-frame", "99", "-f", "length:2"], LengthPrefixed(2, max_frame=99), None),
        ],
    )
    def test_framing_gap_and_max_frame(self, words: list[str], framing: Any, gap: float | None) -> None:
        made = session(*words)

        assert (framing, gap) == (made.framing, made.gap)

    @pytest.mark.parametrize(("text", "idle"), [("60", 60.0), ("0.5", 0.5), ("none", None)])
    def test_the_idle_timeout_changes_that_limit_only(self, text: str, idle: float | None) -> None:
        assert Limits(idle=idle) == session("--idle-timeout", text).limits

    def test_encoding(self) -> None:
        assert "cp949" == session("-e", "cp949").encoding

    def test_session_limits(self) -> None:
        factory = options("--max-sessions", "5", "--max-sessions-per-address", "2").factory

        assert isinstance(factory, FrameFactory)
        assert (5, 2) == (factory.admission.max_sessions, factory.admission.max_sessions_per_address)

    @pytest.mark.parametrize(
        ("words", "allow"),
        [
            ([], None),
            (["--allow", "any"], None),
            (
                ["--allow", "10.0.0.5", "--allow", "fe80::/10"],
                (ip_network("10.0.0.5"), ip_network("fe80::/10")),
            ),
        ],
    )
    def test_allowed_networks(self, words: list[str], allow: object) -> None:
        factory = options(*words).factory

        assert isinstance(factory, FrameFactory)
        assert allow == factory.admission.networks

    def test_places_to_listen_at(self) -> None:
        words = ("--listen", "tcp:1:interface=127.0.0.1", "-l", "unix:/run/socket")

        assert ["tcp:1:interface=127.0.0.1", "unix:/run/socket"] == [
            each.text for each in options(*words).listeners
        ]

    def test_a_port_alone_is_for_this_machine(self) -> None:
        found = options("--port", "24690", "-p", "0", "--listen", "tcp:1:interface=127.0.0.1").listeners
        assert [
            ("tcp:24690:interface=127.0.0.1", True),
            ("tcp:0:interface=127.0.0.1", True),
            ("tcp:1:interface=127.0.0.1", True),
        ] == [(each.text, each.local) for each in found]

    @pytest.mark.parametrize("allow", ["any", "192.168.0.0/24"])
    def test_with_allow_a_place_may_be_beyond_this_machine(self, allow: str) -> None:
        assert [False] == [each.local for each in options("-l", "tcp:1", "--allow", allow).listeners]

    def test_the_user_s_own_protocol_gets_only_the_options_that_were_given(self) -> None:
        app = "tcpcomm.session.presets:DelimitedProtocol"
        factory = options("--app", app, "--max-sessions", "3").factory

        assert isinstance(factory, FrameFactory)
        made: Any = factory.buildProtocol(None)
        assert (3, Delimited(b"\r\n"), None) == (factory.admission.max_sessions, made.framing, made.gap)


class TestPeers:
    """Peers prove themselves, and silent peers are disconnected."""

    @pytest.fixture
    def keys(self, tmp_path: Path) -> str:
        path = tmp_path / "keys"
        path.write_text(f"robot-1 {'ab' * 32}\n")
        return str(path)

    def factory(self, *words: str) -> FrameFactory:
        factory = options(*words).factory
        assert isinstance(factory, FrameFactory)
        return factory

    def test_keys_are_demanded_and_open_the_server_to_other_machines(self, keys: str) -> None:
        parsed = options("--psk", keys, "--name", "camera-1", "--listen", "tcp:1")
        factory = parsed.factory

        assert isinstance(factory, FrameFactory)
        assert factory.keys is not None
        assert ("camera-1", ["robot-1"]) == (factory.keys.name, [*factory.keys.keys])
        assert [False] == [each.local for each in parsed.listeners]

    def test_keys_guard_a_protocol_of_any_kind(self, keys: str) -> None:
        app = ("--app", "twisted.internet.protocol:Protocol")

        assert isinstance(options("--psk", keys, "--name", "camera-1", *app).factory, AuthenticatingFactory)

    def test_a_proven_peer_has_one_session_unless_evict_is_none(self, keys: str) -> None:
        with_keys = ("--psk", keys, "--name", "camera-1")

        assert ["none", "identity", "none", "address"] == [
            self.factory(*words).evict
            for words in ((), with_keys, (*with_keys, "--evict", "none"), ("--evict", "address"))
        ]

    def test_the_heartbeat_timeout(self) -> None:
        assert Heartbeats(1.0, 3.0) == session("--heartbeat-timeout", "3").heartbeats
        assert session().heartbeats is None
        assert session("--heartbeat-timeout", "none").heartbeats is None

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (["--name", "camera-1"], "--name has no effect without --psk FILE"),
            (["--psk", "{keys}"], "--psk needs --name NAME: the name that peers expect of this server"),
            (["--psk", "/no/such", "--name", "a"], "cannot read the keys in /no/such: "),
            (["--psk", "{keys}", "--name", "a b"], "'a b' cannot be a name: "),
            (["--evict", "all"], "--evict must be identity, address, none, not 'all'"),
            (
                ["--heartbeat-timeout", "0"],
                "--heartbeat-timeout must be seconds above 0, or 'none', not '0'",
            ),
            (
                ["--app", "twisted.internet.protocol:Protocol", "--heartbeat-timeout", "1"],
                "--app twisted.internet.protocol:Protocol: --heartbeat-timeout can be used only with Eq",
            ),
        ],
    )
    def test_wrong_values_are_refused(self, words: list[str], problem: str, keys: str) -> None:
        (told,) = refusal(*(word.format(keys=keys) for word in words))

        assert told.startswith(problem)


class TestRefusals:
    """Each mistake is a line that says what to do."""

    @pytest.mark.parametrize("count", ["0", "-1", "1.5", "many", "", "²", "99999999999"])
    @pytest.mark.parametrize("option", ["max-frame", "max-sessions", "max-sessions-per-address"])
    def test_counts(self, option: str, count: str) -> None:
        problem = f"--{option} must be a whole number above 0, not {count!r}"

        assert [problem] == refusal(f"--{option}", count)

    @pytest.mark.parametrize("seconds", ["0", "-1", "soon", "", "nan", "inf", "1e12"])
    @pytest.mark.parametrize("option", ["gap", "idle-timeout"])
    def test_seconds(self, option: str, seconds: str) -> None:
        assert [f"--{option} must be seconds above 0, or 'none', not {seconds!r}"] == refusal(
            f"--{option}", seconds
        )

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (["--framing", "foo"], "--framing: no framing is called 'foo'; there are lines, raw, "),
            (["--framing", "length"], "--framing: framing 'length': length needs a value, as in length:4"),
            (["--encoding", "klingon"], "--encoding: no text encoding is called 'klingon': use utf"),
            (["--encoding", "utf-16"], "--encoding: text in utf-16 can hold bytes that look like line"),
            (["--allow", "10.0.0.0/33"], "--allow: '10.0.0.0/33' is not a network such as 192.168.0.0/24"),
            (["--allow", "camera-1"], "--allow: 'camera-1' is not a network such as 192.168.0.0/24: "),
            (["--allow", "any", "--allow", "::1"], "--allow any opens the server to all: remove it"),
            (["--app", "no_such:Thing"], "--app no_such:Thing: cannot import no_such: ModuleNotFoundE"),
            (["--app", "thing"], "--app thing: name it as module:name or file:name, such as "),
            (["--log-format", "xml"], "--log-format must be text or json, not 'xml'"),
            (["--listen", "foo:1"], "--listen 'foo:1' is not an endpoint such as tcp:9999:int"),
            (["--listen", "tcp:1"], "--listen tcp:1 is open to other machines: name them with --allow "),
            (["--client-ca", "ca.pem"], "--client-ca has no effect without --listen ssl:…"),
            (["-f", "fixed:4", "--max-frame", "9"], "--max-frame has no effect with --framing fixed:4, "),
            (["-f", "length:1", "--max-frame", "999"], "--max-frame: max_frame=999 does not fit the len"),
            (
                ["--app", "tcpcomm:FrameProtocol", "--max-frame", "9"],
                "--max-frame with --app needs --framing",
            ),
            (
                ["--app", "tcpcomm:FrameProtocol", "--encoding", "cp949"],
                "--encoding has no effect with --app: your own protocol decodes its text",
            ),
            (["--gap"], "option --gap requires argument; 'twistd tcpcomm --help' lists the options"),
            (
                ["--listn", "tcp:1"],
                "option --listn not recognized (did you mean --listen?); "
                "'twistd tcpcomm --help' lists the options",
            ),
            (["--nonsense"], "option --nonsense not recognized; 'twistd tcpcomm --help' lists the options"),
            (["more", "words"], "'more words' is not an option; 'twistd tcpcomm --help' lists the options"),
        ],
    )
    def test_others(self, words: list[str], problem: str) -> None:
        (told,) = refusal(*words)

        assert told.startswith(problem)

    def test_several_mistakes_are_shown_together(self) -> None:
        told = refusal(
            *("--framing", "foo", "--max-frame", "0", "--encoding", "klingon", "--gap", "-1"),
            *("--max-sessions", "x", "--idle-timeout", "y", "--allow", "z", "--log-format", "xml"),
            *("--listen", "foo:1", "--client-ca", "ca.pem"),
        )

        assert [
            "--max-sessions",
            "--allow:",
            "--max-frame",
            "--framing:",
            "--gap",
            "--idle-timeout",
            "--encoding:",
            "--listen",
            "--log-format",
        ] == [line.split()[0] for line in told if not line.startswith("--client-ca")]
        assert 10 == len(told)

    def test_an_app_that_cannot_be_imported_is_shown_beside_other_mistakes(self) -> None:
        told = refusal("--app", "no_such:Thing", "--max-sessions", "0", "--listen", "tcp:1")

        assert ["--max-sessions", "--app", "--listen"] == [line.split()[0] for line in told]

    def test_a_tls_key_that_cannot_be_read_does_not_make_client_ca_a_mistake_too(self) -> None:
        (told,) = refusal("--listen", "ssl:1:privateKey=/no/such.pem", "--client-ca", "/no/ca.pem")

        assert told.endswith("cannot read /no/such.pem: No such file or directory")


class TestHelp:
    """The help text."""

    def test_examples_keep_their_lines(self) -> None:
        told = str(Options())

        assert "\n  twistd -n tcpcomm --app my_camera:MyCamera\n" in told
        assert "\n  twistd -n tcpcomm\n" in told

    def test_version_ends_with_exit_code_0(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            options("--version")

        assert 0 == ended.value.code
        assert capsys.readouterr().out.startswith("tcpcomm ")


class TestService:
    """The service that twistd runs."""

    def test_it_listens_where_the_options_say_with_their_factory(self) -> None:
        parsed = options()

        service = makeService(parsed)

        assert isinstance(service, TwistdService)
        assert parsed.factory is service.factory
        assert tuple(parsed.listeners) == service.listeners

    def test_it_logs_that_it_listens_when_the_reactor_handles_signals(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running: list[Callable[[], None]] = []
        monkeypatch.setattr(reactor, "callWhenRunning", lambda *call: running.append(partial(*call)))
        service = TwistdService(options().factory, [place(succeed(Port()), "tcp:0")])

        with capturedLogs() as before:
            service.privilegedStartService()
        with capturedLogs() as after:
            running[0]()

        assert [] == before
        assert ["listening on 127.0.0.1:9999 (tcp:0)"] == [formatEvent(event) for event in after]

    def test_a_place_in_use_ends_the_start_with_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(sys, "__stderr__", sys.stderr)
        service = TwistdService(options().factory, [place(in_use(), "tcp:1")])

        with pytest.raises(CannotListen) as raised:
            service.privilegedStartService()
        sys.excepthook(raised.type, raised.value, raised.tb)

        told = f"twistd tcpcomm: cannot listen on tcp:1: Address already in use: {PORT_TAKEN}\n"
        assert told == capsys.readouterr().err


class TwistdsOwn(TwistdOptions):
    """The options of twistd that the service reads."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["logfile", None, None, ""],
        ["logger", None, None, ""],
        ["prefix", None, "twisted", ""],
    ]
    optFlags = [["nodaemon", "n", ""], ["syslog", None, ""]]  # noqa: RUF012


def observer_under_twistd(own_words: Sequence[str], *words: str) -> Any:
    """Return the observer that writes the log, or None if twistd with these options has its own."""
    twistd: Any = TwistdsOwn()  # type: ignore[no-untyped-call]
    twistd.parseOptions(words)
    own = options(*own_words)
    own.parent = twistd
    application: Any = Application("tcpcomm")
    makeService(own).setServiceParent(application)
    return application.getComponent(ILogObserver, None)


def log_hello(log_format: str, *words: str, own: Sequence[str] = ()) -> None:
    """Log a line with these options of twistd, and our own options."""
    observer = observer_under_twistd(["--log-format", log_format, *own], *words)
    Logger("camera", observer=observer).info("hello")
    observer.finish()


class TestLog:
    """The log goes where twistd's own log would go, in a thread, and its files have a maximum."""

    def test_json_to_standard_output(self, capfd: pytest.CaptureFixture[str]) -> None:
        log_hello("json", "--nodaemon")

        assert "hello" == json.loads(capfd.readouterr().out)["message"]

    def test_text_to_standard_output(self, capfd: pytest.CaptureFixture[str]) -> None:
        log_hello("text", "--nodaemon")

        assert capfd.readouterr().out.endswith(" [camera#info] hello\n")

    @pytest.mark.parametrize(
        ("words", "name"),
        [([], "twistd.log"), (["--logfile", "mine"], "mine"), (["-n", "--logfile", "mine"], "mine")],
    )
    def test_to_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)

        log_hello("json", *words)
        log_hello("text", *words)

        first, second = (tmp_path / name).read_text().splitlines()
        assert "hello" == json.loads(first)["message"]
        assert second.endswith(" [camera#info] hello")

    def test_a_full_file_is_renamed_and_so_many_are_kept(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)

        for _ in range(5):
            log_hello("text", "--logfile", "log", own=["--log-size", "10", "--log-files", "2"])

        assert ["log", "log.1", "log.2"] == sorted(each.name for each in tmp_path.iterdir())

    def test_a_file_that_cannot_be_written_ends_the_start_with_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit) as raised:
            observer_under_twistd([], "--logfile", str(tmp_path / "no" / "log"))

        path = tmp_path / "no" / "log"
        assert f"twistd tcpcomm: cannot write the log file {path}: No such file or directory" == str(
            raised.value
        )

    def test_a_log_of_the_user_s_own_is_left_to_twistd(self) -> None:
        assert observer_under_twistd([], "-n", "--logger", "my.logger") is None

    def test_lines_for_the_system_s_log_have_no_time_of_their_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        syslog = pytest.importorskip("syslog")
        told: list[tuple[int, str]] = []
        monkeypatch.setattr(syslog, "openlog", lambda *words: None)
        monkeypatch.setattr(syslog, "syslog", lambda *line: told.append(line))

        observer = observer_under_twistd([], "-n", "--syslog")
        Logger("camera", observer=observer).info("hello: [peer#error] help")
        Logger("camera", observer=observer).error("the lens cap is on")
        observer.finish()

        assert [
            (syslog.LOG_INFO, "[camera#info] hello: [peer#error] help"),
            (syslog.LOG_ALERT, "[camera#error] the lens cap is on"),
        ] == told

    def test_json_goes_to_the_system_s_log_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        syslog = pytest.importorskip("syslog")
        told: list[tuple[int, str]] = []
        monkeypatch.setattr(syslog, "openlog", lambda *words: None)
        monkeypatch.setattr(syslog, "syslog", lambda *line: told.append(line))

        observer = observer_under_twistd(["--log-format", "json"], "-n", "--syslog")
        Logger("camera", observer=observer).info("a peer sent #error] as text")
        Logger("camera", observer=observer).error("the lens cap is on")
        observer.finish()

        (first, info), (second, error) = told
        assert (syslog.LOG_INFO, syslog.LOG_ALERT) == (first, second)
        assert "a peer sent #error] as text" == json.loads(info)["message"]
        assert "the lens cap is on" == json.loads(error)["message"]

    @pytest.mark.parametrize("option", ["log-limit", "log-size", "log-files"])
    def test_limits_must_be_whole_numbers(self, option: str) -> None:
        assert [f"--{option} must be a whole number above 0, not 'many'"] == refusal(f"--{option}", "many")
