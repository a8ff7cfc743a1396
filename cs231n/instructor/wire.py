"""Messages between the grader and the process that runs a submission: JSON and plain arrays, nothing that could run code.

What comes from a submission is not trusted: sizes are bounded before anything is read, and only floats are taken as arrays.
"""

import json
import math
import struct
import time

import numpy as np

LENGTHS = struct.Struct(">QQ")  # of the JSON text and of the arrays' bytes
JSON_LIMIT = 16 * 2**20
ARRAY_LIMIT = 160 * 2**20
KINDS = {"<f2", "<f4", "<f8"}


class BadMessage(Exception):
    """What came is no message of this kind, came too late, or not at all."""


def send(connection, content, arrays=(), seconds=60.0):
    """Send a JSON value and arrays through a socket. Raises BadMessage if the other side does not take it in time."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps({"content": content, "arrays": shapes}).encode()
    connection.settimeout(seconds)
    try:
        connection.sendall(LENGTHS.pack(len(text), sum(array.nbytes for array in arrays)) + text)
        for array in arrays:
            connection.sendall(array.tobytes())
    except OSError as error:
        raise BadMessage(f"it could not be sent: {error}") from None


def receive(connection, seconds):
    """Return (JSON value, arrays) from a socket, within so many seconds. Raises BadMessage for anything else."""
    deadline = time.monotonic() + seconds
    text_length, array_length = LENGTHS.unpack(_exactly(connection, LENGTHS.size, deadline))
    if text_length > JSON_LIMIT or array_length > ARRAY_LIMIT:
        raise BadMessage("it is too large")
    text, raw = _exactly(connection, text_length, deadline), _exactly(connection, array_length, deadline)
    try:
        message = json.loads(text)
        return message["content"], _arrays(message["arrays"], raw)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadMessage("it is not of the agreed form") from None


def _arrays(shapes, raw):
    arrays, start = [], 0
    for kind, shape in shapes:
        if kind not in KINDS or len(shape) > 8 or not all(type(size) is int and 0 <= size < 2**32 for size in shape):
            raise ValueError
        count = math.prod(shape)
        if start + count * int(kind[2]) > len(raw):
            raise ValueError
        arrays.append(np.frombuffer(raw, kind, count, start).reshape(shape).copy())
        start += count * int(kind[2])
    return arrays


def _exactly(connection, length, deadline):
    data = bytearray()
    while len(data) < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise BadMessage("it did not come in time")
        connection.settimeout(left)
        try:
            part = connection.recv(min(length - len(data), 2**20))
        except TimeoutError:
            raise BadMessage("it did not come in time") from None
        except OSError as error:
            raise BadMessage(f"the connection broke: {error}") from None
        if not part:
            raise BadMessage("the connection was closed")
        data += part
    return bytes(data)
