"""
The cost of tcpcomm, measured side by side with other tools: ``python -m tests.bench``.

Decoding is measured in one process without sockets (:mod:`tests.bench.decode`), echo servers as separate
processes over loopback (:mod:`tests.bench.echo`). A new case or peer needs a few lines in those two and in
:mod:`tests.bench.peers`. Other work has a module of its own, which makes a ``Section`` of the page;
``measure`` collects the results and ``report`` writes them. ``other_build`` runs the main servers under
another build of Python, too.
"""
