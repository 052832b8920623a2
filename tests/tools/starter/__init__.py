"""The starter that `tcpcomm init` writes: its names and its files."""
