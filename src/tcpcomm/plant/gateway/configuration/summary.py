"""A plan as text for people: :func:`summary_lines`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpcomm.plant.gateway.plan import Plan, PlannedLink

_WITHOUT_COMMANDS = ("files", "postgres", "sqlite")
_HEAD = ("link", "device", "place", "polls", "a second", "events", "commands of brokers")


def summary_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines that tell what a gateway will do: its links, its sinks, and the rate of its polls."""
    yield f"gateway {plan.name} of the plant {plan.plant}"
    yield f"outbox {plan.outbox}: at most {plan.max_mib:,} MiB and {plan.max_messages:,} messages"
    if plan.standby is not None:
        yield f"standby: the sink {plan.standby} gives each link to one gateway of the plant"
    yield ""
    yield from _table([_HEAD, *(_row(each) for each in plan.links.values())])
    yield ""
    for name, sink in plan.sinks.items():
        links = [each for each in plan.links.values() if name in _sinks_of(each)]
        commanded = sum(name in each.commands_from and bool(each.commands) for each in links)
        commanded *= sink.kind not in _WITHOUT_COMMANDS
        commands = f", may give commands to {commanded}" if commanded else ""
        yield f"sink {name} ({sink.kind}): reports of {_counted(len(links), 'link')}{commands}"
    polls = sum(len(each.polls) for each in plan.links.values())
    counts = f"{_counted(len(plan.links), 'link')}, {_counted(polls, 'poll')}"
    yield f"{counts}: {plan.polls_per_second:,.1f} reports a second, and events"


def _row(link: PlannedLink) -> tuple[str, ...]:
    rate = sum(1 / each.every for each in link.polls)
    return (
        link.name,
        link.declaration.name,
        link.place,
        str(len(link.polls)),
        f"{rate:.2f}",
        ", ".join(link.events) or "-",
        ", ".join(link.commands) or "-",
    )


def _sinks_of(link: PlannedLink) -> set[str]:
    routes = [each.route for each in link.polls] + [*link.events.values()]
    if link.states is not None:
        routes.append(link.states)
    named = {name for route in routes for name in route.to}
    return named | (link.commands_from if link.commands else frozenset())


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
