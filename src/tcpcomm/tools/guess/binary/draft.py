"""
A header for :class:`~tcpcomm.codec.Binary`, proposed from facts: :func:`draft_header`.

Each part of the header rests on a fact that holds in every frame. Where a byte before the opcode has no
such fact, nothing is proposed, and the draft says which byte is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from attrs import evolve, frozen

from tcpcomm.codec import ID, OPCODE, STATUS, Binary, Echo, Int, Length
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.guess.binary.fact import Fact, FactKind, Of, Order, place_text, runs_of
from tcpcomm.tools.guess.binary.facts import Before, Facts, find_facts
from tcpcomm.tools.guess.binary.pairs import pair_up
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side

_FEWEST_PAIRS: Final = 10
"""The fewest requests with replies that prove a header."""

_MOST_FRAMES: Final = 2_000
"""Frames that are looked at, the first ones."""

_MOST_LEFT_OUT: Final = 2
"""Exchanges at the beginning that may have another header, such as a handshake."""

_PARTS: Final = (
    FactKind.ID,
    FactKind.LENGTH,
    FactKind.OPCODE,
    FactKind.STATUS,
    FactKind.ECHO,
    FactKind.CONSTANT,
)
_ENDS: Final = (FactKind.ID, FactKind.LENGTH, FactKind.OPCODE, FactKind.STATUS)
"""The kinds of facts after which a header may end."""


@frozen(kw_only=True)
class HeaderDraft:
    """
    A proposed header, or the reasons why there is none.

    Args:
        text: the codec as Python code, such as ``Binary(id=U16, head=(ID, OPCODE))``; empty if a part is
            not proven.
        imports: the names that the code needs from ``tcpcomm.codec``. ``Annotated``, which it may also
            need, is a name of ``typing``.
        codec: the codec that the code makes, or None.
        missing: what keeps it from being proposed, each as a sentence.
        notes: what its reader must know, each as a sentence.
        left_out: the frames at the beginning that do not have this header.
    """

    text: str = ""
    imports: tuple[str, ...] = ()
    codec: Binary | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: int = 0


def draft_header(frames: Sequence[tuple[Side, bytes]], before: Before = (0, 0)) -> HeaderDraft:
    """
    Propose the header of a binary link.

    Args:
        frames: the frames of both sides in the order in which they passed, as the framing delivers them.
        before: the bytes before those that the framing delivers, of requests and of replies.

    Returns:
        The draft. The header fits every request that was answered, and its reply, among the first 2,000
        frames. A handshake at the beginning may have another one, and is counted in ``left_out``.
    """
    whole = _draft(frames, before)
    if whole.codec is not None:
        return whole
    for exchanges in range(1, _MOST_LEFT_OUT + 1):
        start = 2 * exchanges
        later = _draft(frames[start:], before)
        if later.codec is not None:
            note = f"the first {start} frames have another header, such as that of a handshake"
            return evolve(later, left_out=start, notes=(note, *later.notes))
    return whole


@frozen
class _Part:
    """An item of a header, its code, and the names in it."""

    item: Any
    text: str
    names: tuple[str, ...] = ()


def _draft(frames: Sequence[tuple[Side, bytes]], before: Before) -> HeaderDraft:
    paired = pair_up(frames[:_MOST_FRAMES])
    if len(paired.pairs) < _FEWEST_PAIRS:
        text = f"{len(paired.pairs)} requests have replies, and a header needs {_FEWEST_PAIRS} of them"
        return HeaderDraft(missing=(text,))
    exchanges: list[tuple[Side, bytes]] = []
    for request, reply in paired.pairs:
        exchanges += (OPENER, request), (ANSWERER, reply)
    facts = find_facts(exchanges, before=before)
    missing = [*_missing(facts, before)]
    if missing:
        return HeaderDraft(missing=tuple(missing))
    order = _order(facts)
    head, reply_head = _head(facts, "requests", order), _head(facts, "replies", order)
    options, notes = _options(facts, before)
    if paired.unasked:
        notes.append(f"{len(paired.unasked)} frames came unasked, of which nothing is proposed")
    if order != "big":
        options["byte_order"] = order
    heads = [tuple(part.item for part in parts) for parts in (head, reply_head)]
    meant = {name: _meaning(value) for name, value in options.items()}
    try:
        codec = Binary(**meant, head=heads[0], reply_head=heads[1])
        codec.bind([])
    except ConfigurationError as error:
        return HeaderDraft(missing=(f"the header does not work as a codec: {error}",))
    written = [f"{name}={_code(value)}" for name, value in options.items() if name != "opcode"]
    if "opcode" in options:
        written.insert(0, _code(options["opcode"]))
    written.append(f"head=({_items(head)})")
    if _items(head) != _items(reply_head):
        written.append(f"reply_head=({_items(reply_head)})")
    names = {"Binary", *(name for part in (*head, *reply_head) for name in part.names)}
    names.update(value.name for value in options.values() if isinstance(value, _Width))
    return HeaderDraft(
        text=f"Binary({', '.join(written)})",
        imports=tuple(sorted(names)),
        codec=codec,
        notes=tuple(notes),
    )


@frozen
class _Width:
    """The type of a number without a sign."""

    size: int

    @property
    def name(self) -> str:
        return f"U{8 * self.size}"


def _meaning(value: Any) -> Any:
    return Annotated[int, Int(value.size)] if isinstance(value, _Width) else value


def _code(value: Any) -> str:
    if isinstance(value, _Width):
        return value.name
    return f"0x{value:02X}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def _items(parts: Sequence[_Part]) -> str:
    text = ", ".join(part.text for part in parts)
    return f"{text}," if len(parts) == 1 else text


def _end(facts: Facts, of: Of) -> int:
    """Return the byte behind the last part of the header that is more than a constant."""
    return max((fact.stop for fact in facts.of(of, *_ENDS)), default=0)


def _missing(facts: Facts, before: Before) -> Iterator[str]:
    """Yield the reasons why no header is proposed."""
    if not facts.of("requests", FactKind.OPCODE):
        yield "no byte of requests is proven to be the opcode"
    sides: tuple[Of, ...] = ("requests", "replies")
    for of in sides:
        end = _end(facts, of)
        if not end:
            yield f"no part of a header is found in {of}"
        known = {place for fact in facts.of(of, *_PARTS) if _is_certain(fact) for place in _places(fact)}
        unknown = [place for place in range(end) if place not in known]
        if unknown:
            first = before[of == "replies"]
            listed = ", ".join(place_text(first + at, size) for at, size in runs_of(unknown))
            counters = {place for fact in facts.of(of, FactKind.COUNTER) for place in _places(fact)}
            if counters >= {*unknown}:
                yield f"{of} count at {listed}, and no part of a header says that"
            else:
                yield f"the meaning of {listed} of {of} is not known"


def _is_certain(fact: Fact) -> bool:
    """Return True if a fact holds in all frames. A status is another number in some."""
    return fact.kind is FactKind.STATUS or fact.agree == fact.count


def _places(fact: Fact) -> range:
    return range(fact.at, fact.stop)


def _order(facts: Facts) -> Order:
    """Return the byte order that most numbers have."""
    orders = Counter(fact.order for fact in facts.facts if fact.order and fact.kind in _ENDS)
    return orders.most_common(1)[0][0] if orders else "big"


def _head(facts: Facts, of: Of, order: Order) -> list[_Part]:
    end = _end(facts, of)
    parts = [fact for fact in facts.of(of, *_PARTS) if fact.at < end]
    return [_part(evolve(fact, size=min(fact.size, end - fact.at)), facts, order) for fact in parts]


def _part(fact: Fact, facts: Facts, order: Order) -> _Part:
    if fact.kind is FactKind.CONSTANT:
        value = fact.value[: fact.size]
        return _Part(value, repr(value))
    if fact.kind is FactKind.LENGTH:
        adjust = f", adjust={fact.adjust}" if fact.adjust else ""
        width = _Width(fact.size)
        if fact.order in (None, order):
            return _Part(
                Length(_meaning(width), adjust=fact.adjust),
                f"Length({width.name}{adjust})",
                ("Length", width.name),
            )
        kind = Annotated[int, Int(fact.size, order=fact.order)]
        text = f"Length(Annotated[int, Int({fact.size}, order={fact.order!r})]{adjust})"
        return _Part(Length(kind, adjust=fact.adjust), text, ("Length", "Int"))
    if fact.kind is FactKind.ECHO:
        return _echo(fact, facts, order)
    item = {FactKind.ID: ID, FactKind.OPCODE: OPCODE, FactKind.STATUS: STATUS}[fact.kind]
    return _Part(item, item.name, (item.name,))


def _echo(fact: Fact, facts: Facts, order: Order) -> _Part:
    width, name = _Width(fact.size), f"byte_{fact.at + fact.before}"
    seen = Counter(request[fact.at : fact.stop] for request, _ in facts.paired.pairs)
    default = int.from_bytes(seen.most_common(1)[0][0], order)
    return _Part(
        Echo(_meaning(width), default, name=name),
        f"Echo({width.name}, {default}, name={name!r})",
        ("Echo", width.name),
    )


def _options(facts: Facts, before: Before) -> tuple[dict[str, Any], list[str]]:
    """Return the options of the codec beside its headers, and what must be said of them."""
    options: dict[str, Any] = {}
    notes: list[str] = []
    ids = facts.of("requests", FactKind.ID)
    if ids:
        options["id"] = _Width(ids[0].size)
        beside = ids[0].stop if _order(facts) == "little" else ids[0].at - 1
        constants = facts.of("requests", FactKind.CONSTANT)
        if any(each.at <= beside < each.stop and not each.value[beside - each.at] for each in constants):
            notes.append(f"byte {before[0] + beside} was always 0: it may be the high byte of the id")
    [opcode] = facts.of("requests", FactKind.OPCODE)
    if opcode.size > 1:
        options["opcode"] = _Width(opcode.size)
    if opcode.is_own:
        notes.append("a reply has an opcode of its own: give each command its reply=")
    elif opcode.size > 1:
        place = place_text(before[0] + opcode.at, opcode.size)
        notes.append(f"one of {place} may be the opcode, and the other an address")
    statuses = facts.of("replies", FactKind.STATUS)
    every_reply = bool(opcode.bits) and opcode.set_in == opcode.count
    if every_reply:
        options["reply_bit"] = opcode.bits
    if statuses:
        options["status"] = _Width(statuses[0].size)
    elif opcode.bits and not every_reply:
        options["fault_bit"] = opcode.bits
    else:
        options["fault_head"] = None
        notes.append("no request failed in this capture, so that nothing is known of faults")
    return options, notes
