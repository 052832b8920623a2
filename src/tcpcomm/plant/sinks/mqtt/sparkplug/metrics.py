"""The metrics of links and of the gateway, and the values of reports as metrics."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, Final

from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.report import EVENT, POLL, STATE, Report
from tcpcomm.plant.sink import LinkDescription
from tcpcomm.plant.sinks.mqtt.form import NotAccepted
from tcpcomm.plant.sinks.mqtt.sparkplug.node import Definition, Sample
from tcpcomm.plant.sinks.mqtt.sparkplug.payload import DataType, Value
from tcpcomm.plant.values import ValueDescription, values_by_path

COMMANDS: Final = "commands"
REPLIES: Final = "replies"
PROBLEM: Final = "problem"
LINKS: Final = "links"
STATE_NAME: Final = "state"
REASON: Final = "reason"
_BAD: Final = 0
"""The number of Sparkplug for a value of bad quality."""

_TYPES: Final = {
    bool: DataType.BOOLEAN,
    int: DataType.INT64,
    float: DataType.DOUBLE,
    str: DataType.STRING,
    bytes: DataType.BYTES,
}


def of_gateway(links: Iterable[LinkDescription]) -> list[Definition]:
    """Return the metrics of the node: the states of all links."""
    return [
        Definition(name=f"{LINKS}/{each.name}/{what}", datatype=DataType.STRING, initial=initial)
        for each in links
        for what, initial in ((STATE_NAME, "down"), (REASON, ""))
    ]


def of_link(link: LinkDescription) -> list[Definition]:
    """Return the metrics of a device: values, events, problems of polls, commands and their replies."""
    found = [_definition(each) for each in link.values]
    polled = dict.fromkeys(each.path.split("/")[0] for each in link.values if not each.is_event)
    found += [
        Definition(name=f"{each}/{PROBLEM}", datatype=DataType.STRING, initial="") for each in polled
    ]
    found += [
        Definition(name=name, datatype=DataType.BOOLEAN, is_transient=True)
        for name, event in link.declaration.events.items()
        if not event.spec.parameters
    ]
    found += [Definition(name=f"{COMMANDS}/{each}", datatype=DataType.STRING) for each in link.commands]
    found += [
        Definition(name=f"{REPLIES}/{each}", datatype=DataType.STRING, is_transient=True)
        for each in link.commands
    ]
    return list({each.name: each for each in reversed(found)}.values())[::-1]  # the first of one name


def _definition(value: ValueDescription) -> Definition:
    properties: dict[str, bool | int | float | str] = {}
    if value.unit:
        properties["engUnit"] = value.unit
    if value.low is not None:
        properties["engLow"] = value.low
    if value.high is not None:
        properties["engHigh"] = value.high
    if value.doc:
        properties["documentation"] = value.doc
    return Definition(
        name=value.path,
        datatype=_TYPES.get(value.kind, DataType.STRING),
        properties=properties,
        is_transient=value.is_event,
    )


def samples_of(
    report: Report, link: LinkDescription, definitions: dict[str, Definition], is_historical: bool
) -> dict[str, Sample]:
    """
    Return the metrics of the device that a report changes.

    Args:
        report: the result of a poll, or an event.
        link: the description of its link.
        definitions: the metrics of the device, by name.
        is_historical: it is older than the birth.

    Raises:
        NotAccepted: it brings nothing, or a value does not fit its type.
    """
    at = int(report.at * 1000)
    found: dict[str, Sample] = {}
    for path, value in values_by_path(link.values, report.name, report.values).items():
        fitting = fitting_value(path, value, definitions[path].datatype)
        found[path] = Sample(value=fitting, timestamp=at, is_historical=is_historical)
    if report.kind == POLL and report.problem:
        for each in link.values:
            if each.path.split("/")[0] == report.name and not each.is_event:
                properties = {"Quality": _BAD}
                found[each.path] = Sample(
                    value=None, timestamp=at, is_historical=is_historical, properties=properties
                )
    problem = f"{report.name}/{PROBLEM}"
    if report.kind == POLL and problem in definitions:
        found[problem] = Sample(value=report.problem, timestamp=at, is_historical=is_historical)
    if report.kind == EVENT and not found and report.name in definitions:
        found[report.name] = Sample(value=True, timestamp=at, is_historical=is_historical)
    if not found:
        raise NotAccepted(
            f"the {report.kind} {report.name} of {report.link} brings no value that the link declares, so "
            "that Sparkplug has no metric for it: send it to another sink"
        )
    return found


def states_of(report: Report, is_historical: bool) -> dict[str, Sample]:
    """Return the metrics of the node that the state of a link changes."""
    at = int(report.at * 1000)
    return {
        f"{LINKS}/{report.link}/{what}": Sample(value=value, timestamp=at, is_historical=is_historical)
        for what, value in ((STATE_NAME, report.name), (REASON, report.problem))
    }


def report_of(message: OutboxMessage, links: dict[str, LinkDescription]) -> Report:
    """
    Return the report that a message carries.

    Raises:
        NotAccepted: it carries none, or one of a link that is not described.
    """
    report = Report.of(message)
    if report is None:
        raise NotAccepted(
            "the message is not a report of a gateway, and Sparkplug carries nothing else: "
            'send it to a sink with form = "json"'
        )
    if report.link not in links:
        raise NotAccepted(f"the link {report.link} is not in the gateway's configuration any longer")
    return report


def is_state(report: Report) -> bool:
    """Return True if a report tells the state of its link."""
    return report.kind == STATE


def fitting_value(path: str, value: Any, datatype: DataType) -> Value:
    """
    Return a value, as JSON has it, for a metric.

    Raises:
        NotAccepted: it does not fit the type.
    """
    if value is None:
        return None
    match datatype:
        case DataType.BOOLEAN if isinstance(value, bool):
            return value
        case DataType.INT64 if isinstance(value, int) and not isinstance(value, bool):
            if -(1 << 63) <= value < 1 << 63:
                return value
            raise NotAccepted(f"{path} is {value}, which does not fit Int64 of Sparkplug")
        case DataType.DOUBLE if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                return float(value)
            except (ValueError, OverflowError):
                raise NotAccepted(f"{path} is {value!r}, which is not a number") from None
        case DataType.BYTES if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise NotAccepted(f"{path} is not base64") from None
        case DataType.STRING:
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    raise NotAccepted(f"{path} is {value!r}, but the declaration says {datatype.name.lower()}")
