"""Match requests and replies on one session: which reply belongs to which command."""
