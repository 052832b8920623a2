"""
Framings that are broken on purpose, each in one way that was met in real programs.

``lines`` has one whole framing whose frames are lines, ``lengths`` one with length fields; the others
change a few lines of these. They show that :mod:`tcpcomm.testing` finds such faults.
"""
