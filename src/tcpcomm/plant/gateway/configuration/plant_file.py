"""Read ``plant.toml``: :func:`read_plant` and :func:`plan_of`, which tell all mistakes at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.gateway.configuration.mistakes import Mistake, MistakeList, PlantMistakes, did_you_mean
from tcpcomm.plant.gateway.configuration.planning import Planner, in_folder
from tcpcomm.plant.gateway.configuration.settings import (
    NAME,
    NAME_RULE,
    Credential,
    DefaultSettings,
    GatewaySettings,
    LinkSettings,
    PlantSettings,
)
from tcpcomm.plant.gateway.configuration.structure import Structurer
from tcpcomm.plant.gateway.configuration.syntax import syntax_mistake
from tcpcomm.plant.gateway.configuration.toml_lines import line_numbers
from tcpcomm.plant.gateway.plan import Plan
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.secret import Secret
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.registry import KINDS, find_kind
from tcpcomm.runtime.monotonic_time import the_reactor

MAX_PLANT_FILE: Final = 16 * 1024 * 1024
"""Bytes of a configuration. A larger file is refused."""

_TABLES: Final = ("gateway", "defaults", "links", "sinks", "opcua")


def read_plant(path: str | Path, *, reactor: Any = None) -> Plan:
    """
    Read and check the configuration of a gateway. Nothing is connected and nothing is written.

    Args:
        path: the file, such as ``plant.toml``.
        reactor: the reactor of the links; None: the global reactor.

    Raises:
        PlantMistakes: the file cannot be read or has mistakes; the error tells all of them.
    """
    path = Path(path).absolute()
    text = _text_of(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlantMistakes([syntax_mistake(text, str(error))], path.name) from None
    except RecursionError:
        raise PlantMistakes([Mistake((), "this is not TOML: it is nested too deep")], path.name) from None
    mistakes = MistakeList(line_numbers(text))
    settings = _Reader(path.parent, mistakes).settings(tables)
    plan = Planner(settings, path.parent, mistakes, the_reactor(reactor)).plan()
    mistakes.raise_if_any(path.name)
    return plan


def plan_of(settings: PlantSettings, folder: str | Path = ".", *, reactor: Any = None) -> Plan:
    """
    Check settings that a program made.

    Args:
        settings: the configuration.
        folder: relative paths of files are below this folder.
        reactor: the reactor of the links; None: the global reactor.

    Raises:
        PlantMistakes: it has mistakes; the error tells all of them.
    """
    mistakes = MistakeList()
    plan = Planner(settings, Path(folder).absolute(), mistakes, the_reactor(reactor)).plan()
    mistakes.raise_if_any()
    return plan


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PLANT_FILE + 1)
    except OSError as error:
        raise PlantMistakes([Mistake((), f"cannot read it: {error.strerror}")], str(path)) from None
    if len(data) > MAX_PLANT_FILE:
        raise PlantMistakes([Mistake((), f"it is longer than {MAX_PLANT_FILE} bytes")], path.name)
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PlantMistakes([Mistake((), "this is not UTF-8: save it as UTF-8", line)], path.name) from None


class _Reader:
    """Reads the tables of one file. What has mistakes is left out, so that the rest is checked, too."""

    def __init__(self, folder: Path, mistakes: MistakeList) -> None:
        self._folder = folder
        self._mistakes = mistakes
        self._structurer = Structurer(mistakes)
        self._structurer.register(Secret, partial(_readable, Secret))
        self._structurer.register(Credential, partial(_readable, Credential.of))

    def settings(self, tables: dict[str, Any]) -> PlantSettings:
        """Return the settings of all tables."""
        for name in tables:
            if name not in _TABLES:
                self._mistakes.add((name,), f"is not known here{did_you_mean(name, _TABLES)}")
        found: dict[str, Any] = {}
        for name, kind in (("gateway", GatewaySettings), ("defaults", DefaultSettings)):
            found[name] = self._structurer.structure(tables.get(name, {}), kind, (name,)) or kind()
        return PlantSettings(
            **found,
            sinks=self._each(tables, "sinks", self._sink),
            links=self._each(tables, "links", self._link),
            opcua=self._opcua(tables.get("opcua")),
        )

    def _opcua(self, table: Any) -> OpcUaOptions | None:
        if table is None:
            return None
        if isinstance(table, dict):
            table = self._with_folder(table, OpcUaOptions)
        made: OpcUaOptions | None = self._structurer.structure(table, OpcUaOptions, ("opcua",))
        return made

    def _each(
        self, tables: dict[str, Any], group: str, read: Callable[[Any, tuple[str, str]], Any]
    ) -> dict[str, Any]:
        """Return the objects of all tables such as ``[links.NAME]`` by name."""
        given = tables.get(group, {})
        if not isinstance(given, dict):
            self._mistakes.add((group,), f"write a table [{group}.NAME] for each")
            return {}
        found = {}
        for name, table in given.items():
            path = (group, name)
            if not NAME.fullmatch(name):
                self._mistakes.add(path, NAME_RULE)
            elif not isinstance(table, dict):
                self._mistakes.add(path, f"must be a table [{group}.{name}], not {brief_repr(table)}")
            else:
                made = read(table, path)
                if made is not None:
                    found[name] = made
        return found

    def _link(self, table: dict[str, Any], path: tuple[str, str]) -> Any:
        return self._structurer.structure(table, LinkSettings, path)

    def _sink(self, table: dict[str, Any], path: tuple[str, str]) -> Sink | None:
        kind = table.get("kind")
        if not isinstance(kind, str):
            wrong = "kind is missing" if kind is None else f"kind must be text, not {brief_repr(kind)}"
            self._mistakes.add((*path, "kind"), f"{wrong}: write one of {', '.join(KINDS)}")
            return None
        try:
            found = find_kind(in_folder(self._folder, kind))
        except ConfigurationError as error:
            self._mistakes.add_error((*path, "kind"), error)
            return None
        rest = {name: value for name, value in table.items() if name != "kind"}
        made: Sink | None = self._structurer.structure(self._with_folder(rest, found), found, path)
        return made

    def _with_folder(self, table: dict[str, Any], kind: Any) -> dict[str, Any]:
        """Return the table of a sink with its relative files below the folder of the configuration."""
        return {
            key: str(self._folder / Path(value).expanduser())
            if key in kind.file_keys and isinstance(value, str) and value
            else value
            for key, value in table.items()
        }


def _readable(make: Callable[[Any], Any], value: Any) -> Any:
    """Return a secret that can be read now."""
    found = make(value)
    found.reveal()
    return found
