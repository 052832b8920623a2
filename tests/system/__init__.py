"""tcpcomm as it is used: real processes, real sockets, and cables that are really pulled."""
