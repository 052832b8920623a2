"""Real brokers that tests start on this machine: own ports on loopback, own folders, and a sure end."""
