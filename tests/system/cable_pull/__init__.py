"""
Nine faults that break a link, made for real and timed: ``python -m tests.system.cable_pull``.

Three network namespaces stand for three machines: ``client``, ``bridge`` (the switch) and ``server``. In
the first, several clients talk at the same time to one program in the last. A fault is made with iproute2,
a
packet filter or a signal, and mended after a while. So every client meets the same fault at the same
instant.
The network is in ``network``, the faults are in ``faults``, the programs at both ends are ``clients`` and
``equipment``, the steps of one pull are in ``trials``, the page is in ``report``.

Three other commands use the same network: ``python -m tests.system.cable_pull.silence`` measures how long
TCP
alone keeps a dead connection, ``python -m tests.system.cable_pull.busy`` counts false alarms for longer,
``python -m tests.system.cable_pull.cost`` measures the cost of heartbeats.
"""
