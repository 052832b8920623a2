"""
The public names of :mod:`tcpcomm.codec`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.codec.base import (
        Codec as Codec,
        Dialect as Dialect,
        Field as Field,
        MessageSpec as MessageSpec,
        ProtocolErrorKind as ProtocolErrorKind,
        Request as Request,
    )
    from tcpcomm.codec.binary.binary import Binary as Binary
    from tcpcomm.codec.binary.header import (
        ID as ID,
        OPCODE as OPCODE,
        STATUS as STATUS,
        Check as Check,
        Length as Length,
    )
    from tcpcomm.codec.binary.statuses import Mask as Mask
    from tcpcomm.codec.binary.types import (
        F32 as F32,
        F64 as F64,
        I16 as I16,
        I24 as I24,
        I32 as I32,
        I40 as I40,
        I48 as I48,
        I56 as I56,
        I64 as I64,
        I8 as I8,
        U16 as U16,
        U24 as U24,
        U32 as U32,
        U40 as U40,
        U48 as U48,
        U56 as U56,
        U64 as U64,
        U8 as U8,
        After as After,
        Aligned as Aligned,
        Before as Before,
        Bits as Bits,
        Counted as Counted,
        CountedBy as CountedBy,
        Derived as Derived,
        Encoded as Encoded,
        EndedBy as EndedBy,
        Fixed as Fixed,
        Float as Float,
        HighestFirst as HighestFirst,
        InTag as InTag,
        Int as Int,
        Order as Order,
        Rest as Rest,
        Skip as Skip,
        Tagged as Tagged,
        TaggedBy as TaggedBy,
        Via as Via,
    )
    from tcpcomm.codec.binary.variables import Echo as Echo, Var as Var, WantsReply as WantsReply
    from tcpcomm.codec.json.objects import Json as Json
    from tcpcomm.codec.json.rpc import JsonRpc as JsonRpc
    from tcpcomm.codec.json.text import JsonText as JsonText
    from tcpcomm.codec.reply_forms import (
        Acknowledged as Acknowledged,
        CountedLines as CountedLines,
        OneOf as OneOf,
        Silence as Silence,
        TwoPhases as TwoPhases,
        Until as Until,
    )
    from tcpcomm.codec.ranges import Range as Range, Unit as Unit
    from tcpcomm.codec.template.scpi.codec import Scpi as Scpi
    from tcpcomm.codec.template.template import Template as Template
    from tcpcomm.codec.template.text import Text as Text
    from tcpcomm.codec.template.documents.xml_codec import Xml as Xml

DEFINED_IN: Final = {
    "tcpcomm.codec.base": ["Codec", "Dialect", "Field", "MessageSpec", "ProtocolErrorKind", "Request"],
    "tcpcomm.codec.binary.binary": ["Binary"],
    "tcpcomm.codec.binary.header": ["ID", "OPCODE", "STATUS", "Check", "Length"],
    "tcpcomm.codec.binary.statuses": ["Mask"],
    "tcpcomm.codec.binary.types": [
        "F32",
        "F64",
        "I16",
        "I24",
        "I32",
        "I40",
        "I48",
        "I56",
        "I64",
        "I8",
        "U16",
        "U24",
        "U32",
        "U40",
        "U48",
        "U56",
        "U64",
        "U8",
        "After",
        "Aligned",
        "Before",
        "Bits",
        "Counted",
        "CountedBy",
        "Derived",
        "Encoded",
        "EndedBy",
        "Fixed",
        "Float",
        "HighestFirst",
        "InTag",
        "Int",
        "Order",
        "Rest",
        "Skip",
        "Tagged",
        "TaggedBy",
        "Via",
    ],
    "tcpcomm.codec.binary.variables": ["Echo", "Var", "WantsReply"],
    "tcpcomm.codec.json.objects": ["Json"],
    "tcpcomm.codec.json.rpc": ["JsonRpc"],
    "tcpcomm.codec.json.text": ["JsonText"],
    "tcpcomm.codec.reply_forms": ["Acknowledged", "CountedLines", "OneOf", "Silence", "TwoPhases", "Until"],
    "tcpcomm.codec.ranges": ["Range", "Unit"],
    "tcpcomm.codec.template.scpi.codec": ["Scpi"],
    "tcpcomm.codec.template.template": ["Template"],
    "tcpcomm.codec.template.text": ["Text"],
    "tcpcomm.codec.template.documents.xml_codec": ["Xml"],
}
"""The names that each module defines."""
