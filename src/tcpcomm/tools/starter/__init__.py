"""The first programs of a new device, made from five answers: ``tcpcomm init`` writes them."""
