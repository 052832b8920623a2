"""The nodes of a plant, made from the descriptions of its links: :class:`PlantSpace`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua
from attrs import frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import CodecError
from tcpcomm.plant.opcua import names
from tcpcomm.plant.opcua.arguments import inputs_of, output_argument, outputs_of
from tcpcomm.plant.opcua.data_types import data_type_id, type_of, variant_of
from tcpcomm.plant.opcua.node_writer import MANDATORY, OPTIONAL, SUBSCRIBE, NodeWriter
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.opcua.pending import NodeUpdate, PlantEvent
from tcpcomm.plant.opcua.plant_event import EventFields, standard_fields
from tcpcomm.plant.sink import LinkDescription
from tcpcomm.plant.values import ValueDescription, values_of

_TEXTS: Final = (
    (names.STATE, "The state of the link."),
    (names.REASON, "The reason of the state, in words."),
    (names.POLL_PROBLEM, "The last poll that failed, in words."),
    (names.CALL_PROBLEM, "The last method call that failed, in words."),
)

_ZERO: Final[dict[type[Any], Any]] = {bool: False, int: 0, float: 0.0, str: "", bytes: b"", object: ""}

MakeMethod = Callable[[str, str], Callable[..., Any]]
"""Returns the function that a method of a link calls."""


@frozen
class _Variable:
    """The type of a variable, for its updates."""

    id: ua.NodeId
    kind: type[Any]
    items: type[Any] | None


@frozen
class _EventType:
    id: ua.NodeId
    message: str
    fields: Mapping[str, ValueDescription]
    """The fields by path."""


class PlantSpace:
    """
    The nodes of a plant in the address space of a server.

    Args:
        server: asyncua's server.
        namespace: the index of the plant's namespace.
        options: the options of the server.
        now: returns the time.
    """

    def __init__(
        self, server: Any, namespace: int, options: OpcUaOptions, now: Callable[[], datetime]
    ) -> None:
        self._server = server
        self._namespace = namespace
        self._options = options
        self._now = now
        self._writer = NodeWriter(server.iserver.isession, namespace)
        self._variables: dict[str, _Variable] = {}
        self._types: dict[Declaration, str] = {}
        self._event_types: dict[tuple[str, str], _EventType] = {}
        self._events: dict[tuple[str, str], _EventType] = {}
        self._plant = ua.NodeId(ua.ObjectIds.ObjectsFolder)

    async def build(self, plant: str, links: Sequence[LinkDescription], make_method: MakeMethod) -> None:
        """Add the object of the plant, and below it an object for each link."""
        writer = self._writer
        server = ua.NodeId(ua.ObjectIds.Server)
        self._plant = await writer.add_object(
            ua.NodeId(ua.ObjectIds.ObjectsFolder),
            "plant",
            plant,
            doc=f"The links of {plant}.",
            has_events=True,
            reference=ua.ObjectIds.Organizes,
        )
        notifier = ua.DataValue(ua.Variant(SUBSCRIBE, ua.VariantType.Byte))
        await self._server.iserver.write_attribute_value(server, notifier, ua.AttributeIds.EventNotifier)
        await writer.refer(server, self._plant, ua.ObjectIds.HasNotifier)
        for link in links:
            await self._add_link(link, make_method)

    async def _add_link(self, link: LinkDescription, make_method: MakeMethod) -> None:
        writer = self._writer
        declaration = link.declaration
        if declaration not in self._types:
            self._types[declaration] = await self._add_type(declaration)
        type_name = self._types[declaration]
        node = await writer.add_object(
            self._plant,
            link.name,
            link.name,
            doc=_doc(declaration),
            type_node=writer.id(f"types/{type_name}"),
            has_events=True,
        )
        await writer.refer(ua.NodeId(ua.ObjectIds.Server), node, ua.ObjectIds.HasNotifier)
        await self._add_state(node, link.name, None)
        polled = [each for each in link.values if not each.is_event]
        await self._add_values(node, link.name, polled, None)
        for name in link.commands:
            method = await self._add_command(node, link.name, declaration, name, None)
            self._server.iserver.isession.add_method_callback(method, make_method(link.name, name))
        for name in declaration.events:
            self._events[link.name, name] = kind = self._event_types[type_name, name]
            await writer.refer(node, kind.id, ua.ObjectIds.GeneratesEvent)

    async def _add_type(self, declaration: Declaration) -> str:
        """Add the type of the objects of a declaration, and the types of its events; return its name."""
        writer = self._writer
        name = declaration.name
        if name in self._types.values():
            name = f"{declaration.kind.__module__}.{name}"
        title = names.pascal(name.replace(".", "_"))
        node = await writer.add_type(
            f"types/{name}", f"{title}Type", _doc(declaration), ua.ObjectIds.BaseObjectType
        )
        prefix = f"types/{name}"
        await self._add_state(node, prefix, MANDATORY)
        values = [each for command in declaration.commands for each in values_of(declaration, command)]
        await self._add_values(node, prefix, values, OPTIONAL)
        for command in declaration.commands:
            if command not in names.OF_LINK:
                await self._add_command(node, prefix, declaration, command, OPTIONAL)
        for event in declaration.events.values():
            kind = await self._add_event_type(name, title, declaration, event.name)
            self._event_types[name, event.name] = kind
            await writer.refer(node, kind.id, ua.ObjectIds.GeneratesEvent)
        return name

    async def _add_event_type(
        self, type_name: str, title: str, declaration: Declaration, event: str
    ) -> _EventType:
        writer = self._writer
        doc = declaration.events[event].doc
        text = names.event_type_node(type_name, f"events/{event}")
        node = await writer.add_type(
            text, f"{title}{names.pascal(event)}EventType", doc, ua.ObjectIds.BaseEventType
        )
        fields = {each.path: each for each in values_of(declaration, event)}
        for each in fields.values():
            vtype, rank = type_of(each.kind, each.items)
            await writer.add_property(
                node,
                f"{text}/{_field_name(each)}",
                _field_name(each),
                ua.Variant([], vtype, is_array=True) if rank == 1 else ua.Variant(_ZERO[each.kind], vtype),
                data_type=data_type_id(each.kind, each.items),
                rule=MANDATORY,
                doc=each.doc,
            )
        message = names.first_line(doc) or f"{declaration.name}.{event}"
        return _EventType(node, message, fields)

    async def _add_state(self, node: ua.NodeId, prefix: str, rule: int | None) -> None:
        """Add the variables about the link itself."""
        writer = self._writer
        is_ready = ValueDescription(path=names.READY, kind=bool, doc="True while the link is ready.")
        added = await writer.add_variable(node, f"{prefix}/{names.READY}", names.READY, is_ready, rule=rule)
        self._keep(prefix, names.READY, added, bool, None)
        for name, doc in _TEXTS:
            added = await writer.add_text(node, f"{prefix}/{name}", name, doc, rule=rule)
            self._keep(prefix, name, added, str, None)
        last = self._writer.id(f"{prefix}/{names.CALL_PROBLEM}")
        for name, doc in (
            (names.PROBLEM_COMMAND, "The command that failed."),
            (names.PROBLEM_CODE, "The code of the equipment's fault; empty if it was no fault."),
        ):
            path = f"{names.CALL_PROBLEM}/{name}"
            text = f"{prefix}/{path}"
            value = ua.Variant("", ua.VariantType.String)
            added = await writer.add_property(last, text, name, value, doc=doc, rule=rule)
            self._keep(prefix, path, added, str, None)

    async def _add_values(
        self, node: ua.NodeId, prefix: str, values: Sequence[ValueDescription], rule: int | None
    ) -> None:
        """Add variables for polled values, in an object for each command and each class."""
        if not values:
            return
        writer = self._writer
        groups = {
            "": await writer.add_object(
                node,
                f"{prefix}/{names.VALUES}",
                names.VALUES,
                doc="The values that polls bring.",
                rule=rule,
            )
        }
        for each in values:
            *above, name = each.path.split("/")
            path = ""
            for step in above:
                parent, path = groups[path], f"{path}/{step}".removeprefix("/")
                if path not in groups:
                    groups[path] = await writer.add_object(
                        parent, names.value_node(prefix, path), step, doc=each.doc, rule=rule
                    )
            added = await writer.add_variable(
                groups[path], names.value_node(prefix, each.path), name, each, rule=rule
            )
            self._keep(prefix, f"{names.VALUES}/{each.path}", added, each.kind, each.items)

    async def _add_command(
        self, node: ua.NodeId, prefix: str, declaration: Declaration, name: str, rule: int | None
    ) -> ua.NodeId:
        command = declaration.commands.get(name)
        return await self._writer.add_method(
            node,
            names.method_node(prefix, name),
            name,
            doc="" if command is None else command.doc,
            inputs=[each.argument() for each in inputs_of(declaration, name)],
            outputs=[output_argument(each) for each in outputs_of(declaration, name)],
            rule=rule,
        )

    def _keep(
        self, prefix: str, path: str, node: ua.NodeId, kind: type[Any], items: type[Any] | None
    ) -> None:
        if not prefix.startswith("types/"):
            self._variables[f"{prefix}/{path}"] = _Variable(node, kind, items)

    async def update(self, update: NodeUpdate) -> str:
        """Write a value. Return the reason why it does not fit its variable; empty if it does."""
        variable = self._variables.get(update.node)
        if variable is None:
            return f"there is no variable {update.node}"
        status, variant, problem = update.status, None, ""
        if ua.StatusCode(status).is_good():
            try:
                variant = variant_of(variable.kind, variable.items, update.value)
            except CodecError as error:
                status, problem = ua.StatusCodes.BadOutOfRange, f"{update.node} {error}"
        value = ua.DataValue(
            Value=ua.Variant() if variant is None else variant,
            StatusCode=ua.StatusCode(status),
            SourceTimestamp=moment(update.at),
            ServerTimestamp=self._now(),
        )
        await self._server.iserver.aspace.write_attribute_value(variable.id, ua.AttributeIds.Value, value)
        return problem

    async def emit(self, event: PlantEvent) -> str:
        """Send an event to the clients that want it. Return the reason if a value does not fit."""
        kind = self._events[event.link, event.name]
        source = self._writer.id(event.link)
        own, problem = {}, ""
        for path, each in kind.fields.items():
            try:
                if path in event.values and event.values[path] is not None:
                    own[_field_name(each)] = variant_of(each.kind, each.items, event.values[path])
            except CodecError as error:
                problem = f"{event.link}/{path} {error}"
        fields = EventFields(
            kind.id,
            self._namespace,
            standard_fields(
                kind.id,
                source,
                source_name=event.link,
                at=moment(event.at),
                now=self._now(),
                severity=self._options.severity_of(event.link, event.name),
                message=kind.message,
            ),
            own,
        )
        for node in (source, self._plant, ua.NodeId(ua.ObjectIds.Server)):
            fields.emitting_node = node
            await self._server.iserver.subscription_service.trigger_event(fields)
        return problem


def moment(at: float) -> datetime:
    """Return seconds since 1970 (UTC) as OPC UA takes them."""
    return datetime.fromtimestamp(at, UTC)


def _field_name(value: ValueDescription) -> str:
    return value.path.partition("/")[2].replace("/", ".")


def _doc(declaration: Declaration) -> str:
    doc = inspect.getdoc(declaration.kind) or ""
    return "" if doc == inspect.getdoc(Equipment) else doc
