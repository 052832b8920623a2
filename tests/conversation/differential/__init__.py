"""
Random declared sessions run in two ways, the general one and the generated one, and must not differ.

To run one seed alone, and see its steps and the first that differs: ``python -m
tests.conversation.differential server 17``, or ``host 17``.
"""
