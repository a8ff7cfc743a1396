"""Messages between the grader and the process that runs a submission: JSON and plain arrays, nothing that could run code.

What comes from a submission is not trusted: sizes are bounded before anything is read, and only floats are taken as arrays.
"""

import json
import math
import struct
import time

import numpy as np

LENGTHS = struct.Struct(">QQ")  # of the JSON text and of the arrays' bytes
JSON_LIMIT = 64 * 2**20  # bytes, where nothing smaller is agreed
ARRAY_LIMIT = 96 * 2**20  # bytes: 150 images of 224 x 224 pixels
ARRAYS_LIMIT = 11_000  # how many
VALUES_LIMIT = 2_000_000  # of JSON: three characters, {},, take 72 bytes of memory
KINDS = {"<f4", "<f8"}


class BadMessage(Exception):
    """What came is no message of this kind, came too late, or not at all."""


def send(connection, content, arrays=(), seconds=60.0):
    """Send a JSON value and arrays of floats through a socket, within so many seconds for the whole message.

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
            connection.sendall(part if isinstance(part, bytes) else part.tobytes())
    except OSError as error:
        raise BadMessage(f"it could not be sent: {error}") from None


def receive(connection, seconds, limit=JSON_LIMIT):
    """Return (JSON value, arrays) from a socket, within so many seconds. Raises BadMessage for anything else.

    limit: bytes of JSON.
    """
    deadline = time.monotonic() + seconds
    text_length, array_length = LENGTHS.unpack(_exactly(connection, LENGTHS.size, deadline))
    if text_length > limit or array_length > ARRAY_LIMIT:
        raise BadMessage("it is too large")
    text, raw = _exactly(connection, text_length, deadline), _exactly(connection, array_length, deadline)
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > VALUES_LIMIT:  # strings hold some, too, but not so many
        raise BadMessage("it holds too many values")
    try:
        message = json.loads(text, parse_constant=_refuse)
        return message["content"], _arrays(message["arrays"], raw)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadMessage("it is not of the agreed form") from None
    except MemoryError:
        raise BadMessage("it takes too much memory") from None


def _refuse(name):
    raise ValueError(name)  # NaN and infinities are no JSON


def _arrays(listed, raw):
    """Return the arrays that are listed as [kind, shape] and lie in `raw`, all of it, one behind the other."""
    if len(listed) > ARRAYS_LIMIT:
        raise ValueError
    arrays, start = [], 0
    for kind, shape in listed:
        if kind not in KINDS or type(shape) is not list or len(shape) > 8:
            raise ValueError
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError
        if math.prod(size or 1 for size in shape) > ARRAY_LIMIT:  # (0, 10**9) takes no bytes, but a sum over it would
            raise ValueError
        count = math.prod(shape)
        arrays.append(np.frombuffer(raw, kind, count, start).reshape(shape).copy())  # ValueError beyond the end
        start += count * int(kind[2])
    if start != len(raw):
        raise ValueError
    return arrays


def _exactly(connection, length, deadline):
    data = bytearray()
    while len(data) < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise BadMessage("it did not come in time")
        try:
            connection.settimeout(left)
            part = connection.recv(min(length - len(data), 2**20))
        except TimeoutError:
            raise BadMessage("it did not come in time") from None
        except OSError as error:
            raise BadMessage(f"the connection broke: {error}") from None
        if not part:
            raise BadMessage("the connection was closed")
        data += part
    return data
