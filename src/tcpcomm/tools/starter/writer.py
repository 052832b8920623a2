"""All files of a starter, and the writing of them: :func:`files_of`, :func:`write_files`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.starter.answers import Answers
from tcpcomm.tools.starter.declaration import declaration_source
from tcpcomm.tools.starter.programs import check_source, host_source, server_source
from tcpcomm.tools.starter.readme import readme
from tcpcomm.tools.starter.trial import Trial


def files_of(answers: Answers) -> dict[str, str]:
    """
    Return the text of each file by its name.

    Raises:
        ConfigurationError: the framing cannot carry the messages.
    """
    trial = Trial(answers)
    module = answers.names.module
    files = {f"{module}.py": (declaration_source(answers), "the declaration: how the messages look")}
    if answers.program != "pc":
        files[f"{module}_server.py"] = server_source(answers), "the device's program, and its simulator"
    if answers.program != "device":
        files[f"{module}_host.py"] = host_source(answers), "the PC's program"
    files[f"test_{module}.py"] = check_source(answers), "the test, for pytest"
    purposes = [(name, purpose) for name, (_, purpose) in files.items()]
    texts = {name: text for name, (text, _) in files.items()}
    return {**texts, "README.md": readme(answers, trial, purposes)}


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """
    Write files into a folder, which is made if it does not exist. No file is ever overwritten.

    Raises:
        ConfigurationError: a file of one of the names exists, or the folder is a file. Nothing was written.
        OSError: a file cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file: name a folder")
    present = [str(folder / name) for name in files if os.path.lexists(folder / name)]
    if present:
        raise ConfigurationError(
            f"in the way: {', '.join(present)}. No file is overwritten: name another folder, as in "
            "'tcpcomm init my_folder', or move what is there"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
