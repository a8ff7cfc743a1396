"""Something to write to that is a terminal, as far as a program can tell."""

import io


class Terminal(io.TextIOWrapper):
    """Standard output of a person who watches."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def isatty(self):
        return True

    def fileno(self):
        raise OSError("not a file")

    def written(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)

    def lines(self):
        """Return what is left to see: of each line what follows its last carriage return."""
        return [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in self.written().split("\n")[:-1]]
