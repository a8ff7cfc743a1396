"""How long a test waits for something that comes in the end, however busy the machine is."""

HANGS = 1800.0  # seconds: only what hangs takes as long
