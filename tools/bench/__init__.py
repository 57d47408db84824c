"""How much CPU the function takes, beside what a user would build instead: `make bench`."""
