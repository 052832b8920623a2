"""Imports run one way: between rooms, between the wings of ``codec``, and between modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.house.source import Breach, Module, Tree

__all__ = ["ROOMS", "circles", "global_reactor", "one_way", "twisted_below", "wall_clock", "wings"]

ROOMS: Final = (
    ("errors", "_version", "_lazy"),
    ("framing",),
    ("codec",),
    ("runtime",),
    ("transports",),
    ("net",),
    ("session",),
    ("equipment",),
    ("conversation",),
    ("link",),
    ("server",),
    ("host",),
    ("blocking",),
    ("devices",),
    ("tools",),
    ("plant",),
    ("cli", "tap", "testing"),
    ("__main__",),
)
"""The rooms from the ground up. A room imports itself and the rooms of earlier rows."""

WITHOUT_TWISTED: Final = (*ROOMS[0], "framing", "codec")
WINGS: Final = ("template", "binary", "json")
_TAKES_REACTOR: Final = "runtime/monotonic_time.py"
_WALL_CLOCK: Final = (
    "runtime/monotonic_time.py",  # replaces it
    "runtime/logs.py",  # writes the time into each line
    "server/echo.py",  # tells the time of day
    "session/frame_log.py",  # writes the time into each line
    "cli/tools/output.py",  # the same
    "tools/monitor/model.py",  # shows the time of each row
    "devices/fins/simulator.py",  # a simulated controller has a clock
    "tools/record/clock.py",  # people compare recorded times with those of their logs
    "plant/gateway/gateway.py",  # reports have the time of day
    "runtime/tls_rules.py",  # certificates have dates
    "plant/outbox/deduplicator.py",  # ids are kept for days, also while the program does not run
    "cli/tools/outbox.py",  # shows the age of messages
    "plant/outbox/outbox.py",  # messages carry the time of day, and expire by it also after a restart
    "plant/sinks/rabbitmq/command_receiver.py",  # the sender of a command writes the time into it
    "plant/sinks/mqtt/sparkplug/form.py",  # hosts read the timestamps of metrics
    "plant/sinks/files.py",  # the names of files have the time
    "plant/sinks/sqlite.py",  # rows are deleted by their dates
    "plant/opcua/added_link.py",  # people read the time of a value
    "plant/opcua/server_thread.py",  # the same
    "plant/opcua/service.py",  # the same
)
_READS_WALL_CLOCK: Final = re.compile(
    r"time\.time(_ns)?|from time import (.*, )?time(_ns)?(,.*| as .*)?|(datetime|date)\.(now|today|utcnow)"
)
_ROW: Final = {room: row for row, rooms in enumerate(ROOMS) for room in rooms}


def one_way(tree: Tree) -> Iterator[Breach]:
    """Find imports of a room that does not stand below the importing room."""
    for module in tree:
        if module.lists_names_only:
            continue
        room = module.room
        if room not in _ROW:
            yield module.breach(
                1,
                f"the room {room} is not in the list of rooms",
                "each room has its place in the order",
                "add it to ROOMS in tests/house/order.py, above all that it imports",
            )
            continue
        for line, name, other in _rooms_needed(tree, module):
            if other != room and (other not in _ROW or _ROW[other] >= _ROW[room]):
                place = other or "the whole package"
                yield module.breach(
                    line,
                    f"imports {name}",
                    f"{room} imports only rooms that stand below it, and {place} does not",
                    "move the name down, or pass the object as an argument",
                )


def _rooms_needed(tree: Tree, module: Module) -> Iterator[tuple[int, str, str]]:
    """The line, the full name and the room of each import from this package."""
    for each in module.imports:
        name = tree.defining(each)
        if name is not None:
            shown = f"{each.module}.{each.name}" if each.name else each.module
            yield each.line, shown, [*name.split("."), ""][1]


def wings(tree: Tree) -> Iterator[Breach]:
    """Find imports between the wings of ``codec``, and imports of a wing by what the wings share."""
    for module in tree:
        if module.rooms[:1] != ("codec",) or module.lists_names_only:
            continue
        own = _wing(module.rooms)
        for each in module.imports:
            wing = _wing(tuple((tree.defining(each) or "").split(".")[1:]))
            if wing and wing != own:
                who = f"the wing {own}" if own else "a shared module of codec"
                yield module.breach(
                    each.line,
                    f"imports {each.module}",
                    f"{who} does not import the wing {wing}",
                    "move what both need to a module of its own in codec/",
                )


def _wing(rooms: tuple[str, ...]) -> str:
    return rooms[1] if rooms[:1] == ("codec",) and rooms[1:2] and rooms[1] in WINGS else ""


def circles(tree: Tree) -> Iterator[Breach]:
    """Find groups of modules that import each other in a circle, by Tarjan's algorithm."""
    needs = {module.name: tree.needs(module) for module in tree if not module.lists_names_only}
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in needs[name]:
            if other not in needs:
                continue
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            at = stack.index(name)
            groups.append(stack[at:])
            del stack[at:]

    for name in needs:
        if name not in order:
            visit(name)
    for group in groups:
        members = sorted(group)
        first, *_ = members
        if len(members) > 1 or first in needs[first]:
            line = next(line for other, line in needs[first].items() if other in members)
            yield tree.modules[first].breach(
                line,
                f"imports in a circle: {', '.join(members)}",
                "no two modules need each other, imports under TYPE_CHECKING included",
                "move what they share to a module below both",
            )


def twisted_below(tree: Tree) -> Iterator[Breach]:
    """Find imports of Twisted in the rooms that work without it."""
    for module in tree:
        if module.room in WITHOUT_TWISTED:
            for each in module.imports:
                if each.module.split(".")[0] == "twisted":
                    yield module.breach(
                        each.line,
                        f"imports {each.module}",
                        "framing, codec and what they stand on work without Twisted",
                        "move this code to session or runtime",
                    )


def global_reactor(tree: Tree) -> Iterator[Breach]:
    """Find imports of the global reactor, except in the function that puts it on monotonic time."""
    for module in tree:
        in_functions = {
            id(node)
            for function in ast.walk(module.tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            allowed = id(node) in in_functions and module.path.endswith(_TAKES_REACTOR)
            if not allowed and "twisted.internet.reactor" in ast.unparse(node).replace(" import ", "."):
                yield module.breach(
                    node.lineno,
                    "imports the global reactor",
                    "importing tcpcomm installs no reactor, and each reactor is on monotonic time",
                    "call the_reactor() of tcpcomm.runtime.monotonic_time in the function that needs it",
                )


def wall_clock(tree: Tree) -> Iterator[Breach]:
    """Find modules that read the wall clock, and do not show its time to people."""
    for module in tree:
        if module.path.endswith(_WALL_CLOCK):
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Attribute | ast.ImportFrom):
                continue
            text = ast.unparse(node)
            if _READS_WALL_CLOCK.fullmatch(text):
                yield module.breach(
                    node.lineno,
                    f"reads the wall clock: {text}",
                    "what is measured or awaited is so by monotonic time, which nobody can set",
                    "use the seconds() of the clock, or time.monotonic; if people read the time, "
                    "add the module to _WALL_CLOCK in tests/house/order.py",
                )
