"""
Fuzz targets for all that reads bytes from a peer: ``python -m tests.fuzz`` runs them with atheris.

A target is a function of bytes that fails if a law is broken. ``stateless`` has those without a session,
``sessions`` has those with one. The inputs that reach the most code are kept in ``corpus``, and
``test_corpus`` runs them without atheris.
"""
