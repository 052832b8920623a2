"""The sources of the programs and of their test: :func:`server_source`, :func:`host_source`."""

from __future__ import annotations

from string import Template
from typing import Final

from tcpcomm.tools.starter.answers import Answers
from tcpcomm.tools.starter.declaration import safe_title

_SERVER: Final = Template('''\
"""
The program of this device: $title. Without the real device, it is the simulator.

$run
"""

import sys

from $module import Code, $kind, Measurement
from tcpcomm import Fault, run, serve

$place_comment
PLACE = "$place"


class My$kind($kind):
    """The device. Each command of the declaration has its body here."""

    def __init__(self) -> None:
        self._zeros: dict[int, float] = {}  # what each channel measured when it was set to zero

    async def measure(self, channel: int) -> Measurement:
        value = self._read(channel) - self._zeros.get(channel, 0.0)
$send_alarm        return Measurement(value=value, steady=True)

    async def zero(self, channel: int) -> None:
        self._zeros[channel] = self._read(channel)

    def _read(self, channel: int) -> float:
        """Return what the sensor says. Put your own code here."""
        if not 1 <= channel <= 8:
            raise Fault(Code.NO_CHANNEL, "the channels are 1 to 8")  # the device says no
        return 1.5 * channel


if __name__ == "__main__":
    run(serve(My$kind(), $role=sys.argv[1] if len(sys.argv) > 1 else PLACE))
''')

_SEND_ALARM: Final = """\
        if channel == 8:
            self.alarm(code=2)  # every PC that is connected gets this event
"""

_HOST: Final = Template('''\
"""
The program of the PC, for this device: $title.

    python ${module}_host.py
"""

import sys
from typing import Any

from twisted.internet import task

from $module import $kind
from tcpcomm import Fault, NotSent, OutcomeUnknown, link_of, remote

$place_comment
PLACE = "$place"


async def work(device: $kind) -> None:
    """Do what the PC wants of the device. The test calls this, too."""
$subscribe    for channel in (3, 8, 9):
        try:
            measured = await device.measure(channel)
        except Fault as fault:  # the device said no
            print(f"channel {channel}: fault {fault.code}", flush=True)
        else:
            print(f"channel {channel}: {measured.value:.3f}", flush=True)
    await device.zero(3)
    print("channel 3 is zero now", flush=True)


async def main(reactor: Any, place: str = PLACE) -> None:
$connect    try:
        await work(device)
    except NotSent as error:  # the device cannot have seen the command: it is safe to send it again
        sys.exit(f"not sent: {error}")
    except OutcomeUnknown as error:  # perhaps the device has carried it out: look before you repeat it
        sys.exit(f"the outcome is unknown: {error}")
    finally:
        await link_of(device).stopService()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
''')

_SUBSCRIBE: Final = '    device.alarm.subscribe(lambda code: print(f"alarm {code}", flush=True))\n'

_TEST: Final = Template('''\
"""
The test of this device: $title. The wire and the time are simulated.

    python -m pytest test_$module.py
"""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

$imports


def test_every_message_arrives_as_it_was_sent() -> None:
    check_equipment($kind, max_examples=20)  # 20 drawn values for each message; more find more


def test_$test_name($capsys) -> None:
    network: Any = Network(seed=1)  # another seed cuts the bytes elsewhere
    device, pc = network.machine("device"), network.machine("pc")
    service: Any = serve($served(), at=device.listening(9999), reactor=device.clock)
    service.startService()
    proxy = remote($kind, at=pc.connecting(device, 9999), reactor=pc.clock)
    ended: list[Any] = []

    Deferred.fromCoroutine($coroutine).addBoth(ended.append)

    assert network.run_until(lambda: bool(ended), within=10.0)  # seconds of the simulated time
$check''')

_STAND_IN: Final = Template('''\
class Stand$kind($kind):
    """A device for the test, which answers at once."""

    async def measure(self, channel: int) -> Measurement:
        if channel == 9:
            raise Fault(Code.NO_CHANNEL, "there is no channel 9")
$send_alarm        return Measurement(value=1.5 * channel, steady=True)

    async def zero(self, channel: int) -> None:
        pass


''')

_ALARM: Final = "alarm 2"
_EXPECTED: Final = (
    "channel 3: 4.500",
    _ALARM,
    "channel 8: 12.000",
    "channel 9: fault 1",
    "channel 3 is zero now",
)
"""What the PC's program prints."""


def expected_output(answers: Answers) -> list[str]:
    """Return the lines that the program of the PC prints when it talks to the program of the device."""
    return [each for each in _EXPECTED if not (answers.by_silence and each == _ALARM)]


def server_source(answers: Answers) -> str:
    """Return the file of the device's program."""
    names, port = answers.names, answers.port
    if answers.connects == "pc":
        role, place = "at", f"tcp:{port}:interface=127.0.0.1"
        comment = (
            "# Where it listens: at this machine only. Without interface= other machines can connect, and\n"
            '# then serve() needs their network, as in allow=["192.168.0.0/24"].'
        )
        run = f"    twistd -n tcpcomm --app {names.module}_server.py\n    python {names.module}_server.py"
    else:
        role, place = "connect", f"tcp:127.0.0.1:{port}"
        comment = "# Where the PC listens. The device connects to it, and connects again by itself."
        run = f"    python {names.module}_server.py"
    return _SERVER.substitute(
        title=safe_title(names.title),
        kind=names.kind,
        module=names.module,
        run=run,
        role=role,
        place=place,
        place_comment=comment,
        send_alarm="" if answers.by_silence else _SEND_ALARM,
    )


def host_source(answers: Answers) -> str:
    """Return the file of the PC's program."""
    names, port = answers.names, answers.port
    if answers.connects == "pc":
        role, place, wait, remark = "at", f"tcp:127.0.0.1:{port}", "", "The link connects again by itself."
        comment = "# Where the device listens. Write its address in place of 127.0.0.1 (this machine)."
    else:
        role, place = "listen", f"tcp:{port}:interface=127.0.0.1"
        wait, remark = "wait=30.0, ", "A command waits up to 30 seconds for the device."
        comment = (
            "# Where the device connects to: this machine only. Without interface= other machines can\n"
            '# connect, and then remote() needs the address of the device: allow=["192.168.0.20"].'
        )
    return _HOST.substitute(
        title=safe_title(names.title),
        kind=names.kind,
        module=names.module,
        role=role,
        place=place,
        place_comment=comment,
        connect=f"    # {remark}\n    device = remote({names.kind}, {role}=place, {wait}reactor=reactor)\n",
        subscribe="" if answers.by_silence else _SUBSCRIBE,
    )


def check_source(answers: Answers) -> str:
    """Return the file of the test, which needs only the programs that are written."""
    names = answers.names
    has_server, has_host = answers.program != "pc", answers.program != "device"
    imported = [f"from {names.module} import {names.kind}"]
    if not has_server:
        imported = [f"from {names.module} import Code, {names.kind}, Measurement"]
    if has_host:
        imported.append(f"from {names.module}_host import work")
    if has_server:
        imported.append(f"from {names.module}_server import My{names.kind}")
    needed = ["remote", "serve"] if has_server else ["Fault", "remote", "serve"]
    imported.append(f"from tcpcomm import {', '.join(needed)}")
    imported.append("from tcpcomm.testing import Network, check_equipment")
    expected = "\n".join(f'        "{line}",' for line in expected_output(answers))
    if has_host:
        name, coroutine = "the_pc_gets_what_it_asks_for", "work(proxy)"
        capsys = "capsys: pytest.CaptureFixture[str]"
        check = (
            "    assert ended == [None]\n"
            f"    assert capsys.readouterr().out.splitlines() == [\n{expected}\n    ]\n"
        )
    else:
        name, capsys, coroutine = "a_channel_that_was_set_to_zero_measures_zero", "", "zeroed(proxy)"
        check = "    assert ended == [0.0]\n"
    text = _TEST.substitute(
        title=safe_title(names.title),
        kind=names.kind,
        module=names.module,
        imports="\n".join(imported),
        test_name=name,
        capsys=capsys,
        served=f"My{names.kind}" if has_server else f"Stand{names.kind}",
        coroutine=coroutine,
        check=check,
    )
    before = "def test_every_message"
    if not has_server:
        send_alarm = "" if answers.by_silence else _SEND_ALARM
        text = text.replace(before, _STAND_IN.substitute(kind=names.kind, send_alarm=send_alarm) + before)
    if not has_host:
        text = text.replace("import pytest\n", "")
        text = text.replace(before, _ZEROED.substitute(kind=names.kind) + before)
    return text


_ZEROED: Final = Template('''\
async def zeroed(device: $kind) -> float:
    """Set a channel to zero, and return what it measures then."""
    await device.zero(3)
    return (await device.measure(3)).value


''')
