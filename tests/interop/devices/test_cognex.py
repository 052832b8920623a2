"""CognexNativePy, a client for In-Sight cameras, logs in to the emulator and finds all as at a camera."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest

from tests.conftest import needs_module
from tests.interop.programs import printed

# CognexNativePy asks in a thread, because the emulator needs the reactor of its process. It reads a file
# only if the lines in front of the digits, and the checksum behind them, come in segments of their own: its
# socket gets them so here.
PROGRAM = dedent(
    """
    import json
    import re
    import socket
    import sys
    from importlib.machinery import SourceFileLoader
    from types import SimpleNamespace
    from twisted.internet import reactor
    from twisted.internet.threads import deferToThread

    if sys.version_info < (3, 12):  # one text in it spans two lines within braces, which needs Python 3.12
        read, sys.dont_write_bytecode = SourceFileLoader.get_data, True

        def on_one_line(loader, path):
            data = read(loader, path)
            return re.sub(rb"\\{\\s+col_offset", b"{col_offset", data) if "CognexNativePy" in path else data

        SourceFileLoader.get_data = on_one_line

    from CognexNativePy import NativeInterface, utils
    from CognexNativePy.CognexCommandError import CognexCommandError
    from tcpcomm import serve
    from tcpcomm.devices.cognex import Emulator

    class Segments(socket.socket):
        lines = ()  # so many come in each of the next segments

        def recv(self, size, *flags):
            if self.lines:
                data = b""
                while data.count(b"\\r\\n") < self.lines[0]:
                    data = super().recv(size, socket.MSG_PEEK)
                size = len(b"\\r\\n".join(data.split(b"\\r\\n")[: self.lines[0]])) + 2
                self.lines = self.lines[1:]
            return super().recv(size, *flags)

    def asked(port):
        utils.PORT = port
        utils.socket = SimpleNamespace(**vars(socket) | {"socket": Segments})
        camera = NativeInterface("127.0.0.1", "admin", "secret")
        run, jobs = camera.execution_and_online, camera.file_and_job
        cells = camera.settings_and_cells_values

        def refused(call, *values):
            try:
                call(*values)
            except CognexCommandError as error:
                return str(error)[:40]

        found = {"online": run.get_online(), "job": jobs.get_file(), "number": jobs.get_job()}
        run.set_event_and_wait(8)
        run.send_message("lot 7", 0)
        found["values"] = [cells.get_value(*each) for each in (("A", 2), ("B", 2), ("Pattern_1.Pass",))]
        cells.set_integer_value("A", 2, 8)
        cells.set_float_value("B", 2, -1.25)
        cells.set_string("C", 2, "lot 7")
        cells.set_integer_value("Pattern_1.Pass", 1)
        found["refused"] = [
            refused(cells.set_integer_value, "B", 2, 8),
            refused(cells.get_value, "No_such_tag"),
            refused(jobs.load_file, "85Second.job"),
        ]
        run.set_online(0)
        found["offline"] = refused(run.set_event_and_wait, 8)
        jobs.load_file("85Second.job")
        jobs.set_job(1)
        jobs.store_job(7, "Copy.job")
        jobs.store_file("Model.job")
        jobs.delete_job(85)
        jobs.delete_file("Model.job")
        data = bytes(range(100))
        checksum = utils.calculate_checksum(data)
        jobs.write_file("Written.job", 2 * len(data), data, checksum)
        jobs.write_job(9, "Written.job", 2 * len(data), data, checksum)
        camera.image.write_bmp(2 * 202, b"BM" + data + data, utils.calculate_checksum(b"BM" + data + data))
        found["damaged"] = refused(jobs.write_file, "Bad.job", 2 * len(data), data, "0000")
        camera.socket.lines = (2,)
        image = camera.image.read_bmp()
        found["image"] = [image["size"], image["data"][:4].hex(), len(image["data"]), image["checksum"]]
        found["right"] = utils.calculate_checksum(image["data"])
        camera.socket.lines = (3, 1)
        found["read"] = jobs.read_job(1)["data"].decode("ascii")
        camera.socket.lines = (2, 1)
        found["settings"] = cells.read_settings()["settings"].decode("latin-1")[:8]
        cells.set_ip_address_lock(1)
        found["locked"] = cells.get_ip_address_lock()
        found["info"] = cells.get_info()["Serial Number"]
        run.set_online(1)
        camera.close()
        return found

    emulator = Emulator(
        {"A2": 3, "B2": 1.5, "C2": "", "Pattern_1.Pass": 0},
        {"1First.job": b"first", "85Second.job": b"second"},
        {"admin": "secret"},
    )
    seen = []
    emulator.on_event = seen.append
    service = serve(emulator, at="tcp:0:interface=127.0.0.1")
    service.startService()

    def ask():
        return deferToThread(asked, service.ports[0].getHost().port)

    def ended(found):
        if isinstance(found, dict):
            found |= {"cells": dict(emulator.cells), "jobs": sorted(emulator.jobs), "events": seen}
            print(json.dumps(found))
        else:
            found.printTraceback(sys.stderr)
        service.stopService().addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(lambda: ask().addBoth(ended))
    reactor.run()
    """
)


@pytest.fixture(scope="module")
def found() -> Any:
    """Return what CognexNativePy found."""
    needs_module("CognexNativePy", "pip install tcpcomm[interop], which brings CognexNativePy")
    return json.loads("".join(printed(PROGRAM)))


def test_cognex_native_py_triggers_and_reads_and_writes_cells_and_jobs(found: dict[str, Any]) -> None:
    assert (1, "1First.job", 1) == (found["online"], found["job"], found["number"])
    assert ["3", "1.500", "0"] == found["values"]
    assert [8, 0] == found["events"]
    assert {"A2": 8, "B2": -1.25, "C2": "lot 7", "Pattern_1.Pass": 1} == found["cells"]
    assert ["1First.job", "7Copy.job", "9Written.job", "Written.job"] == found["jobs"]


def test_each_status_reaches_cognex_native_py(found: dict[str, Any]) -> None:
    assert [
        "The command could not be executed, or th",
        "The cell ID or symbolic tag is invalid.",
        "The job failed to load, the vision syste",
    ] == found["refused"]
    assert "The command could not be executed, or th" == found["offline"]
    assert "The checksum failed. The checksum does n" == found["damaged"]


def test_images_and_settings_go_both_ways_with_the_same_checksum(found: dict[str, Any]) -> None:
    assert [404, "424d0001", 202, found["right"]] == found["image"]
    assert ("first", "proc.set") == (found["read"], found["settings"])
    assert (1, "1") == (found["locked"], found["info"])
