"""How fast the function is, beside what a user would build instead: `make bench`."""
