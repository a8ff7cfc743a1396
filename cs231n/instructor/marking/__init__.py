"""Marking in the browser: a page on this machine alone, and the journals behind it."""
