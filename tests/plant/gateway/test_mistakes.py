"""Every mistake in a plant.toml is told, each once, with its place."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tcpcomm.plant.gateway.configuration.mistakes import PlantMistakes
from tcpcomm.plant.gateway.configuration.plant_file import MAX_PLANT_FILE, plan_of, read_plant
from tcpcomm.plant.gateway.configuration.settings import LinkSettings, PlantSettings, PollSettings
from tcpcomm.plant.gateway.plan import Plan
from tests.conftest import ROOT, needs_module
from tests.plant.gateway import declared
from tests.plant.gateway.stage import NoteSink

GOOD = """\
[gateway]
name = "line-3"

[links.plc]
device = "modbus"
at = "tcp:127.0.0.1:5020"
header = {unit = 7}
[[links.plc.poll]]
command = "holding"
with = {start = 0, count = 2}
every = 0.5

[links.camera-1]
device = "tests.plant.gateway.declared:Camera"
at = "tcp:127.0.0.1:5021"
states = ["mes"]
commands = ["locate"]
[links.camera-1.events]
alarm = ["mes"]
[[links.camera-1.poll]]
command = "locate"
with = {job = 3}
every = 1

[sinks.mes]
kind = "files"
path = "results.jsonl"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str) -> Plan:
    file = folder / "plant.toml"
    file.write_text(text, encoding="utf-8")
    return read_plant(file, reactor=Clock())


def lines(folder: Path, text: str) -> list[str]:
    with pytest.raises(PlantMistakes) as raised:
        read(folder, text)
    return [each.removeprefix("plant.toml") for each in raised.value.lines]


def changed(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_a_good_file_becomes_a_plan(folder: Path) -> None:
    plan = read(folder, GOOD)
    assert ("line-3", "line-3", ["plc", "camera-1"]) == (plan.name, plan.plant, [*plan.links])
    assert folder / "outbox.db" == plan.outbox
    assert str(folder / "results.jsonl") == getattr(plan.sinks["mes"], "path", None)
    assert {"unit": 7} == plan.links["plc"].header
    assert 3.0 == plan.polls_per_second
    assert ("mes",) == plan.links["plc"].polls[0].route.to, "all sinks, where none is named"


CASES = [
    ((("[gateway]", "[gatewy]"),), [":1: gatewy: is not known here: did you mean 'gateway'?"]),
    (
        (('name = "line-3"', 'name = "line 3"'),),
        [
            ":2: gateway.name: is 'line 3': a name must have 1 to 64 letters, digits, dots, underscores "
            "and hyphens, and begin with a letter or a digit"
        ],
    ),
    (
        (("every = 0.5", "every = -1"),),
        [":11: links.plc.poll[0].every: must be above 0, not -1"],
    ),
    (
        (("every = 0.5", 'every = "1"'), ("unit = 7", "unit = true")),
        [
            ":7: links.plc.header.unit: must be a whole number, not True",
            ":11: links.plc.poll[0].every: must be a number, not '1'",
        ],
    ),
    (
        (('"modbus"', '"modbuss"'),),
        [
            ":5: links.plc.device: modbuss: there is no device of this name: did you mean modbus? 'tcpcomm "
            "devices' lists them. Name a declaration of yours as module:name or file:name, such as "
            "my_camera:VisionCamera or my_camera.py:VisionCamera"
        ],
    ),
    (
        (('"holding"', '"holdin"'),),
        [":9: links.plc.poll[0].command: Modbus has no command 'holdin': did you mean 'holding'?"],
    ),
    (
        (("start = 0, count = 2", 'strt = 0, count = "2"'),),
        [
            ":10: links.plc.poll[0].with.strt: is not an argument of this command: did you mean 'start'?",
            ":10: links.plc.poll[0].with.count: must be a whole number, not '2'",
            ":10: links.plc.poll[0].with.start: is missing",
        ],
    ),
    (
        (('path = "results.jsonl"', 'path = "r.jsonl"\n[sinks.two]\nkind = "sqlite"\npath = "./r.jsonl"'),),
        [":30: sinks.two.path: the sink mes writes this file, too: name another file"],
    ),
    (
        (('path = "results.jsonl"', 'path = "outbox.db"'),),
        [":27: sinks.mes.path: the outbox writes this file, too: name another file"],
    ),
    (
        (("[[links.plc.poll]]", "[links.plc.poll]"),),
        [":8: links.plc.poll: write [[links.plc.poll]], with two brackets"],
    ),
    (
        (('name = "line-3"', 'name = "line-3"\nmetrics = 9100'),),
        [':3: gateway.metrics: must be text, not 9100: write "9100"'],
    ),
    (
        (('kind = "files"', 'kind = "csv"'),),
        [
            ":26: sinks.mes.kind: there is no kind 'csv': write kind = \"files\" and format = \"csv\". "
            "A sink of yours is named module:Class"
        ],
    ),
    (
        (("count = 2", "count = 2000"),),
        [":10: links.plc.poll[0].with.count: must be from 1 to 125, not 2000"],
    ),
    (
        (("start = 0, count = 2", "start = 65535, count = 2"),),
        [
            ":10: links.plc.poll[0].with: the command can never be sent: 2 from address 65535 on: the last "
            "address is 65535"
        ],
    ),
    (
        (('"holding"', '"write_single_register"'), ("start = 0, count = 2", "address = 70000, value = 1")),
        [":10: links.plc.poll[0].with.address: must be a whole number from 0 to 65535, not 70000"],
    ),
    (
        (('states = ["mes"]', 'states = ["mess"]'), ('alarm = ["mes"]', 'alarms = "mes"')),
        [
            ":16: links.camera-1.states: there is no sink 'mess': did you mean 'mes'?",
            ":19: links.camera-1.events.alarms: must be a list in brackets, not 'mes'",
        ],
    ),
    (
        (('alarm = ["mes"]', 'alrm = ["mes"]'),),
        [":19: links.camera-1.events.alrm: Camera has no event 'alrm': did you mean 'alarm'?"],
    ),
    (
        (('commands = ["locate"]', 'commands = ["locat"]'),),
        [":17: links.camera-1.commands: Camera declares no command 'locat': did you mean 'locate'?"],
    ),
    (
        (('at = "tcp:127.0.0.1:5020"', 'at = "127.0.0.1:5020"'),),
        [":6: links.plc.at: '127.0.0.1:5020' is not an endpoint: write tcp:127.0.0.1:5020"],
    ),
    (
        (('at = "tcp:127.0.0.1:5020"', 'listen = "tcp:5020"'),),
        [
            ":6: links.plc.listen: tcp:5020 is open to other machines: say which with allow=[...] "
            "(allow=None for all), demand keys=... or client certificates, or add :interface=127.0.0.1"
        ],
    ),
    (
        (
            ('at = "tcp:127.0.0.1:5020"', 'listen = "tcp:5020:interface=127.0.0.1"'),
            ('at = "tcp:127.0.0.1:5021"', 'listen = "tcp:5020:interface=127.0.0.1"'),
        ),
        [
            ":15: links.camera-1.listen: the link plc listens at tcp:5020:interface=127.0.0.1, too: give "
            "each link a port of its own"
        ],
    ),
    (
        (('kind = "files"', 'kind = "filez"'),),
        [
            ":26: sinks.mes.kind: there is no kind 'filez': did you mean 'files'? A sink of yours is named "
            "module:Class"
        ],
    ),
    (
        (('path = "results.jsonl"', 'path = "results.jsonl"\nbatch = 0\nformt = "csv"'),),
        [
            ":28: sinks.mes.batch: must be above 0, not 0",
            ":29: sinks.mes.formt: is not known here: did you mean 'format'?",
        ],
    ),
    (
        (("declared:Camera", "declared:Camra"),),
        [":14: links.camera-1.device: "],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=range(len(CASES)))
def test_a_mistake_is_told_with_its_line_and_its_place(
    folder: Path, changes: tuple[tuple[str, str], ...], expected: list[str]
) -> None:
    found = lines(folder, changed(*changes))
    assert len(expected) == len(found), found
    for each, line in zip(expected, found, strict=True):
        assert line == each or (each.endswith(": ") and line.startswith(each)), found


def test_a_sink_whose_folder_is_missing_is_told(folder: Path) -> None:
    (found,) = lines(folder, changed(("results.jsonl", "no/results.jsonl")))
    assert found.startswith(":27: sinks.mes.path: ")
    assert "there is no folder" in found


def test_user_code_that_cannot_be_imported_is_told_with_its_line(folder: Path) -> None:
    (folder / "broken_camera.py").write_text("import nothing_of_this_name\n")
    (found,) = lines(folder, changed(("tests.plant.gateway.declared:Camera", "broken_camera.py:Camera")))
    assert found.startswith(":14: links.camera-1.device: ")
    assert "nothing_of_this_name" in found
    assert "line 1" in found


def test_a_declaration_beside_the_file_is_found(folder: Path) -> None:
    source = Path(declared.__file__).read_text("utf-8")
    (folder / "camera_of_a_test.py").write_text(source, encoding="utf-8")
    for device in ("camera_of_a_test.py:Camera", "camera_of_a_test:Camera", "camera_of_a_test.py"):
        plan = read(folder, changed(("tests.plant.gateway.declared:Camera", device)))
        assert "camera_of_a_test" == plan.links["camera-1"].declaration.kind.__module__


def test_a_file_without_links_and_sinks_says_what_to_add(folder: Path) -> None:
    assert [": links: there is no link: add a table [links.NAME]"] == lines(folder, "")[:1]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[gateway\n", "this is not TOML: "),
        (b"\xff", "this is not UTF-8"),
        (b"a = " + b"[" * 5000, "this is not TOML: "),
        (b"#" * (MAX_PLANT_FILE + 1), "it is longer than"),
    ],
    ids=["no TOML", "no UTF-8", "too deep", "too long"],
)
def test_a_file_that_is_none_is_one_mistake(folder: Path, data: bytes, problem: str) -> None:
    file = folder / "plant.toml"
    file.write_bytes(data)
    with pytest.raises(PlantMistakes, match=problem) as raised:
        read_plant(file, reactor=Clock())
    assert 1 == len(raised.value.mistakes)
    with pytest.raises(PlantMistakes, match="cannot read it"):
        read_plant(folder / "nothing.toml", reactor=Clock())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[gateway]\nname = line-3\n", ':2: this is not TOML: write text in quotes: name = "line-3"'),
        ("\nat = 10.0.0.5:502 # it\n", ':2: this is not TOML: write text in quotes: at = "10.0.0.5:502"'),
        ("[gateway]\nname = \n", ":2: this is not TOML: invalid value"),
        ("[gateway\nname = 'a'\n", ":1: this is not TOML: expected ']' at the end of a table declaration"),
    ],
    ids=["bare text", "address", "no value", "bracket"],
)
def test_a_mistake_of_toml_has_its_line(folder: Path, text: str, expected: str) -> None:
    assert [expected] == lines(folder, text)


def test_an_unset_variable_of_a_sink_is_one_mistake(folder: Path) -> None:
    needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")
    sink = 'kind = "rabbitmq"\nurls = ["amqp://me@127.0.0.1"]\nqueue = "q"\npassword = "env:NO_SUCH_VAR"'
    (found,) = lines(folder, changed(('kind = "files"\npath = "results.jsonl"', sink)))
    assert found.startswith(":29: sinks.mes.password: ")
    assert "the environment variable NO_SUCH_VAR holds no password" in found


def test_an_unknown_key_lists_all_keys(folder: Path) -> None:
    (found,) = lines(folder, changed(('device = "modbus"', 'device = "modbus"\nxyz = 1')))
    assert found.startswith(":6: links.plc.xyz: is not known here; there are like, device, at, ")
    assert found.endswith("commands, commands_from, max_commands")


def test_the_commands_of_the_example_plant_can_be_sent() -> None:
    assert 20 == len(read_plant(ROOT / "docs/examples/plant/plant.toml", reactor=Clock()).links)


def test_a_link_may_be_like_another_one(folder: Path) -> None:
    plan = read(
        folder,
        GOOD + '[links.camera-2]\nlike = "camera-1"\nat = "tcp:127.0.0.1:5022"\ncommands = []\n',
    )
    first, second = plan.links["camera-1"], plan.links["camera-2"]
    assert first.polls[0].call.values == second.polls[0].call.values
    assert ("camera-1/locate", "camera-2/locate") == tuple(
        each.polls[0].route.topic for each in (first, second)
    )
    assert (["locate"], []) == ([*first.commands], [*second.commands])


def test_a_mistake_that_links_share_is_told_once(folder: Path) -> None:
    text = changed(('commands = ["locate"]', 'commands = ["locat"]'))
    text += '[links.camera-2]\nlike = "camera-1"\nat = "tcp:127.0.0.1:5022"\n'
    text += '[links.camera-3]\nlike = "camera-2"\nat = "tcp:127.0.0.1:5023"\n'
    text += '[links.camera-4]\nlike = "camera-9"\nat = "tcp:127.0.0.1:5024"\n'
    found = lines(folder, text)
    assert 3 == len(found)
    assert found[0].startswith(":17: links.camera-1.commands: ")
    assert ":32: links.camera-3.like: the link 'camera-2' is like another one: name that" == found[1]


def test_secrets_and_credentials_are_tried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = changed(
        ("tests.plant.gateway.declared:Camera", "cognex"),
        ('states = ["mes"]', 'credentials = {user = "admin", password = "env:NO_SUCH_VARIABLE_HERE"}'),
        ('commands = ["locate"]\n', ""),
        ('[links.camera-1.events]\nalarm = ["mes"]\n', ""),
        ('command = "locate"\nwith = {job = 3}', 'command = "cells"\nwith = {cell = "A2"}'),
    )
    (found,) = lines(folder, text)
    assert found.startswith(":16: links.camera-1.credentials")
    assert "NO_SUCH_VARIABLE_HERE" in found
    monkeypatch.setenv("NO_SUCH_VARIABLE_HERE", "secret")
    options = read(folder, text).links["camera-1"].options
    assert {"user": "admin", "password": "secret"} == options["credentials"]


BREAKS: dict[str, tuple[tuple[str, str], str]] = {
    "every": (("every = 0.5", "every = 0"), "links.plc.poll[0].every"),
    "name": (('name = "line-3"', "name = 3"), "gateway.name"),
    "unit": (("{unit = 7}", '{unit = "7"}'), "links.plc.header.unit"),
    "command": (('"holding"', '"holdin"'), "links.plc.poll[0].command"),
    "job": (("{job = 3}", '{job = "3"}'), "links.camera-1.poll[0].with.job"),
    "state": (('states = ["mes"]', 'states = ["mess"]'), "links.camera-1.states"),
    "key": (("every = 1\n", "evry = 1\n"), "links.camera-1.poll[0].evry"),
    "allowed": (('commands = ["locate"]', 'commands = ["locat"]'), "links.camera-1.commands"),
    "place": (("tcp:127.0.0.1:5021", "tcp:127.0.0.1"), "links.camera-1.at"),
    "sink": (('path = "results.jsonl"', 'path = "results.jsonl"\nattempts = 0'), "sinks.mes.attempts"),
}


@given(st.sets(st.sampled_from([*BREAKS]), min_size=1))
@settings(max_examples=60)
def test_every_mistake_of_a_file_is_told_and_none_twice(breaks: set[str]) -> None:
    with TemporaryDirectory() as name:
        text = changed(*(BREAKS[each][0] for each in sorted(breaks)))
        with pytest.raises(PlantMistakes) as raised:
            read(Path(name), text)
    found = [str(each).partition(": ")[0] for each in raised.value.mistakes]
    assert sorted(BREAKS[each][1] for each in breaks) == sorted(found)


def test_settings_of_a_program_are_checked_alike() -> None:
    links = {"plc": LinkSettings(device="modbus", poll=(PollSettings(command="holdin"),))}
    with pytest.raises(PlantMistakes) as raised:
        plan_of(PlantSettings(links=links, sinks={"mes": NoteSink()}), reactor=Clock())
    assert [
        'links.plc: write one place: at = "tcp:10.0.0.5:9999", where the device listens, or listen = '
        '"tcp:9999:interface=10.0.0.1", where it connects to us',
        "links.plc.poll[0].command: Modbus has no command 'holdin': did you mean 'holding'?",
    ] == [*raised.value.lines]


def test_a_plan_describes_its_links_to_each_sink(folder: Path) -> None:
    plan: Any = read(folder, GOOD)
    description = plan.links["camera-1"].description("mes")
    assert ["locate/result", "alarm/code"] == [each.path for each in description.values]
    assert ("locate",) == description.commands
    (holding,) = plan.links["plc"].description("mes").values
    assert ("holding/result", object, int) == (holding.path, holding.kind, holding.items)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("every = 0.009", "every: must be from 0.01 to 2678400 seconds, not 0.009"),
        ("every = 2678401", "every: must be from 0.01 to 2678400 seconds, not 2.6784e+06"),
        ("jitter = 0.51", "jitter: must be from 0 to 0.5, not 0.51"),
        ('topic = "a/{lnk}"', "topic: may have these words in braces: {gateway}, {plant}, {link}, {name}"),
        ('topic = "/a"', "topic: must neither be empty nor begin or end with a slash"),
        ("at_least_every = 5", "at_least_every: has no effect without only_changes = true"),
    ],
    ids=["too often", "too seldom", "jitter", "braces", "slash", "no effect"],
)
def test_a_poll_has_limits(folder: Path, keys: str, problem: str) -> None:
    (found,) = lines(folder, changed(("every = 0.5", keys)))
    assert f"links.plc.poll[0].{problem}" == found.partition(": ")[2]


def test_a_url_without_brackets_is_told_without_its_password(folder: Path) -> None:
    table = '[sinks.queue]\nkind = "rabbitmq"\nurls = "amqp://mes:secret@broker/"\n'
    (found,) = lines(folder, GOOD + table)
    assert found.endswith("sinks.queue.urls: must be a list in brackets, not a single url")


def test_a_link_has_limits(folder: Path) -> None:
    (found,) = lines(
        folder, changed(('commands = ["locate"]', 'commands = ["locate"]\nmax_commands = 1001'))
    )
    assert "links.camera-1.max_commands: must be from 1 to 1000, not 1001" == found.partition(": ")[2]


def test_a_gateway_has_at_most_5000_links() -> None:
    model = LinkSettings(device="modbus", at="tcp:127.0.0.1:502")
    links = {f"plc-{number}": model for number in range(5001)}
    with pytest.raises(PlantMistakes, match="there are 5001 links, and one gateway takes 5000"):
        plan_of(PlantSettings(links=links, sinks={"mes": NoteSink()}), reactor=Clock())


def test_two_polls_of_one_name_and_policies_are_checked(folder: Path) -> None:
    text = changed(
        (
            "header = {unit = 7}",
            "policy = {connect_timeout = 0, heartbeat_timeout = 1, heartbeat_interval = 2}",
        ),
        (
            "[links.camera-1]",
            '[[links.plc.poll]]\ncommand = "holding"\nwith = {start = 3}\n\n[links.camera-1]',
        ),
    )
    assert [
        "links.plc.policy.connect_timeout: must be above 0, not 0",
        "links.plc.policy: ",
        "links.plc.poll[1]: another poll has the name 'holding': give each a name of its own with name =",
    ] == [each.partition(": ")[2][: 18 if "policy: " in each else 200] for each in lines(folder, text)]


def test_a_mistake_in_the_defaults_is_told_once(folder: Path) -> None:
    text = GOOD + '[defaults]\nto = ["mess"]\ncommands_from = ["mess"]\nprofile = "lann"\n'
    assert [
        "defaults.to: there is no sink 'mess': did you mean 'mes'?",
        "defaults.commands_from: there is no sink 'mess': did you mean 'mes'?",
        "defaults.profile: there is no profile 'lann': did you mean 'lan'?",
    ] == [each.partition(": ")[2] for each in lines(folder, text)]


def test_a_network_that_is_none_is_a_mistake_of_allow(folder: Path) -> None:
    text = changed(('at = "tcp:127.0.0.1:5020"', 'listen = "tcp:5020"\nallow = ["10.0.0"]'))
    (found,) = lines(folder, text)
    assert found.startswith(":7: links.plc.allow: "), found
