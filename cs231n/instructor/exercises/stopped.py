"""What stops a proof: the job that runs a function ended without an answer."""


class Stopped(Exception):
    """A job came to no answer; the text says why."""
