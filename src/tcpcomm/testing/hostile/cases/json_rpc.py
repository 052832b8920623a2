"""JSON-RPC 2.0: what its specification says about wrong requests and batches. Numbers 451 to 499."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tcpcomm.testing.hostile.case import SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.target import ANSWERED, SILENT, Target
from tcpcomm.testing.hostile.verdict import JSON_RPC, wrong

_RPC = (JSON_RPC,)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601


def _replies(target: Target, text: bytes, *, within: float | None = None) -> list[Any]:
    """Send a message, then a good request. Return all that was received before its reply, decoded."""
    with target.open() as peer:
        request = target.request()
        peer.send(target.wire(text), within=target.patient(3.0))
        peer.send(request.wire)
        outcome = target.outcome(peer, request, within=within)
        if outcome == SILENT or (outcome != ANSWERED and not peer.received):
            wrong(f"did not answer, nor a good request behind it: {outcome}")
        found = []
        for frame in target.frames(bytes(peer.received)):
            if request.is_reply(frame):
                break
            try:
                found.append(json.loads(frame))
            except ValueError:
                wrong(f"sent a line that is not JSON: {frame[:60]!r}")
        return found


def _one(target: Target, text: bytes) -> Any:
    found = _replies(target, text)
    if len(found) != 1:
        wrong(f"sent {len(found)} replies, not one: {json.dumps(found)[:80]}")
    return found[0]


def _is_error(message: Any, codes: Sequence[int], id: Any) -> None:
    error = message.get("error") if type(message) is dict else None
    if type(error) is not dict or "result" in message:
        wrong(f"did not send an error, but {json.dumps(message)[:80]}")
    if error.get("code") not in codes:
        wrong(f"sent the error {error.get('code')}, not {' or '.join(map(str, codes))}")
    if message.get("id", "missing") != id:
        wrong(f"sent the id {message.get('id', 'missing')!r}, not {id!r}")


def _call(target: Target, **members: Any) -> bytes:
    return json.dumps({**target.options.json_ask(), **members}).encode()


def _without(target: Target, *keys: str) -> bytes:
    message = {**target.options.json_ask(), "id": 5}
    return json.dumps({key: value for key, value in message.items() if key not in keys}).encode()


@case(451, "parse error", kinds=_RPC, sends='{"jsonrpc": "2.0", "method"', right="-32700 with the id null")
def parse_error(target: Target) -> None:
    """Send a line that is not JSON (section 7 of the specification)."""
    _is_error(
        _one(target, b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]'), [PARSE_ERROR], None
    )


@case(452, "invalid request", kinds=_RPC, sends='a method that is 1, params "bar"', right="-32600")
def invalid_request(target: Target) -> None:
    """Send a request with a number as its method (section 7)."""
    _is_error(_one(target, b'{"jsonrpc": "2.0", "method": 1, "params": "bar"}'), [INVALID_REQUEST], None)


@case(453, "unknown method", kinds=_RPC, sends="a method that does not exist", right="-32601 with the id")
def unknown_method(target: Target) -> None:
    """Call a method that does not exist."""
    _is_error(_one(target, _call(target, method="no_such_method", id="x-1")), [METHOD_NOT_FOUND], "x-1")


@case(454, "reserved method", kinds=_RPC, sends="the method rpc.foo", right="-32601 with the id")
def reserved_method(target: Target) -> None:
    """Call a method whose name the specification reserves."""
    _is_error(_one(target, _call(target, method="rpc.foo", id=3)), [METHOD_NOT_FOUND], 3)


@case(455, "notification", kinds=_RPC, sends="the request without an id", right="no reply")
def notification(target: Target) -> None:
    """Send a notification, which must not be answered (section 4.1)."""
    if found := _replies(target, _without(target, "id")):
        wrong(f"answered a notification: {json.dumps(found)[:80]}")


@case(456, "unknown notification", kinds=_RPC, sends="a notification of no method", right="no reply")
def unknown_notification(target: Target) -> None:
    """Send a notification of a method that does not exist: not even an error may come."""
    if found := _replies(target, b'{"jsonrpc":"2.0","method":"no_such_method"}'):
        wrong(f"answered a notification: {json.dumps(found)[:80]}")


@case(457, "empty batch", kinds=_RPC, sends="[]", right="one error -32600, not in a list")
def empty_batch(target: Target) -> None:
    """Send a batch without members (section 6)."""
    _is_error(_one(target, b"[]"), [INVALID_REQUEST], None)


@case(458, "batch of one number", kinds=_RPC, sends="[1]", right="a list of one error -32600")
def batch_of_number(target: Target) -> None:
    """Send a batch whose member is not a request (section 6)."""
    _is_batch_of_errors(_one(target, b"[1]"), 1)


@case(459, "batch of three numbers", kinds=_RPC, sends="[1,2,3]", right="a list of three errors -32600")
def batch_of_numbers(target: Target) -> None:
    """Send a batch of three members that are not requests (section 6)."""
    _is_batch_of_errors(_one(target, b"[1,2,3]"), 3)


def _is_batch_of_errors(message: Any, count: int) -> None:
    if type(message) is not list or len(message) != count:
        wrong(f"did not send a list of {count}, but {json.dumps(message)[:80]}")
    for each in message:
        _is_error(each, [INVALID_REQUEST], None)


@case(460, "batch that is not JSON", kinds=_RPC, sends="a batch that is cut", right="one error -32700")
def batch_cut(target: Target) -> None:
    """Send a batch that is not JSON (section 7)."""
    _is_error(_one(target, b'[{"jsonrpc": "2.0", "method": "sum", "id": "1"}, {"jsonrpc": "2.0", "method"'),
              [PARSE_ERROR], None)  # fmt: skip


@case(461, "batch of everything", kinds=_RPC, sends="two requests, a notification, a number",
      right="one list with three replies, in any order")  # fmt: skip
def mixed_batch(target: Target) -> None:
    """Send a batch of good requests, a notification and a number."""
    batch = b",".join([_call(target, id="a"), _without(target, "id"), b"1", _call(target, id=2)])
    reply = _one(target, b"[" + batch + b"]")
    if type(reply) is not list or len(reply) != 3:
        wrong(f"did not send a list of three, but {json.dumps(reply)[:80]}")
    ids = sorted(map(repr, (each.get("id") for each in reply)))
    if ids != sorted(map(repr, ("a", 2, None))):
        wrong(f"sent the ids {ids}")


@case(462, "batch of notifications", kinds=_RPC, sends="three notifications in a batch", right="no reply")
def batch_of_notifications(target: Target) -> None:
    """Send a batch of notifications: nothing at all must come back (section 6)."""
    one = _without(target, "id")
    if found := _replies(target, b"[" + b",".join([one] * 3) + b"]"):
        wrong(f"answered a batch of notifications: {json.dumps(found)[:80]}")


@case(463, "nested batch", kinds=_RPC, sends="[[request]]", right="an error, not the result")
def nested_batch(target: Target) -> None:
    """Put a batch into a batch, which the specification does not know."""
    reply = _one(target, b"[[" + _call(target, id=1) + b"]]")
    if '"result"' in json.dumps(reply):
        wrong("carried out a request in a batch inside a batch")


@case(464, "deeply nested batch", kinds=_RPC, sends="[[[[…]]]] with 500 levels")
def deep_batch(target: Target) -> None:
    """Nest batches five hundred deep."""
    target.served_or_closed(target.wire(b"[" * 500 + _call(target, id=1) + b"]" * 500))


@case(465, "ids of every good type", kinds=_RPC, sends='ids 0, -1, 2^53 + 1, "", "ü", null',
      right="each reply has the same id")  # fmt: skip
def good_ids(target: Target) -> None:
    """Use every type of id that the specification allows."""
    for id in (0, -1, 2**53 + 1, "", "ü", "1", None):
        reply = _one(target, _call(target, id=id))
        if type(reply) is not dict or "id" not in reply or reply["id"] != id:
            wrong(f"answered the id {id!r} with {json.dumps(reply)[:80]}")


@case(466, "ids of wrong types", kinds=_RPC, sends="ids true, [], {}", right="an error, or no result")
def wrong_ids(target: Target) -> str | None:
    """Use types of ids that the specification forbids."""
    taken = []
    for id in (True, [], {}, [1], {"a": 1}):
        found = _replies(target, _call(target, id=id))
        if '"result"' in json.dumps(found):
            taken.append(json.dumps(id))
    return f"takes {', '.join(taken)} as ids" if taken else None


@case(467, "id with decimals", kinds=_RPC, sends="the id 1.5", right="the same id, or an error")
def decimal_id(target: Target) -> None:
    """Use an id with decimals, which should not be, but may."""
    reply = _one(target, _call(target, id=1.5))
    if "result" in reply and reply.get("id") != 1.5:
        wrong(f"answered the id 1.5 with {reply.get('id')!r}")


@case(468, "huge ids", kinds=_RPC, sends="an id of 300 digits, and one of 10,000 characters")
def huge_ids(target: Target) -> None:
    """Use very long ids."""
    target.served_or_closed(
        target.wire(_call(target, id=10**300)) + target.wire(_call(target, id="x" * 10_000))
    )


@case(469, "same id twice", kinds=_RPC, sends="two requests with one id", right="two replies")
def same_id(target: Target) -> None:
    """Send two requests with the same id: both must be answered, because ids are the caller's affair."""
    found = _replies(target, _call(target, id=9) + target.delimiter + _call(target, id=9))
    if len(found) != 2:
        wrong(f"sent {len(found)} replies to two requests with one id")


@case(470, "no version", kinds=_RPC, sends="a request without jsonrpc", right="an error, or told")
def no_version(target: Target) -> str | None:
    """Leave out the version, as JSON-RPC 1.0 does."""
    return _error_or_told(target, _without(target, "jsonrpc"))


@case(471, "version 1.0", kinds=_RPC, sends='"jsonrpc": "1.0"', right="an error, or told")
def version_1(target: Target) -> str | None:
    """Name another version."""
    return _error_or_told(target, _call(target, jsonrpc="1.0", id=5))


@case(472, "version as a number", kinds=_RPC, sends='"jsonrpc": 2.0', right="an error, or told")
def version_number(target: Target) -> str | None:
    """Write the version as a number."""
    return _error_or_told(target, _call(target, jsonrpc=2.0, id=5))


def _error_or_told(target: Target, text: bytes) -> str | None:
    reply = _one(target, text)
    if "result" in reply:
        return "carried it out"
    _is_error(reply, [INVALID_REQUEST], reply.get("id"))
    return None


@case(473, "params of wrong types", kinds=_RPC, sends='params 1, "a", true', right="an error each")
def wrong_params(target: Target) -> None:
    """Give parameters that are neither a list nor an object."""
    for params in (1, "a", True):
        reply = _one(target, _call(target, params=params, id=4))
        if "error" not in reply:
            wrong(f"took {params!r} for parameters: {json.dumps(reply)[:80]}")


@case(474, "too many parameters", kinds=_RPC, sends="1,000 parameters, then unknown names")
def many_params(target: Target) -> None:
    """Give a thousand parameters by place, and a thousand by name."""
    by_place = _call(target, params=[*range(1000)], id=4)
    by_name = _call(target, params={f"x{index}": index for index in range(1000)}, id=4)
    target.served_or_closed(target.wire(by_place) + target.wire(by_name))


@case(475, "a reply instead of a request", kinds=_RPC, sends="a result, an error, both at once",
      right="nothing is carried out; at most one error comes for each")  # fmt: skip
def foreign_replies(target: Target) -> None:
    """Send replies to a target that asked nothing: errors must not go back and forth for ever."""
    result = b'{"jsonrpc":"2.0","result":19,"id":1}'
    error = b'{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}'
    both = b'{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":"a"},"id":2}'
    found = _replies(target, target.delimiter.join([result, error, both]))
    if len(found) > 3:
        wrong(f"sent {len(found)} messages for three replies")


@case(476, "empty method", kinds=_RPC, sends='the method ""', right="an error with the id")
def empty_method(target: Target) -> None:
    """Call a method without a name."""
    _is_error(_one(target, _call(target, method="", id=4)), [METHOD_NOT_FOUND, INVALID_REQUEST], 4)


@case(477, "methods of other programs", kinds=_RPC, sends="__init__, toString, system.exit, constructor",
      right="an error each")  # fmt: skip
def dangerous_methods(target: Target) -> None:
    """Call names that exist on objects of Python and JavaScript."""
    for method in ("__init__", "__class__", "toString", "constructor", "__proto__", "system.exit", "_stop"):
        _is_error(_one(target, _call(target, method=method, id=4)), [METHOD_NOT_FOUND, INVALID_REQUEST], 4)


@case(478, "method of 100,000 characters", kinds=_RPC, sends="a very long method",
      right=f"an error that does not repeat all of it; {SERVED_OR_CLOSED}")  # fmt: skip
def long_method(target: Target) -> str | None:
    """Call a method with a very long name."""
    found = _replies(target, _call(target, method="m" * 100_000, id=4))
    size = len(json.dumps(found))
    return f"sent the name back: {size} bytes" if size > 50_000 else None


@case(479, "batch of 5,000 requests", kinds=_RPC, sends="a list of 5,000 requests",
      right="all are answered, or an error; others are served within a second")  # fmt: skip
def large_batch(target: Target) -> str:
    """Send five thousand requests in one batch."""
    one = _call(target, id=1)
    count = min(5_000, (target.options.limit - 10) // (len(one) + 1))
    return _batch(target, b"[" + b",".join([one] * count) + b"]", count)


@case(480, "batch of 400,000 numbers", kinds=_RPC, sends="[1,1,1,…]",
      right="an error, a list of errors, or the end; others are served within a second")  # fmt: skip
def batch_of_many_numbers(target: Target) -> str:
    """Send a batch of four hundred thousand members that are not requests."""
    count = min(400_000, target.options.limit // 2 - 2)
    return _batch(target, b"[" + b"1," * (count - 1) + b"1]", count)


@case(481, "batch of many notifications", kinds=_RPC, sends="10,000 notifications in one list",
      right="no reply, or an error; others are served within a second")  # fmt: skip
def batch_of_many_notifications(target: Target) -> str:
    """Send ten thousand notifications in one batch."""
    one = b'{"jsonrpc":"2.0","method":"none"}'
    count = min(10_000, (target.options.limit - 10) // (len(one) + 1))
    return _batch(target, b"[" + b",".join([one] * count) + b"]", 0)


@case(482, "100 batches at once", kinds=_RPC, sends="100 lists of 100 requests",
      right="all are answered, or the end; others are served within a second")  # fmt: skip
def many_batches(target: Target) -> str:
    """Send a hundred batches of a hundred requests in one piece."""
    one = b"[" + b",".join([_call(target, id=1)] * 100) + b"]"
    return _batch(target, target.delimiter.join([one] * 100), 100)


def _batch(target: Target, text: bytes, count: int) -> str:
    """Send a large batch and read until a good request behind it is answered."""
    with target.open() as peer:
        request = target.request()
        data = target.wire(text) + request.wire
        peer.pour(data, size=65536, wait=0.5, within=target.patient(8.0))
        outcome = target.outcome(peer, request, within=target.patient(10.0))
        if outcome == "silent":
            wrong("neither answered the request behind the batch nor closed the connection")
        return f"{count} members, {len(peer.received)} bytes came back, then {outcome}"


@case(483, "response keys", kinds=_RPC, sends="the request",
      right='jsonrpc "2.0", the id, and result without error')  # fmt: skip
def response_keys(target: Target) -> None:
    """Read a good reply: it must have the members that the specification demands, and no others."""
    reply = _one(target, _call(target, id=11))
    if reply.get("jsonrpc") != "2.0" or reply.get("id") != 11 or "result" not in reply or "error" in reply:
        wrong(f"sent a reply of another form: {json.dumps(reply)[:80]}")


@case(
    484, "unknown members", kinds=_RPC, sends="a request with a member meta", right="an error or a result"
)
def unknown_members(target: Target) -> str:
    """Add a member that the specification does not know, as some programs do."""
    reply = _one(target, _call(target, meta={"trace": "1"}, id=12))
    return "skipped it" if "result" in reply else "refused it"
