"""How the pages of this folder become the site that ``tcpcomm docs`` opens: ``python docs/build.py``."""
