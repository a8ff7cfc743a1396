"""Handing grades and feedback back: the files that a learning platform imports, one module a platform."""
