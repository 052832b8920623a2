"""The supervisor of ``--reload``, with files of a test and processes that a test plays."""
