"""Every mistake on the command line gives one line that says what to do, and the exit code 1."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tcpcomm.cli import main
from tcpcomm.cli.command import CommandOptions

DECLARED = "tests.equipment.declared"
CAMERA = f"{DECLARED}:VisionCamera"
NAME_IT = "name it as module:name or file:name, such as my_camera:VisionCamera or my_camera.py:VisionCamera"
YOURS = NAME_IT.replace("name it", "Name a declaration of yours")
NOWHERE = "tcp:127.0.0.1:9"


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert 1 == ended.value.code
    told = capsys.readouterr()
    assert "" == told.out
    (line,) = told.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            [],
            f"name a command: {', '.join(name for name, *_ in CommandOptions.subCommands)}; "
            "'tcpcomm --help' explains it",
        ),
        (["nonsense"], "Unknown command: nonsense; 'tcpcomm --help' explains it"),
        (["simulte"], "Unknown command: simulte (did you mean simulate?); 'tcpcomm --help' explains it"),
        (["--nonsense"], "option --nonsense not recognized; 'tcpcomm --help' explains it"),
        (
            ["--vresion"],
            "option --vresion not recognized (did you mean --version?); 'tcpcomm --help' explains it",
        ),
    ],
)
def test_of_the_command_itself(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"tcpcomm: {problem}" == refusal(words, capsys)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            [],
            "name one device or declaration, as in modbus or my_camera:VisionCamera; 'tcpcomm describe "
            "--help' explains it",
        ),
        (["nosuch"], f"nosuch: there is no device of this name: 'tcpcomm devices' lists them. {YOURS}"),
        (
            ["nosuch:It"],
            "nosuch:It: cannot import nosuch: ModuleNotFoundError: No module named 'nosuch'",
        ),
        (["tests.reactor:It"], "tests.reactor:It: tests.reactor has no It; it defines no class"),
        ([f"{DECLARED}:PORT"], f"{DECLARED}:PORT: 9999 is not a subclass of Equipment"),
        (
            [CAMERA, "--format", "pdf"],
            "--format must be markdown or json, not 'pdf'; 'tcpcomm describe --help' explains it",
        ),
    ],
)
def test_of_describe(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"tcpcomm describe: {problem}" == refusal(["describe", *words], capsys)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--seed", "x"], "--seed must be a whole number, not 'x'"),
        (["--latency", "soon"], "--latency must be a number of at least 0, not 'soon'"),
        (["--latency", "0.2-0.1"], "--latency 0.2-0.1: write the smaller number first, as in 0.02-0.2"),
        (["--fault-rate", "2"], "--fault-rate must be a number of at least 0 and at most 1, not '2'"),
        (["--event-every", "0"], "--event-every must be a number above 0, not '0'"),
        (["--event-every", "smoke=1"], "VisionCamera has no event 'smoke'; its events: alarm"),
        (
            ["--allow", "10.0.0.5/24"],
            "--allow: '10.0.0.5/24' is not a network such as 192.168.0.0/24: 10.0.0.5/24 has host bits set",
        ),
        (
            ["--listen", "tcp:9999"],
            "--listen tcp:9999 is open to other machines: name them with --allow 192.168.0.0/24 "
            "(--allow any for all), or add :interface=127.0.0.1",
        ),
        (
            ["--connect", "here"],
            "'here' is not an endpoint such as tcp:10.0.0.5:9999: Unknown endpoint type: 'here'",
        ),
        (
            ["--connect", "tcp:10.0.0.5:9999", "--allow", "any"],
            "--listen and --allow have no effect with --connect",
        ),
        (["--what"], "option --what not recognized; 'tcpcomm simulate --help' explains it"),
        (
            ["--prot", "24690"],
            "option --prot not recognized (did you mean --port?); 'tcpcomm simulate --help' explains it",
        ),
        (
            ["--port", "70000"],
            "--port must be a number up to 65535, not '70000'; 'tcpcomm simulate --help' explains it",
        ),
        (
            ["-p", "tcp:9999"],
            "--port must be a number up to 65535, not 'tcp:9999'; 'tcpcomm simulate --help' explains it",
        ),
    ],
)
def test_of_simulate(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"tcpcomm simulate: {problem}" == refusal(["simulate", CAMERA, *words], capsys)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            [CAMERA],
            "name a device or a declaration, an endpoint and a command, as in modbus tcp:10.0.0.5:502 "
            "holding 100, or my_camera:VisionCamera tcp:10.0.0.5:9999 locate job=3; "
            "'tcpcomm call --help' explains it",
        ),
        (
            [CAMERA, NOWHERE],
            "name a command of VisionCamera behind the endpoint; its commands: locate, light, reset",
        ),
        (
            [CAMERA, NOWHERE, "find"],
            "VisionCamera has no command 'find'; its commands: locate, light, reset",
        ),
        (
            [CAMERA, "locate", "job=3", NOWHERE],
            "'locate' is not an endpoint: write one behind the device, such as tcp:10.0.0.5:9999",
        ),
        (
            [CAMERA, NOWHERE, "Locate"],
            "VisionCamera has no command 'Locate': did you mean locate? Its commands: locate, light, reset",
        ),
        ([CAMERA, NOWHERE, "locate", "job=x"], "job=x: must be a whole number"),
        ([CAMERA, NOWHERE, "light"], "lamp is missing; the arguments are lamp=..."),
        ([CAMERA, NOWHERE, "light", "-5"], "lamp=-5: must be one of ON, OFF"),
        ([CAMERA, NOWHERE, "reset", "--timeout", "0"], "--timeout must be a number above 0, not '0'"),
        ([CAMERA, NOWHERE, "reset", "--wait=-1"], "--wait must be a number of at least 0, not '-1'"),
        (
            [CAMERA, "10.0.0.5:9999", "reset"],
            "'10.0.0.5:9999' is not an endpoint: write tcp:10.0.0.5:9999",
        ),
        (
            [CAMERA, "tcp:9999", "reset", "--listen"],
            "--listen tcp:9999 is open to other machines: name them with --allow 192.168.0.0/24 "
            "(--allow any for all), or add :interface=127.0.0.1",
        ),
        ([CAMERA, NOWHERE, "reset", "--allow", "any"], "--allow has no effect without --listen"),
        (
            [CAMERA, NOWHERE, "reset", "--first", "select"],
            "VisionCamera has no command 'select'; its commands: locate, light, reset",
        ),
        (
            [CAMERA, NOWHERE, "reset", "--first", "locate job=x"],
            "job=x: must be a whole number",
        ),
        (
            [CAMERA, NOWHERE, "reset", "--first", "locate job='x"],
            "--first locate job='x: No closing quotation",
        ),
        (
            [CAMERA, NOWHERE, "reset", "--credential", "admin"],
            "--credential admin: write name=value, as in user=admin",
        ),
        (
            [CAMERA, NOWHERE, "reset", "--credential", "Password=x"],
            "--credential Password=...: every user of this machine can read a command line: write "
            "Password=... into a file, type chmod 600 FILE, and give --credential-file FILE",
        ),
        (
            [CAMERA, NOWHERE, "reset", "--credential-file", "/no/such"],
            "--credential-file /no/such: cannot read it: [Errno 2] No such file or directory: '/no/such'",
        ),
    ],
)
def test_of_call(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"tcpcomm call: {problem}" == refusal(["call", *words], capsys)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            [CAMERA],
            "name a device or a declaration, and an endpoint, as in my_camera:VisionCamera "
            "tcp:10.0.0.5:9999; 'tcpcomm watch --help' explains it",
        ),
        ([CAMERA, NOWHERE, "smoke"], "VisionCamera has no event 'smoke'; its events: alarm"),
        ([CAMERA, NOWHERE, "--count", "none"], "--count must be a number of at least 1, not 'none'"),
    ],
)
def test_of_watch(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"tcpcomm watch: {problem}" == refusal(["watch", *words], capsys)


def test_a_module_that_cannot_be_imported_is_shown_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "broken_declaration.py"
    module.write_text(
        "from tcpcomm import Equipment, command\n\n"
        "class Camera(Equipment):\n"
        "    @command('GO')\n"
        "    def go(self) -> None:\n"
        "        raise NotImplementedError\n"
    )

    assert (
        "tcpcomm describe: broken_declaration:Camera: cannot import broken_declaration: "
        "ConfigurationError: Camera.go: its reply is missing: "
        f"write reply='OK', or reply=None if it has none ({module}, line 3: class Camera(Equipment):)"
    ) == refusal(["describe", "broken_declaration:Camera"], capsys)


def test_of_a_file_of_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.login"
    path.write_text("# of the camera\n\nuser=admin\nsecret\n")
    path.chmod(0o600)
    words = ["call", CAMERA, NOWHERE, "reset", "--credential-file", str(path)]
    assert refusal(words, capsys).endswith(f"{path}, line 4: write name=value")


def test_a_file_of_credentials_is_read() -> None:
    from tcpcomm.cli.call import CallOptions

    options = CallOptions()
    with TemporaryDirectory() as folder:
        path = Path(folder, "login")
        path.write_text("# of the camera\n\nuser=admin\npassword = a=#b \n")
        path.chmod(0o600)
        options.opt_credential_file(str(path))
    assert {"user": "admin", "password": "a=#b"} == options.credentials


@pytest.mark.parametrize("name", ["monkey", "keyboard", "passenger", "spinning", "tokenizer", "Monkey_1"])
def test_a_credential_whose_name_only_holds_such_letters_may_be_given(name: str) -> None:
    from tcpcomm.cli.call import CallOptions

    options = CallOptions()
    options.opt_credential(f"{name}=x")
    assert {name: "x"} == options.credentials


@pytest.mark.parametrize(
    "name", ["pin", "api_key", "apiKey", "API-KEY", "APIKey", "userPassword2", "TOKEN", "pwd", "apikey"]
)
def test_a_credential_with_a_secret_word_in_its_name_is_refused(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["call", CAMERA, NOWHERE, "reset", "--credential", f"{name}=x"]
    assert f"write {name}=... into a file" in refusal(words, capsys)


def test_a_file_of_credentials_may_be_made_on_windows(tmp_path: Path) -> None:
    from tcpcomm.cli.call import CallOptions

    options = CallOptions()
    path = tmp_path / "login"
    path.write_bytes(b"\xef\xbb\xbfuser=admin\r\npassword=a\r\n")
    path.chmod(0o600)
    options.opt_credential_file(str(path))
    assert {"user": "admin", "password": "a"} == options.credentials


def test_a_text_from_outside_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    told = refusal(["describe", "no\x1b[2J\u202esuch:Thing"], capsys)

    assert told.startswith("tcpcomm describe: no\\x1b[2J\\u202esuch:Thing: cannot import")


def test_simulate_says_when_it_does_not_use_what_a_class_implements(
    capsys: pytest.CaptureFixture[str],
) -> None:
    memory = "tcpcomm.devices.modbus:Memory"

    with pytest.raises(SystemExit):
        main(["simulate", memory, "--seed", "x"])

    assert capsys.readouterr().err.splitlines()[0] == (
        "tcpcomm simulate: Memory implements its commands, but answers at random here: "
        f"'twistd -n tcpcomm --app {memory}' serves it as it is"
    )
