"""
The code in a page of the documentation, run as a reader would run it: from top to bottom, in one folder.

- ``python`` is executed; all such blocks of a page share their names.
- ``python file=NAME`` is a file that the reader saves, and so is ``file=NAME`` of another language.
- ``python cell=NAME`` is a cell of the notebook of this name. A test of that page runs it in Jupyter.
- ``console`` holds commands behind ``$`` and, under each, its output.
- ``console server`` holds one command that keeps running until the next such block or the end of the page.
- ``console server beside`` is the same, but the servers before it keep running.
- ``csharp from=FILE``, or another language, shows lines of a file of the project.
- ``output`` is the output of the ``python`` block before it; ``output server`` is the next output of the
server.

In an output, ``...`` stands for any text. Port 9999, which is also the default, stands for a free port, and
9998 for another one. A ``timeout=5`` in Python, of a socket or a loop, is as long as a command may take:
the machine may be busy. For the same reason, ``tcpcomm send`` and ``tcpcomm call`` wait longer, unless the
command names a timeout or expects a failure, by ``||``. A block with ``needs=NAME`` is skipped on a machine
without that program or Python module.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tests.docs.processes import ROOT, SECONDS, Server, environment, free_port, is_shown

__all__ = ["Block", "Session", "blocks", "in_own_process", "saved_files", "starts_reactor", "without_code"]

PORT: Final = re.compile(r"\b9999\b")
SECOND_PORT: Final = re.compile(r"\b9998\b")

_TIMEOUT: Final = re.compile(r"\btimeout=5(?:\.0)?\b")
_ASKS: Final = re.compile(r"\btcpcomm (send|call)\b(?!.*(?:--timeout|\|\|))")
_PATIENT: Final = "--timeout 60 --wait 60"
_COMMAND: Final = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_FENCE: Final = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@frozen
class Block:
    """One block of code: its first line, its language, the rest of that line, and its text."""

    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def value(self, name: str) -> str | None:
        """Return the value of the word ``name=value``, or None if it is missing."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), None)


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a page, in order."""
    for match in _FENCE.finditer(text):
        language, words, code = match.groups()
        yield Block(text.count("\n", 0, match.start()) + 2, language, tuple(words.split()), code)


def without_code(text: str) -> str:
    """Return the text of a page without its blocks of code."""
    return _FENCE.sub("", text)


class Session:
    """
    A reader who works through one page.

    Args:
        page: the page.
        folder: an empty folder, which becomes the current one. It gets a link to the project's docs.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        self.folder = folder
        Path(folder, "docs").symlink_to(ROOT / "docs", target_is_directory=True)
        self.missing: list[str] = []
        """Programs and modules that blocks need and this machine lacks."""
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._port = free_port()
        self._second_port = free_port()
        self._server: Server | None = None
        self._others: list[Server] = []

    def run(self) -> None:
        """
        Run the blocks of the page; raise AssertionError if one prints another text than the page shows.
        """
        try:
            for block, following in pairwise([*blocks(self.page.read_text("utf-8")), None]):
                assert block is not None
                needs = block.value("needs")
                if needs is None or is_here(needs):
                    self._run(block, following)
                else:
                    self.missing.append(needs)
        finally:
            self._stop_server()
            for name, module in [*sys.modules.items()]:
                if str(getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                    del sys.modules[name]

    def _run(self, block: Block, following: Block | None) -> None:
        if block.value("from") or block.value("cell"):
            return  # its own test runs it
        code = self._with_ports(block.text)
        if block.language == "python":
            code = _TIMEOUT.sub(f"timeout={SECONDS}", code)
        name = block.value("file")
        if name is not None:
            Path(self.folder, name).write_text(code, "utf-8")
            return
        match block.language, block.words:
            case "python", _:
                shown = following is not None and (following.language, following.words) == ("output", ())
                self._execute(block, code, following.text if shown and following else "")
            case "console", ("server", *words):
                if "beside" not in words:
                    self._stop_server()
                elif self._server is not None:
                    self._others.append(self._server)
                command = code.removeprefix("$ ").partition("\n")[0]
                words_of_others = ("listen", "tcpcomm tap", "--plant")
                if "tcpcomm" in command and not any(each in command for each in words_of_others):
                    command += f" --listen tcp:{self._port}:interface=127.0.0.1"
                self._server = Server(command, self.folder, self._port, self._second_port)
                self._await(block.text.splitlines()[1:])
            case "output", ("server",):
                self._await(block.text.splitlines())
            case "console", _:
                for command, expected in _COMMAND.findall(block.text):
                    self._compare(block, expected, self._printed_by(self._with_ports(command)))

    def _with_ports(self, text: str) -> str:
        return SECOND_PORT.sub(self._second_port, PORT.sub(self._port, text))

    def _execute(self, block: Block, code: str, expected: str) -> None:
        printed = StringIO()
        with redirect_stdout(printed):
            source = "\n" * (block.line - 1) + code
            exec(compile(source, str(self.page), "exec", dont_inherit=True), self._names)
        self._compare(block, expected, printed.getvalue())

    def _printed_by(self, command: str) -> str:
        return subprocess.run(
            _ASKS.sub(rf"\g<0> {_PATIENT}", command),
            shell=True,
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            encoding="utf-8",
        ).stdout

    def _compare(self, block: Block, expected: str, actual: str) -> None:
        actual = re.sub(rf"\b{self._port}\b", "9999", actual)
        actual = re.sub(rf"\b{self._second_port}\b", "9998", actual)
        if not is_shown(expected, actual):
            raise AssertionError(
                f"{self.page.relative_to(ROOT)}, line {block.line}, prints\n{actual}\nand not\n{expected}"
            )

    def _await(self, lines: list[str]) -> None:
        assert self._server is not None
        for line in lines:
            self._server.wait_for(line)

    def _stop_server(self) -> None:
        for each in (self._server, *self._others):
            if each is not None:
                each.stop()
        self._server, self._others = None, []


def saved_files(page: Path, folder: Path, port: str = "9999") -> list[Path]:
    """Save the files of a page in a folder, with a port in place of 9999. Return their paths."""
    files = []
    for block in blocks(page.read_text("utf-8")):
        name = block.value("file")
        if name is not None:
            files.append(folder / name)
            files[-1].write_text(PORT.sub(port, block.text), "utf-8")
    return files


def is_here(name: str) -> bool:
    """Return True if this machine has the program or the Python module."""
    return shutil.which(name, path=environment()["PATH"]) is not None or find_spec(name) is not None


def starts_reactor(page: Path) -> bool:
    """Return True if a block of a page starts the reactor in a thread, by ``tcpcomm.blocking``."""
    return any(
        block.language == "python"
        and not block.value("file")
        and not block.value("cell")
        and ("blocking." in block.text or "BlockingOutbox(" in block.text)
        for block in blocks(page.read_text("utf-8"))
    )


def in_own_process(page: Path, folder: Path) -> list[str]:
    """
    Run a page in a process of its own, because its blocks start a reactor, and a process has one.

    Returns:
        The programs and modules that blocks need and this machine lacks.
    """
    ended = subprocess.run(
        [sys.executable, "-m", __name__, str(page), str(folder)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=SECONDS,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def _main() -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell starts its background jobs like this, and servers would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    page, folder = map(Path, sys.argv[1:])
    sys.path.insert(0, str(folder))
    session = Session(page, folder)
    session.run()
    print(*session.missing)


if __name__ == "__main__":
    _main()
