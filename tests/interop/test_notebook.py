"""The cells of ``docs/howto/use-in-jupyter.md``, run in Jupyter, once, twice, and after a restart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, needs_module, skip
from tests.docs.pages import blocks
from tests.docs.processes import SECONDS, environment, free_port

for _module in ("nbclient", "ipykernel", "matplotlib"):
    needs_module(_module, 'pip install ".[interop]"')

PAGE = ROOT / "docs/howto/use-in-jupyter.md"


PRESSES_STOP = """
import os, signal
from twisted.internet.defer import Deferred

class Pressing(Sensor):
    async def read(self):
        os.kill(os.getpid(), signal.SIGINT)  # as Jupyter does, for its stop button
        await Deferred()
"""


class Notebook:
    """A running kernel, and what its cells show."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str) -> list[Any]:
        """Run a cell. Return its outputs, or raise CellExecutionError."""
        from nbformat.v4 import new_code_cell

        cells = self._client.nb.cells
        cells.append(new_code_cell(code))
        return list(self._client.execute_cell(cells[-1], len(cells) - 1).outputs)

    def printed(self, code: str) -> str:
        """Run a cell. Return what it printed."""
        return "".join(each.text for each in self.run(code) if each.output_type == "stream")

    def restart(self) -> None:
        """Restart the kernel, as the menu of Jupyter does."""
        from jupyter_core.utils import run_sync

        run_sync(self._client.km.restart_kernel)()
        run_sync(self._client.kc.wait_for_ready)(timeout=SECONDS)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One kernel for all tests, because its start takes the most time."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_notebook

    client = NotebookClient(new_notebook(), timeout=SECONDS, startup_timeout=SECONDS)
    folder = str(tmp_path_factory.mktemp("notebook"))
    with client.setup_kernel(cwd=folder, env={**environment(), "IPYTHONDIR": folder}):
        yield Notebook(client)


def cells(name: str, port: str) -> list[str]:
    """Return the cells of a notebook of the page."""
    found = [each.text for each in blocks(PAGE.read_text("utf-8")) if each.value("cell") == name]
    assert found
    return [each.replace("9999", port) for each in found]


@contextmanager
def raises(name: str) -> Iterator[None]:
    """Expect an error of this name from a cell."""
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as raised:
        yield
    assert name == raised.value.ename


def test_the_values_are_plotted_and_cells_can_run_twice(notebook: Notebook) -> None:
    declare, serve, connect, plot, close = cells("blocking", free_port())
    for cell in (declare, serve, connect):
        notebook.run(cell)

    assert ["image/png" in each.data for each in notebook.run(plot)] == [True]

    with raises("CannotListen"):
        notebook.run(serve.splitlines()[-1])
    notebook.run("first, at_first = serving, sensor")
    notebook.run(serve)
    notebook.run(connect)
    assert "down True\n" == notebook.printed(
        "print(blocking.link_of(at_first).state.value, 15 <= sensor.read() <= 25)"
    )
    notebook.run(close)
    with raises("NotReady"):
        notebook.run("sensor.read()")


def test_the_stop_button_interrupts_a_command_that_waits(notebook: Notebook) -> None:
    if sys.platform == "win32":
        skip("Jupyter interrupts by another way on Windows")
    declare, serve, connect, *_ = cells("blocking", free_port())
    notebook.run(declare)
    notebook.run(PRESSES_STOP)
    notebook.run(serve.replace("SimulatedSensor", "Pressing"))
    notebook.run(connect)

    with raises("KeyboardInterrupt"):
        notebook.run("sensor.read()")


def test_a_restart_of_the_kernel_frees_the_port(notebook: Notebook) -> None:
    declare, serve, connect, *_ = cells("blocking", free_port())
    for cell in (declare, serve, connect):
        notebook.run(cell)
    notebook.restart()
    with raises("NameError"):
        notebook.run("sensor")

    for cell in (declare, serve, connect):
        notebook.run(cell)
    assert "True\n" == notebook.printed("print(15 <= sensor.read() <= 25)")


def test_commands_can_be_awaited_on_the_loop_of_jupyter(notebook: Notebook, served_sensor: str) -> None:
    install, ask, stop = cells("await", served_sensor)
    notebook.restart()  # because other tests used tcpcomm.blocking

    notebook.run(install)

    assert float(notebook.printed(ask))
    assert "7\n" == notebook.printed("import asyncio; await asyncio.sleep(0); print(7)")
    assert float(notebook.printed("print(await as_future(sensor.read()))"))
    notebook.run(stop)
    assert "down\n" == notebook.printed("print(link_of(sensor).state.value)")


SERVED = """
from tcpcomm import Equipment, command

class Sensor(Equipment):
    @command("READ", reply="{value:.3f}", timeout=2.0)
    def read(self) -> float:
        return 21.5
"""


@pytest.fixture
def served_sensor(tmp_path: Path) -> Iterator[str]:
    """Serve a sensor in a process of its own. Return its port."""
    from tests.system.running import ON_LOOPBACK, Server

    (tmp_path / "served.py").write_text(SERVED)
    with Server(*ON_LOOPBACK, "--app", "served:Sensor", cwd=tmp_path) as server:
        yield str(server.port)
