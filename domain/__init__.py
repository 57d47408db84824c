"""The rules of the signing payload: pure, with no AWS, no I/O, no clock and no environment."""
