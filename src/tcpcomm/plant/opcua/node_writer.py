"""Write nodes of OPC UA, each with its description: :class:`NodeWriter`."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from tcpcomm.plant.opcua.data_types import data_type_id, type_of
from tcpcomm.plant.opcua.units import unit_information
from tcpcomm.plant.values import ValueDescription

_READ: Final = ua.AccessLevel.CurrentRead.mask
SUBSCRIBE: Final = 1 << ua.EventNotifier.SubscribeToEvents.value
MANDATORY: Final = ua.ObjectIds.ModellingRule_Mandatory
OPTIONAL: Final = ua.ObjectIds.ModellingRule_Optional


class NodeWriter:
    """
    Adds nodes to the address space of a server.

    Args:
        session: the server's own session.
        namespace: the index of the namespace.
    """

    def __init__(self, session: Any, namespace: int) -> None:
        self._session = session
        self._namespace = namespace

    def id(self, text: str) -> ua.NodeId:
        """Return the identifier of a node of the plant."""
        return ua.NodeId(text, self._namespace)

    async def add(
        self,
        parent: ua.NodeId,
        text: str,
        name: str,
        kind: ua.NodeClass,
        attributes: Any,
        *,
        reference: int = ua.ObjectIds.HasComponent,
        type_node: ua.NodeId | None = None,
        doc: str = "",
        rule: int | None = None,
        standard_name: bool = False,
    ) -> ua.NodeId:
        """Add a node below another, and return its identifier."""
        attributes.DisplayName = ua.LocalizedText(name)
        attributes.Description = ua.LocalizedText(doc or name)
        attributes.WriteMask = attributes.UserWriteMask = 0
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = self.id(text)
        item.BrowseName = ua.QualifiedName(name, 0 if standard_name else self._namespace)
        item.ParentNodeId = parent
        item.ReferenceTypeId = ua.NodeId(reference)
        item.NodeClass = kind
        if type_node is not None:
            item.TypeDefinition = type_node
        item.NodeAttributes = attributes
        (result,) = await self._session.add_nodes([item])
        result.StatusCode.check()
        if rule is not None:
            await self.refer(item.RequestedNewNodeId, ua.NodeId(rule), ua.ObjectIds.HasModellingRule)
        added: ua.NodeId = result.AddedNodeId
        return added

    async def add_type(self, text: str, name: str, doc: str, parent: int) -> ua.NodeId:
        """Add a type of objects or events."""
        attributes = ua.ObjectTypeAttributes()
        attributes.IsAbstract = False
        return await self.add(
            ua.NodeId(parent),
            text,
            name,
            ua.NodeClass.ObjectType,
            attributes,
            reference=ua.ObjectIds.HasSubtype,
            doc=doc,
        )

    async def add_object(
        self,
        parent: ua.NodeId,
        text: str,
        name: str,
        *,
        doc: str = "",
        type_node: ua.NodeId | None = None,
        rule: int | None = None,
        has_events: bool = False,
        reference: int = ua.ObjectIds.HasComponent,
    ) -> ua.NodeId:
        """Add an object."""
        attributes = ua.ObjectAttributes()
        attributes.EventNotifier = SUBSCRIBE if has_events else 0
        return await self.add(
            parent,
            text,
            name,
            ua.NodeClass.Object,
            attributes,
            type_node=type_node or ua.NodeId(ua.ObjectIds.BaseObjectType),
            doc=doc,
            rule=rule,
            reference=reference,
        )

    async def add_property(
        self,
        parent: ua.NodeId,
        text: str,
        name: str,
        value: ua.Variant,
        *,
        data_type: ua.NodeId | None = None,
        rule: int | None = None,
        doc: str = "",
        standard_name: bool = False,
    ) -> ua.NodeId:
        """Add a property with its value."""
        attributes = _variable_attributes(data_type or ua.NodeId(value.VariantType.value))
        attributes.ValueRank = 1 if isinstance(value.Value, list) else -1
        attributes.Value = value
        return await self.add(
            parent,
            text,
            name,
            ua.NodeClass.Variable,
            attributes,
            reference=ua.ObjectIds.HasProperty,
            type_node=ua.NodeId(ua.ObjectIds.PropertyType),
            rule=rule,
            doc=doc,
            standard_name=standard_name,
        )

    async def add_text(
        self, parent: ua.NodeId, text: str, name: str, doc: str, *, rule: int | None = None
    ) -> ua.NodeId:
        """Add a variable that holds a text."""
        value = ValueDescription(path=name, kind=str, doc=doc)
        return await self.add_variable(parent, text, name, value, rule=rule)

    async def add_variable(
        self, parent: ua.NodeId, text: str, name: str, value: ValueDescription, *, rule: int | None = None
    ) -> ua.NodeId:
        """Add a variable, with its unit and its range if there are some."""
        attributes = _variable_attributes(data_type_id(value.kind, value.items))
        attributes.ValueRank = rank = type_of(value.kind, value.items)[1]
        attributes.ArrayDimensions = [0] if rank == 1 else None
        has_range = value.low is not None and value.high is not None
        kind = ua.ObjectIds.BaseDataVariableType
        if has_range:
            kind = ua.ObjectIds.AnalogItemType
        elif value.unit:
            kind = ua.ObjectIds.AnalogUnitType
        node = await self.add(
            parent,
            text,
            name,
            ua.NodeClass.Variable,
            attributes,
            type_node=ua.NodeId(kind),
            doc=value.doc,
            rule=rule,
        )
        if value.unit:
            unit = ua.Variant(unit_information(value.unit), ua.VariantType.ExtensionObject)
            await self.add_property(
                node,
                f"{text}/EngineeringUnits",
                "EngineeringUnits",
                unit,
                data_type=ua.NodeId(ua.ObjectIds.EUInformation),
                rule=None if rule is None else MANDATORY,
                standard_name=True,
            )
        if has_range:
            limits = ua.Variant(ua.Range(value.low, value.high), ua.VariantType.ExtensionObject)
            await self.add_property(
                node,
                f"{text}/EURange",
                "EURange",
                limits,
                data_type=ua.NodeId(ua.ObjectIds.Range),
                rule=None if rule is None else MANDATORY,
                standard_name=True,
            )
        return node

    async def add_method(
        self,
        parent: ua.NodeId,
        text: str,
        name: str,
        *,
        doc: str,
        inputs: list[ua.Argument],
        outputs: list[ua.Argument],
        rule: int | None = None,
    ) -> ua.NodeId:
        """Add a method with its arguments."""
        attributes = ua.MethodAttributes()
        attributes.Executable = attributes.UserExecutable = True
        node = await self.add(parent, text, name, ua.NodeClass.Method, attributes, doc=doc, rule=rule)
        for title, arguments in (("InputArguments", inputs), ("OutputArguments", outputs)):
            if arguments:
                await self.add_property(
                    node,
                    f"{text}/{title}",
                    title,
                    ua.Variant(arguments, ua.VariantType.ExtensionObject, is_array=True),
                    data_type=ua.NodeId(ua.ObjectIds.Argument),
                    rule=None if rule is None else MANDATORY,
                    standard_name=True,
                )
        return node

    async def refer(self, source: ua.NodeId, target: ua.NodeId, reference: int) -> None:
        """Add a reference between two nodes."""
        item = ua.AddReferencesItem()
        item.SourceNodeId, item.TargetNodeId = source, target
        item.ReferenceTypeId = ua.NodeId(reference)
        item.IsForward = True
        (status,) = await self._session.add_references([item])
        status.check()


def _variable_attributes(data_type: ua.NodeId) -> ua.VariableAttributes:
    attributes = ua.VariableAttributes()
    attributes.DataType = data_type
    attributes.ValueRank = -1
    attributes.AccessLevel = attributes.UserAccessLevel = _READ
    attributes.Historizing = False
    attributes.MinimumSamplingInterval = 0.0
    return attributes
