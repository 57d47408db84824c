"""How fast the function is, as ratios to a floor taken in the same run: `make bench`."""
