"""What stops a proof: the job that runs a function ended without an answer."""


class Stopped(Exception):
    """A job returned nothing that can be judged; the text says why."""
