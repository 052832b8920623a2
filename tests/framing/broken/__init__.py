"""
Framings that are broken on purpose, each with one error of real programs.

``lines`` has a correct framing for lines, and ``lengths`` one with length fields. The others change a few
lines of these. They show that :mod:`tcpcomm.testing` finds such errors.
"""
