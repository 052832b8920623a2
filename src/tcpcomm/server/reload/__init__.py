"""The option ``--reload``: a supervisor starts the program in a new process when its files change."""
