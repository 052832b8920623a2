"""Run the fault proxy: ``python -m tcpcomm.testing.proxy --help``."""

from tcpcomm.testing.proxy.proxy import main

main()
