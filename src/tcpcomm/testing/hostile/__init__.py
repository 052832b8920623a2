"""
A numbered suite of hostile peers, which anyone can run against any TCP server.

Run it with ``python -m tcpcomm.testing.hostile HOST:PORT --kind lines``. It needs a socket, and nothing of
the server but one request and its reply.
"""
