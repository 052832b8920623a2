"""A simulated network in virtual time: machines, cables, sockets and faults."""
