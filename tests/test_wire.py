"""Messages between the grader and what runs submissions: they arrive as they were sent, and nothing else gets through."""

import json
import math
import socket
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from cs231n.instructor.sandbox.inside import wire
from cs231n.instructor.sandbox.inside.wire import BadMessage, receive, send

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)
ARRAYS = st.lists(
    arrays_of.arrays(st.sampled_from(["<f4", "<f8"]), arrays_of.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)),
    max_size=4,
)


@pytest.fixture
def pair():
    """Two connected sockets."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def received(raw, **limits):
    """What `receive` makes of these bytes."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(raw)
        there.shutdown(socket.SHUT_WR)
        return receive(here, 5, **limits)


def message(text, raw=b""):
    return wire.LENGTHS.pack(len(text), len(raw)) + text + raw


def listing(*arrays):
    return json.dumps({"content": None, "arrays": arrays}).encode()


# What is sent


@settings(max_examples=60, deadline=None)
@given(content=JSON, arrays=ARRAYS)
def test_what_is_sent_arrives(content, arrays):
    here, there = socket.socketpair()
    with here, there:
        send(there, content, arrays)
        told, found = receive(here, 5)
    assert told == content
    assert [(array.dtype, array.shape) for array in found] == [(array.dtype, array.shape) for array in arrays]
    for was, came in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(came, was)


def test_messages_follow_one_another(pair):
    here, there = pair
    for i in range(5):
        send(there, {"i": i}, [np.full(i, i, "<f4")])
    assert [receive(here, 5)[0]["i"] for _ in range(5)] == list(range(5))


def test_a_message_larger_than_the_sockets_buffer_arrives(pair):
    here, there = pair
    given = [np.random.default_rng(0).random((3, 500, 1000)), np.float32(0.5)]
    sender = threading.Thread(target=send, args=(there, "x" * 10**6, given))
    sender.start()
    told, (first, second) = receive(here, 20)
    sender.join()
    assert told == "x" * 10**6
    assert np.array_equal(first, given[0])
    assert second == np.float32(0.5)


def test_a_view_arrives_in_its_own_order(pair):
    here, there = pair
    given = np.arange(24.0).reshape(2, 3, 4)[:, ::-1, ::2].transpose(2, 0, 1)
    send(there, None, [given])
    assert np.array_equal(receive(here, 5)[1][0], given)


def test_arrays_that_arrive_can_be_written_to_and_do_not_share_memory(pair):
    here, there = pair
    send(there, None, [np.zeros(3, "<f4"), np.zeros(3)])
    _, (first, second) = receive(here, 5)
    first[:] = 1
    assert second.tolist() == [0, 0, 0]
    assert second.flags.aligned


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_know_is_not_sent(pair, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        send(pair[0], {"number": number})


# What is refused


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no JSON",
        b"\xff\xfe\xfa",
        b"null",
        b"[]",
        b'"content"',
        b"7",
        b"{}",
        b'{"content": 1}',
        b'{"arrays": []}',
        b'{"content": NaN, "arrays": []}',
        b'{"content": [-Infinity], "arrays": []}',
        b'{"content": 1, "arrays": null}',
        b'{"content": 1, "arrays": 3}',
        b'{"content": 1, "arrays": [null]}',
        b'{"content": 1, "arrays": [[]]}',
        b'{"content": 1, "arrays": ["ab"]}',
        b'{"content": 1, "arrays": {"ab": 1}}',
        b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b', "arrays": []}',
        b'{"content": ' + b"9" * 100_000 + b', "arrays": []}',
        b'{"content": 1, "arrays": []} and more',
    ],
)
def test_what_is_not_of_the_agreed_form_is_refused(text):
    with pytest.raises(BadMessage, match=r"^it is not in the agreed format$"):
        received(message(text))


@pytest.mark.parametrize("kind", ["<i8", "|O", "<c8", "|S4", "<U1", ">f4", "|V8", "f4", "<f16", "<f2", "", None, 4, ["<f4"], {}])
def test_only_arrays_of_floats_are_taken(kind):
    with pytest.raises(BadMessage, match="agreed format"):
        received(message(listing([kind, [1]]), bytes(8)))


@pytest.mark.parametrize("length", [0, 4, 8])
@pytest.mark.parametrize(
    "shape",
    [
        [-1],
        [-1, -2],
        [2.0],
        [True, 2],
        ["2"],
        [[2]],
        [None],
        [2**32],
        [2**64, 2**64],
        [0, 2**31],
        [2**31, 0, 3],
        [1] * 9,
        [3],
        2,
        "",
        {},
        {"2": 2},
        None,
    ],
)
def test_odd_shapes_are_refused(shape, length):
    with pytest.raises(BadMessage, match="agreed format"):
        received(message(listing(["<f4", shape]), bytes(length)))


@pytest.mark.parametrize(
    ("arrays", "length"),
    [
        ([["<f4", [2]]], 7),
        ([["<f4", [2]]], 9),
        ([], 1),
        ([["<f4", [2]], ["<f8", [1]]], 15),
        ([["<f8", [1]], ["<f8", [1]]], 8),
    ],
)
def test_arrays_fill_their_bytes_exactly(arrays, length):
    with pytest.raises(BadMessage, match="agreed format"):
        received(message(listing(*arrays), bytes(length)))


def test_an_empty_array_is_taken_with_its_shape():
    _, (array,) = received(message(listing(["<f4", [3, 0, 224]])))
    assert array.shape == (3, 0, 224)


def test_of_a_key_twice_the_last_one_counts():
    assert received(message(b'{"content": 1, "arrays": [["<f4", [9]]], "content": 2, "arrays": []}')) == (2, [])


# Limits


@pytest.mark.parametrize(
    ("text", "arrays"), [(wire.limits.JSON_BYTES + 1, 0), (2, wire.limits.ARRAYS_BYTES + 1), (2**64 - 1, 0), (0, 2**64 - 1)]
)
def test_what_is_too_large_is_refused_before_it_is_read(pair, text, arrays):
    here, there = pair
    there.sendall(wire.LENGTHS.pack(text, arrays))
    with pytest.raises(BadMessage, match=r"^it is too large$"):
        receive(here, 0.2)


def test_the_limits_themselves_are_allowed(monkeypatch):
    text = listing(["<f4", [2, 2]])
    monkeypatch.setattr(wire.limits, "ARRAYS_BYTES", 16)
    assert received(message(text, bytes(16)), limit=len(text))[1][0].shape == (2, 2)
    with pytest.raises(BadMessage, match="too large"):
        received(message(text, bytes(16)), limit=len(text) - 1)
    with pytest.raises(BadMessage, match="too large"):
        received(message(text, bytes(17)))


def test_the_number_of_arrays_is_limited(monkeypatch):
    monkeypatch.setattr(wire.limits, "ARRAYS", 3)
    assert len(received(message(listing(*[["<f4", [0]]] * 3)))[1]) == 3
    with pytest.raises(BadMessage, match="agreed format"):
        received(message(listing(*[["<f4", [0]]] * 4)))


def test_bytes_are_taken_by_whoever_expects_them_and_by_nobody_else(pair):
    here, there = pair
    for array in (np.frombuffer(b"pickled", np.uint8), np.zeros(0, np.uint8)):
        send(there, None, [array])
        (came,) = receive(here, 5, kinds={wire.BYTES})[1]
        assert came.tobytes() == array.tobytes()
        send(there, None, [array])
        with pytest.raises(BadMessage, match="agreed format"):
            receive(here, 5)


# Time, and broken connections


@pytest.mark.parametrize("start", [b"", message(b"x" * 1000)[:-900], message(listing(["<f4", [99]]), bytes(396))[:-390]])
def test_a_drip_does_not_put_the_deadline_off(pair, start):
    here, there = pair
    over = threading.Event()

    def drip():
        there.sendall(start)
        while not over.wait(0.02):
            there.sendall(b"\0")

    sender = threading.Thread(target=drip)
    sender.start()
    began = time.monotonic()
    try:
        with pytest.raises(BadMessage, match=r"^it did not come in time$"):
            receive(here, 0.25)
        assert time.monotonic() - began > 0.2
    finally:
        over.set()
        sender.join()


def test_silence_ends_at_the_deadline(pair):
    with pytest.raises(BadMessage, match=r"^it did not come in time$"):
        receive(pair[0], 0.1)  # without a deadline it would never return


def test_what_is_there_after_the_deadline_is_not_read(pair):
    here, there = pair
    send(there, "too late")
    with pytest.raises(BadMessage, match=r"^it did not come in time$"):
        receive(here, -0.1)


def test_sending_ends_at_the_deadline_where_nobody_reads(pair):
    with pytest.raises(BadMessage, match=r"^it could not be sent: "):
        send(pair[0], None, [np.zeros(10**6)], seconds=0.2)  # without a deadline it would never return


def test_the_deadline_of_sending_holds_for_all_arrays_together(pair):
    here, there = pair
    over = threading.Event()

    def read_slowly():
        while not over.wait(0.02):
            here.recv(2**17)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        with pytest.raises(BadMessage, match="could not be sent"):
            send(there, None, [np.zeros(2**16)] * 100, seconds=0.4)  # each for itself would take a tenth of a second
    finally:
        over.set()
        there.close()
        reader.join()


@pytest.mark.parametrize("start", [b"", b"\0" * 7, message(b"{}")[:-1], message(b"{}", bytes(8))[:-1]])
def test_a_connection_that_is_closed_too_early_is_told(start):
    with pytest.raises(BadMessage, match=r"^the connection was closed$"):
        received(start)


def test_nothing_can_be_sent_to_a_closed_connection(pair):
    here, there = pair
    there.close()
    with pytest.raises(BadMessage, match="could not be sent"):
        send(here, "hello")


def test_nothing_can_be_received_from_a_socket_that_is_closed(pair):
    here, _ = pair
    here.close()
    with pytest.raises(BadMessage, match="the connection broke"):
        receive(here, 1)
