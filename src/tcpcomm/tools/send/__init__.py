"""Send messages to a peer and await replies; answer messages of clients by fixed rules."""
