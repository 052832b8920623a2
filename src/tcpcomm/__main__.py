"""Run the ``tcpcomm`` command with ``python -m tcpcomm``."""

from tcpcomm.cli import main

main()
