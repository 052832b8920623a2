"""
The hostile suite as a program: 0 if all is right, 1 if something is wrong, 2 if it cannot run.

::

    python -m tcpcomm.testing.hostile 127.0.0.1:9999 --kind lines --ask PING --expect PONG
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from tcpcomm.errors import ConfigurationError
from tcpcomm.testing.hostile.case import Case
from tcpcomm.testing.hostile.catalogue import CASES, cases_for
from tcpcomm.testing.hostile.options import key_option, target_options
from tcpcomm.testing.hostile.report import as_json, line_of, listing, summary
from tcpcomm.testing.hostile.runner import CannotRun, Result, run_suite
from tcpcomm.testing.hostile.target import Target
from tcpcomm.testing.hostile.verdict import KINDS, VERSION, NotRun, Verdict

_EPILOGUE = """\
examples:
  python -m tcpcomm.testing.hostile 127.0.0.1:9999 --kind echo
  python -m tcpcomm.testing.hostile 10.0.0.5:502 --kind binary --framing length:2,offset=4 \\
      --ask 'hex:00 01 00 00 00 06 01 03 00 00 00 01' --expect 'hex:00 01 00 00'
  python -m tcpcomm.testing.hostile 127.0.0.1:9999 --kind psk --server camera-1 --key robot-1=00ff…

Run it against your own equipment only, and not while a machine moves. Exit code: 0 all is right,
1 something is wrong, 2 it cannot run."""


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m tcpcomm.testing.hostile",
        description=f"Hostile peers for a TCP server, version {VERSION}: {len(CASES)} cases.",
        epilog=_EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("target", metavar="HOST:PORT", nargs="?", help="the server, such as 127.0.0.1:9999")
    add("--kind", choices=KINDS, help="the kind of server")
    add("--ask", help="a request that it answers: text, or hex:…")
    add("--expect", help="a part of the reply: text, or hex:… for its first bytes")
    add("--framing", help=r"how it cuts messages, such as delimited:\n or length:2,little")
    add("--max-frame", type=int, help="the longest message that it accepts, in bytes")
    add("--patience", type=float, default=12.0, help="seconds to drop a peer that does nothing right")
    add("--within", type=float, default=1.0, help="seconds in which good peers must be served")
    add("--key", action="append", default=[], metavar="NAME=HEX", help="for psk; three are best")
    add("--server", default="", metavar="NAME", help="for psk: the server's own name")
    add("--ca", metavar="FILE", help="for tls: the authority of the server's certificate, PEM")
    add("--certificate", metavar="FILE", help="for tls: a client certificate, PEM")
    add("--private-key", metavar="FILE", help="for tls: its private key, PEM")
    add("--pid", type=int, help="the server's process on this Linux machine: judge its memory and files")
    add("--bystander-from", metavar="ADDRESS", help="the address that the good peers connect from")
    add("--only", metavar="N[,N…]", help="run these cases only, such as 101,250-260")
    add("--list", action="store_true", help="list the cases, of one kind with --kind")
    add("--json", action="store_true", help="print the results as JSON")
    add("--version", action="version", version=VERSION)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the suite as its options say. Return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        cases = _chosen(given)
        if given.list:
            print(listing(cases))
            return 0
        if given.target is None or given.kind is None:
            raise ConfigurationError("HOST:PORT and --kind are needed, or --list")
        return _run(given, cases)
    except (ConfigurationError, CannotRun, NotRun) as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return 2


def _run(given: Namespace, cases: list[Case]) -> int:
    options = target_options(
        given.target,
        given.kind,
        ask=given.ask,
        expect=given.expect,
        framing=given.framing,
        max_frame=given.max_frame,
        patience=given.patience,
        within=given.within,
        keys=tuple(map(key_option, given.key)),
        server=given.server,
        ca=given.ca,
        certificate=given.certificate,
        private_key=given.private_key,
        pid=given.pid,
        bystander_from=given.bystander_from,
    )

    def show(result: Result) -> None:
        if not given.json:
            print(line_of(result), flush=True)

    results = run_suite(Target(options), cases, show)
    print(as_json(options, results) if given.json else summary(results))
    return 1 if any(result.verdict is Verdict.WRONG for result in results) else 0


def _chosen(given: Namespace) -> list[Case]:
    """Return the cases of the kind, or those that --only names."""
    cases = list(CASES) if given.kind is None else cases_for(given.kind)
    if given.only is None:
        return cases
    numbers: set[int] = set()
    for part in given.only.split(","):
        first, _, last = part.partition("-")
        if not (first.isdigit() and (not last or last.isdigit())):
            raise ConfigurationError(f"--only must be numbers such as 101,250-260, not {given.only!r}")
        numbers.update(range(int(first), int(last or first) + 1))
    chosen = [case for case in cases if case.number in numbers]
    if not chosen:
        raise ConfigurationError(
            f"--only {given.only} names no case of this kind: its cases are in the range "
            f"{cases[0].number}-{cases[-1].number}, and --list shows them"
        )
    return chosen


if __name__ == "__main__":
    sys.exit(main())
