"""A view in the terminal of all links and sessions of a program, live, as the web monitor shows them."""
