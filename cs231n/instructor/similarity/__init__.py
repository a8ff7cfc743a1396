"""Pairs of submissions that share what nobody else in the class has, for an instructor to look at."""
