"""The bench of the guesser: conversations whose framings are known, and the share that it finds."""
