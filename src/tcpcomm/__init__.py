"""tcpcomm: the TCP links of factory automation, on Twisted."""
