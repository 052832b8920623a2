"""``python -m tcpcomm`` is the ``tcpcomm`` command."""

from tcpcomm.cli import main

main()
