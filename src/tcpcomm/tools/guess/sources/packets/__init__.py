"""The reader of packet captures, pcap and pcapng, and of the TCP streams in them."""
