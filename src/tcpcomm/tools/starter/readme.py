"""The page that explains the files, and the commands to type: :func:`readme`, :func:`next_commands`."""

from __future__ import annotations

from collections.abc import Sequence

from tcpcomm.errors import Fault
from tcpcomm.tools.starter.answers import CONNECTS, Answers
from tcpcomm.tools.starter.trial import Trial

_CONTROLS = {2: "<STX>", 3: "<ETX>", 10: "<LF>", 13: "<CR>"}


def next_commands(answers: Answers) -> list[tuple[str, str]]:
    """Return the three commands to type next, each with what it does."""
    module, port = answers.names.module, answers.port
    listens = answers.connects == "pc"
    at, here = f"tcp:127.0.0.1:{port}", f"tcp:{port}:interface=127.0.0.1"
    elsewhere = "" if port == 9999 else f" --listen {here}"
    if answers.program == "pc":
        connect = elsewhere if listens else f" --connect {at}"
        device = f"tcpcomm simulate {module}.py{connect}", "simulates the device, with random values"
    elif listens:
        device = (
            f"twistd -n tcpcomm --app {module}_server.py --reload{elsewhere}",
            "serves the device, and starts again when you change a file",
        )
    else:
        device = f"python {module}_server.py", "runs the device, which connects to the PC"
    if answers.program == "device":
        place, option = (at, "") if listens else (here, " --listen")
        call = f"tcpcomm call {module}.py {place} measure 3{option}"
        pc = call, "sends one command, in another terminal"
    else:
        pc = f"python {module}_host.py", "runs the PC's program, in another terminal"
    return [device, pc, (f"python -m pytest test_{module}.py", "tests it; needs: pip install pytest")]


def readme(answers: Answers, trial: Trial, files: Sequence[tuple[str, str]]) -> str:
    """
    Return the page.

    Args:
        answers: the answers.
        trial: the declaration, which shows its bytes.
        files: the name and the purpose of each file.
    """
    commands, module = next_commands(answers), answers.names.module
    lines = [
        f"# {answers.names.title}",
        "",
        f"A TCP link: {CONNECTS[answers.connects]}.",
        answers.ending.comment,
        "",
        "## Run it",
        "",
        *(f"{number}. `{command}` {what}." for number, (command, what) in enumerate(commands, 1)),
        "",
        "Ctrl-C ends the first. Type the others in another terminal, in the same folder.",
        "",
        "## The files",
        "",
        "| file | it holds |",
        "|---|---|",
        *(f"| `{name}` | {purpose} |" for name, purpose in files),
        "",
        "## What goes over the wire",
        "",
        "| who | bytes |",
        "|---|---|",
        *_wire(answers, trial),
        "",
        "## Change it",
        "",
        f"Change the commands in `{module}.py` first: only this file knows how a message looks.",
        "Then give each new command its body in the program of the device, and call it in that of the PC.",
        f"`tcpcomm describe {module}.py` prints the manual of the device.",
        "",
    ]
    return "\n".join(lines)


def _wire(answers: Answers, trial: Trial) -> list[str]:
    received, sent = trial.declaration.received, trial.declaration.sent
    request, replies = trial.measure(3, 4.5)
    refused, fault = trial.fault(9, Fault(1, "the channels are 1 to 8"))
    event = trial.event()
    rows = [("the PC", received.encode(request)), *(("the device", sent.encode(each)) for each in replies)]
    rows += [("the PC", received.encode(refused)), ("the device", sent.encode(fault))]
    if event is not None:
        rows.append(("the device, unasked", sent.encode(event)))
    return [f"| {who} | `{_shown(data, answers.messages == 'binary')}` |" for who, data in rows]


def _shown(data: bytes, is_binary: bool) -> str:
    if is_binary:
        return data.hex(" ").upper()
    shown = (chr(byte) if 32 <= byte < 127 else _CONTROLS.get(byte, f"<{byte:02X}>") for byte in data)
    return "".join(shown).replace("|", "\\|")  # a bar would end the cell
