"""The option ``--app module:name`` serves a user's module, or says why it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent

from tcpcomm import FrameFactory
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Lines
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.server.app import load_factory
from tcpcomm.session.admission import Network
from tcpcomm.session.limits import Limits

HERE = IPv4Address("TCP", "127.0.0.1", 1)
ELSEWHERE = IPv4Address("TCP", "192.168.0.10", 1)
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"),)

MODULE = """
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.session.limits import Limits

class Camera(FrameProtocol):
    limits = Limits(partial=1.5, idle=30)

class Cameras(FrameFactory):
    protocol = Camera

class Plain(Protocol):
    pass

class PlainFactory(Factory):
    protocol = Plain
    clock = Clock()

class Demanding(Factory):
    def __init__(self, recipe):
        self.recipe = recipe

class Strict(FrameFactory):
    def __init__(self, **options):
        super().__init__(Camera, max_sessions_per_address=1, **options)

cameras = Cameras()
plain = PlainFactory()
number = 42
"""

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load an object of a module in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(name: str, options: Mapping[str, Any] | None = None, *, module: str = MODULE) -> Any:
        monkeypatch.delitem(sys.modules, "my_app", raising=False)
        (tmp_path / "my_app.py").write_text(module)
        return load_factory(f"my_app:{name}", options or {})

    return load


def refusal(load: Load, name: str, options: Mapping[str, Any] | None = None, **others: Any) -> str:
    """Return the one line that refuses an object."""
    with pytest.raises(ConfigurationError) as raised:
        load(name, options, **others)
    assert 1 == len(str(raised.value).splitlines())
    return str(raised.value)


class TestFrames:
    """Frame protocols and factories get the options."""

    @pytest.mark.parametrize("name", ["Camera", "Cameras"])
    def test_options_reach_the_factory_and_its_sessions(self, load: Load, name: str) -> None:
        factory = load(name, {"framing": Lines(), "max_sessions": 3, "allow": LOOPBACK, "gap": 0.5})

        session = factory.buildProtocol(HERE)

        assert isinstance(factory, FrameFactory)
        assert ("Camera", Lines(), 0.5) == (type(session).__name__, session.framing, session.gap)
        assert (3, LOOPBACK) == (factory.admission.max_sessions, factory.admission.networks)

    @pytest.mark.parametrize("name", ["Camera", "Cameras"])
    @pytest.mark.parametrize("idle", [60.0, None])
    def test_the_idle_timeout_leaves_the_other_limits_as_they_are(
        self, load: Load, name: str, idle: float | None
    ) -> None:
        session = load(name, {"idle_timeout": idle}).buildProtocol(HERE)

        assert Limits(partial=1.5, idle=idle) == session.limits

    @pytest.mark.parametrize("name", ["Camera", "Cameras", "cameras"])
    def test_without_options_the_protocol_s_own_values_hold(self, load: Load, name: str) -> None:
        assert Limits(partial=1.5, idle=30) == load(name).buildProtocol(HERE).limits

    def test_a_ready_made_factory_is_used_itself_and_admits_the_allowed_networks(
        self, load: Load
    ) -> None:
        factory = load("cameras", {"allow": LOOPBACK})

        assert isinstance(factory, FrameFactory)  # so it is drained
        assert LOOPBACK == factory.admission.networks

    def test_a_ready_made_factory_demands_keys_and_gives_each_name_one_session(self, load: Load) -> None:
        keys = PreSharedKeys("camera-1", {"robot-1": b"k" * 32})
        factory = load("cameras", {"keys": keys})

        assert isinstance(factory, FrameFactory)
        assert (keys, "identity") == (factory.keys, factory.evict)

    def test_an_option_that_a_factory_does_not_take_is_refused(self, load: Load) -> None:
        assert refusal(load, "Strict", {"max_sessions_per_address": 2}).startswith(
            "--app my_app:Strict: cannot make it: TypeError: "
        )


class TestOthers:
    """Any other Twisted protocol or factory gets only --allow and --psk."""

    @pytest.mark.parametrize("name", ["Plain", "PlainFactory", "plain"])
    def test_they_are_served_as_they_are(self, load: Load, name: str) -> None:
        factory = load(name)

        assert isinstance(factory, Factory)
        assert "Plain" == type(factory.buildProtocol(HERE)).__name__

    @pytest.mark.parametrize("name", ["Plain", "PlainFactory", "plain"])
    def test_options_without_effect_are_refused_by_name(self, load: Load, name: str) -> None:
        assert (
            f"--app my_app:{name}: --max-sessions, --idle-timeout can be used only with Equipment, "
            "or with a subclass of FrameProtocol or FrameFactory"
        ) == refusal(load, name, {"max_sessions": 1, "idle_timeout": 5.0, "allow": LOOPBACK})

    def test_peers_from_other_networks_are_dropped_and_logged_once_a_second(self, load: Load) -> None:
        factory = load("plain", {"allow": LOOPBACK})
        clock = factory._factory.clock
        assert isinstance(clock, Clock)

        with capturedLogs() as events:
            for _ in range(3):
                refused = factory.buildProtocol(ELSEWHERE)
            clock.advance(1)
            factory.buildProtocol(ELSEWHERE)

        transport = StringTransport()
        refused.makeConnection(transport)
        assert transport.disconnecting or transport.disconnected
        line = "192.168.0.10:1: connection refused: its address is in no allowed network"
        assert [line, f"{line} (2 others were refused before)"] == [formatEvent(event) for event in events]

    @pytest.mark.parametrize("address", [HERE, UNIXAddress("/run/socket"), None])
    def test_peers_from_allowed_networks_and_of_this_machine_are_served(
        self, load: Load, address: Any
    ) -> None:
        protocol = load("plain", {"allow": LOOPBACK}).buildProtocol(address)

        assert isinstance(protocol, Protocol)
        assert "Plain" == type(protocol).__name__

    def test_the_wrapped_factory_is_started_and_stopped(self, load: Load) -> None:
        factory = load("plain", {"allow": LOOPBACK})

        factory.doStart()
        assert 1 == factory._factory.numPorts
        factory.doStop()
        assert 0 == factory._factory.numPorts


class TestRefusals:
    """An object that cannot be served gives one line that says what to do, or where the error is."""

    @pytest.mark.parametrize("name", ["my_app", ":Camera", "my_app:", ""])
    def test_a_name_must_have_a_module_and_a_name(self, name: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            load_factory(name, {})

        problem = (
            "name it as module:name or file:name, such as my_camera:VisionCamera or "
            "my_camera.py:VisionCamera"
        )
        assert f"--app {name}: {problem}" == str(raised.value)

    def test_a_module_that_does_not_exist(self) -> None:
        with pytest.raises(ConfigurationError) as raised:
            load_factory("no_such_module:Camera", {})

        assert (
            "--app no_such_module:Camera: cannot import no_such_module: "
            "ModuleNotFoundError: No module named 'no_such_module'"
        ) == str(raised.value)

    @pytest.mark.parametrize(
        ("module", "reason"),
        [
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("\nimport sys\nsys.exit('usage: FILE')", "SystemExit: usage: FILE"),
            ("raise ValueError('two\\n  lines')", "ValueError: two lines"),
            ("import nothing_so", "ModuleNotFoundError: No module named 'nothing_so'"),
        ],
    )
    def test_a_module_that_fails_is_refused_with_the_place(
        self, load: Load, tmp_path: Path, module: str, reason: str
    ) -> None:
        source = module.splitlines()
        place = f"{tmp_path / 'my_app.py'}, line {len(source)}: {' '.join(source[-1].split())}"
        assert (
            f"--app my_app:Camera: cannot import my_app: {reason} ({place})"
        ) == refusal(load, "Camera", module=module)

    def test_a_syntax_error_is_shown_with_its_line(self, load: Load) -> None:
        told = refusal(load, "Camera", module="x = 1\nclass Camera\n")

        assert told.startswith("--app my_app:Camera: cannot import my_app: SyntaxError: ")
        assert told.endswith("my_app.py, line 2: class Camera)")

    def test_a_name_that_is_not_in_the_module(self, load: Load) -> None:
        module = "class Camera: pass\nclass _Own: pass\nfrom tcpcomm import Limits\nother = Camera()\n"
        expected = "--app my_app:Nothing: my_app has no Nothing; its classes: Camera"
        assert expected == refusal(load, "Nothing", module=module)
        many = "".join(f"class C{number}: pass\n" for number in range(12))
        expected = "C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 and 2 more"
        assert refusal(load, "Nothing", module=many).endswith(f"; its classes: {expected}")
        expected = "--app my_app:Nothing: my_app has no Nothing; it defines no class"
        assert expected == refusal(load, "Nothing", module="x = 1")

    def test_a_file_may_be_named_by_its_path(self, load: Load, tmp_path: Path) -> None:
        load("Camera")  # writes the file
        sys.modules.pop("my_app")
        for place in ("my_app.py", f"{tmp_path}/my_app.py", "./my_app.py", "./my_app"):
            name = f"{place}:Camera"
            assert "my_app" == load_factory(name, {}).protocol.__module__

    def test_a_file_that_is_not_there_or_cannot_be_imported(self, load: Load, tmp_path: Path) -> None:
        load("Camera")
        (tmp_path / "my-app.py").write_text("")
        (tmp_path / "os.py").write_text("")
        windows = "C:\\vision\\my_camera.py"
        for name, problem in (
            ("no.py:Camera", "there is no file no.py"),
            (f"{windows}:MyCamera", f"there is no file {windows}"),
            (windows, f"there is no file {windows}"),
            (
                "my-app.py:Camera",
                "Python cannot import my-app.py: give it a name of letters, digits and underscores",
            ),
            (
                "os.py:Camera",
                f"Python has another module os, from {os.__file__}: give the file another name",
            ),
        ):
            with pytest.raises(ConfigurationError) as raised:
                load_factory(name, {})
            assert f"--app {name}: {problem}" == str(raised.value)

    @pytest.mark.parametrize(
        ("name", "shown"), [("number", "42"), ("Limits", "<class 'tcpcomm.session.limits.Limits'>")]
    )
    def test_an_object_that_is_not_a_protocol(self, load: Load, name: str, shown: str) -> None:
        problem = f"{shown} is neither equipment nor a Twisted protocol class or factory"

        assert f"--app my_app:{name}: {problem}" == refusal(load, name)

    def test_a_factory_that_cannot_be_made(self, load: Load) -> None:
        told = refusal(load, "Demanding")

        assert told.startswith("--app my_app:Demanding: cannot make it: TypeError: ")
        assert "'recipe'" in told
