"""A page in the browser that shows all links and sessions of a program, live: the server behind it."""
