"""Messages between the grader and the process that runs a submission: JSON and plain arrays, nothing that could run code.

What comes from a submission is not trusted: sizes are bounded before anything is read, and only floats are taken as arrays.
"""

import enum
import json
import math
import socket
import struct
import time
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np

from . import limits

LENGTHS = struct.Struct(">QQ")  # of the JSON text and of the arrays' bytes
KINDS = frozenset({"<f4", "<f8"})
BYTES = "|u1"  # which only the grader sends


class Trouble(str, enum.Enum):
    """Why a message did not arrive, in words that end a sentence."""

    LATE = "it did not come in time"
    CLOSED = "the connection was closed"
    BROKEN = "the connection broke"
    UNSENT = "it could not be sent"
    TOO_LARGE = "it is too large"
    TOO_MANY_VALUES = "it holds too many values"
    NOT_AGREED = "it is not in the agreed format"
    NO_MEMORY = "it takes too much memory"


class BadMessage(Exception):
    """What came is not a message of this kind, came too late, or not at all.

    Parameters
    ----------
    trouble : Trouble
        Why.
    detail : object
        What the system said of it, if anything.
    """

    def __init__(self, trouble: Trouble, detail: object = None) -> None:
        super().__init__(trouble.value if detail is None else f"{trouble.value}: {detail}")
        self.trouble = trouble


def send(connection: socket.socket, content: Any, arrays: Sequence[Any] = (), seconds: float = limits.SEND_SECONDS) -> None:
    """Send a JSON value and arrays of floats or bytes through a socket, within so many seconds for the whole message.

    Raises BadMessage if the other side does not take it, and ValueError for numbers that JSON does not know, as NaN.
    """
    deadline = time.monotonic() + seconds
    arrays = [np.asarray(array) for array in arrays]
    shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps({"content": content, "arrays": shapes}, allow_nan=False).encode()
    lengths = LENGTHS.pack(len(text), sum(array.nbytes for array in arrays))
    try:
        for part in (lengths, text, *arrays):
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.sendall(part if isinstance(part, bytes) else np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    except OSError as error:
        raise BadMessage(Trouble.UNSENT, error) from None


def receive(
    connection: socket.socket, seconds: float, limit: int = limits.JSON_BYTES, kinds: Collection[str] = KINDS
) -> tuple[Any, list[np.ndarray]]:
    """Return (JSON value, arrays) from a socket, within so many seconds. Raises BadMessage for anything else.

    limit: bytes of JSON. kinds: of arrays that are taken.
    """
    deadline = time.monotonic() + seconds
    text_length, array_length = LENGTHS.unpack(_exactly(connection, LENGTHS.size, deadline))
    if text_length > limit or array_length > limits.ARRAYS_BYTES:
        raise BadMessage(Trouble.TOO_LARGE)
    text, raw = _exactly(connection, text_length, deadline), _exactly(connection, array_length, deadline)
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > limits.JSON_VALUES:  # strings hold some, too, but not so many
        raise BadMessage(Trouble.TOO_MANY_VALUES)
    try:
        message = json.loads(text, parse_constant=_refuse)
        return message["content"], _arrays(message["arrays"], raw, kinds)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadMessage(Trouble.NOT_AGREED) from None
    except MemoryError:
        raise BadMessage(Trouble.NO_MEMORY) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and infinities are no JSON


def _arrays(listed: Any, raw: bytearray, kinds: Collection[str]) -> list[np.ndarray]:
    """Return the arrays that are listed as [kind, shape] and lie in `raw`, all of it, one behind the other."""
    if len(listed) > limits.ARRAYS:
        raise ValueError
    arrays, start = [], 0
    for kind, shape in listed:
        if kind not in kinds or type(shape) is not list or len(shape) > limits.ARRAY_DIMENSIONS:
            raise ValueError
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError
        if math.prod(size or 1 for size in shape) > limits.ARRAYS_BYTES:  # (0, 10**9) takes no bytes, but a sum over it would
            raise ValueError
        count = math.prod(shape)
        arrays.append(np.frombuffer(raw, kind, count, start).reshape(shape).copy())  # ValueError beyond the end
        start += count * int(kind[2])
    if start != len(raw):
        raise ValueError
    return arrays


def _exactly(connection: socket.socket, length: int, deadline: float) -> bytearray:
    data, came = bytearray(length), 0
    with memoryview(data) as view:
        while came < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BadMessage(Trouble.LATE)
            try:
                connection.settimeout(left)
                part = connection.recv_into(view[came:])
            except TimeoutError:
                raise BadMessage(Trouble.LATE) from None
            except OSError as error:
                raise BadMessage(Trouble.BROKEN, error) from None
            if not part:
                raise BadMessage(Trouble.CLOSED)
            came += part
    return data
