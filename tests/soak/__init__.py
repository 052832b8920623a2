"""
Thirty days of virtual time in half an hour: links that live through faults, checked for leaks.

``ledger`` has the promises, ``cells`` the programs on both ends, ``foreign`` equipment that says too much,
``weather`` the faults, ``leaks`` what must not grow, and ``run`` all of them together.
``python -m tests.soak`` runs it and writes the page.
"""
