"""
What tcpcomm costs, measured side by side with what it replaces: ``python -m tests.bench``.

Decoding is measured in one process without sockets (:mod:`tests.bench.decode`), echo servers as separate
processes over loopback (:mod:`tests.bench.echo`). To add a case or a peer is a few lines in those two
and in :mod:`tests.bench.peers`. Other work has a module of its own, which makes a ``Section`` of the page;
how results are collected and told lives in ``measure`` and ``report``.
"""
