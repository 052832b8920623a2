"""tcpcomm in real use: real processes, real sockets, and real cable faults."""
