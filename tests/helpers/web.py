"""How a web server of the fixture `serve` answers."""

import time

from helpers.limits import HANGS


def answer(request, content, status=200, length=None, content_type="application/octet-stream"):
    """Answer an HTTP request with `content`, announcing `length` bytes (by default as many as there are)."""
    request.send_response(status)
    request.send_header("Content-Type", content_type)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


def drip(request):
    """Announce 1000 bytes, then send one every tenth of a second until the client hangs up."""
    answer(request, b"", length=1000)
    for _ in range(1000):
        request.wfile.write(b"x")
        time.sleep(0.1)


def hang(request):
    """Answer nothing, for as long as anybody may wait."""
    time.sleep(HANGS)
