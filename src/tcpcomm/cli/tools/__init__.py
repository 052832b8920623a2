"""The subcommands of ``tcpcomm`` that are faces of the room ``tools``."""
