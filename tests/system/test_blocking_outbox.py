"""The blocking outbox in a program of its own: threads post, and the end of the program closes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.system.running import DEADLINE, environment

PROGRAM = """
import sys
import threading
from attrs import frozen
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import BlockingOutbox, OutboxRefused, Sink, SinkConnection

got = []

@frozen(kw_only=True)
class Here(Sink):
    def open(self, name, reactor):
        return Connection()

class Connection(SinkConnection):
    async def deliver(self, messages):
        got.extend(each.value() for each in messages)
        return {}

    async def close(self):
        print("closed", sorted(got) == list(range(len(got))), len(got), flush=True)

outbox = BlockingOutbox(sys.argv[1], {"here": Here()})
ids = []

def work(start):
    for number in range(start, start + 20):
        ids.append(outbox.post(number, to="here"))

threads = [threading.Thread(target=work, args=(start,)) for start in (0, 20, 40)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(len(set(ids)), outbox.figures().posted)
try:
    outbox.post("x", to="nowhere")
except ConfigurationError as error:
    print("there is no sink" in str(error))
while outbox.figures().sinks["here"].depth:
    pass
if sys.argv[2] == "close":
    outbox.close()
    outbox.close()
    try:
        outbox.post("x", to="here")
    except OutboxRefused as error:
        print("is closed" in str(error))
"""


def run(path: Path, end: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), end],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not path.with_name(f"{path.name}-lock").exists()
    return ended.stdout.splitlines()


def test_threads_post_and_a_close_closes(tmp_path: Path) -> None:
    assert run(tmp_path / "a.outbox", "close") == ["60 60", "True", "closed True 60", "True"]


def test_the_end_of_the_program_closes(tmp_path: Path) -> None:
    assert run(tmp_path / "a.outbox", "leave") == ["60 60", "True", "closed True 60"]
