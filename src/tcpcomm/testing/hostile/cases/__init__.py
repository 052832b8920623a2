"""The cases of the hostile suite, one file for each group. A case is a function with a number."""
