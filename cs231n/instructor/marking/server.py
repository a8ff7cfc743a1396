"""The web server behind the marking page: on this machine's loopback, for those who have its token.

``GET /`` is the page, which holds no data; everything else is under ``/api/`` and wants the header ``X-Marking-Token``. Requests
and answers are JSON. What a page of another site, or a name that leads to this machine, could send is refused: Host has to be
that of the printed address, Origin (where there is one) the same, and a POST has to be JSON, which no form can send. An answer
that is not 200 is ``{"error": "a sentence"}``; 409 has ``"needs": "reason"`` where a reason is all that is lacking.

========================================  =================================================================================
GET /api/desk                             course, marker, questions with text, model answer, rubric lines and progress
GET /api/question/KEY                     all answers, in this marker's order, without pictures
GET /api/item/KEY/ID                      one answer, with pictures, figures and how nearly equal ones differ
GET /api/comments/KEY                     comments given before
GET /api/names                            the names behind the aliases
GET /api/disagreements, conflicts, log    what waits for a decision; changes of what was in the grades
POST /api/mark                            question, item, points (null takes it back), lines, comment, seconds, reason
POST /api/near                            question, item, others, reason: the mark of item for nearly equal answers
POST /api/flag                            question, item, flag
POST /api/undo                            question: takes back this marker's last change
POST /api/conflict                        question, student, keep ("file" or "journal")
========================================  =================================================================================
"""

import errno
import hmac
import http.server
import json
import secrets
import socketserver
import sys
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ...formulas import CSS
from .api import GET, POST, Api, Markdown, Wrong
from .desk import Refused

ADDRESS = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
TOKEN = "X-Marking-Token"
LONGEST_BODY_BYTES = 65_536
IDLE_SECONDS = 60  # until a connection on which nothing comes is closed
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server(http.server.ThreadingHTTPServer):
    """Serves one desk.

    Parameters
    ----------
    api : Api
        What to serve.
    draw : callable
        Makes clean HTML of Markdown.
    port : int
        0 for a free one.

    Raises
    ------
    ValueError
        If the port is in use, or cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = sys.platform != "win32"  # there it would let two servers have one port

    def __init__(self, api: Api, draw: Callable[[str], str], port: int = 0) -> None:
        self.api, self.draw = api, draw
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((ADDRESS, port), _Request)
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
            raise ValueError(
                f"Port {port} {why}. Name another one with --port, or leave the option out: then a free one is found."
            ) from None

    def server_bind(self) -> None:
        """Take the port, without the base class's question to the name server: it may take seconds to answer."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    @property
    def port(self) -> int:
        """The port."""
        return self.server_port

    @property
    def address(self) -> str:
        """The address to open, with the token."""
        return f"http://{ADDRESS}:{self.port}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke off; what is a mistake of ours is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, sentence: str, **more: str) -> None:
        super().__init__(sentence)
        self.status, self.told = status, {"error": sentence, **more}


class _Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "marking", ""
    timeout = IDLE_SECONDS
    wbufsize = -1  # headers and body leave together; apart, the second would wait for the first to be confirmed
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, found: Callable[[], tuple[str, bytes, str]]) -> None:
        try:
            self._require_own_site()
            kind, content, nonce = found()
            self._send(HTTPStatus.OK, kind, content, nonce)
        except _Refusal as refusal:
            self._refuse(refusal)

    def _refuse(self, refusal: _Refusal) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._send(refusal.status, "application/json", json.dumps(refusal.told).encode())

    def _get(self) -> tuple[str, bytes, str]:
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/":
            self._require_right_token_if_any(urllib.parse.parse_qs(address.query).get("token"))
            nonce = secrets.token_urlsafe(16)
            return "text/html", page(nonce).encode(), nonce
        return "application/json", self._called(self._reader(address.path)), ""

    def _post(self) -> tuple[str, bytes, str]:
        self._require_token()
        name = self._parts(urllib.parse.urlsplit(self.path).path)
        if len(name) != 1 or name[0] not in POST:
            raise _Refusal(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        body = self._body()
        return "application/json", self._called(lambda: POST[name[0]](self.server.api, body)), ""

    def _reader(self, path: str) -> Callable[[], Any]:
        self._require_token()
        name, *rest = self._parts(path) or [""]
        if (name, len(rest)) not in GET:
            raise _Refusal(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        return lambda: GET[name, len(rest)](self.server.api, *rest)

    def _parts(self, path: str) -> list[str]:
        return [urllib.parse.unquote(part) for part in path.removeprefix("/api/").split("/")] if path.startswith("/api/") else []

    def _called(self, call: Callable[[], Any]) -> bytes:
        """Return what a call answers, as JSON. Texts are drawn after the desk was let go."""
        desk = self.server.api.desk
        try:
            with desk.lock:
                desk.refresh()
                told = call()
            return json.dumps(told, default=self._drawn).encode()
        except Wrong as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
        except Refused as error:
            status = HTTPStatus.NOT_FOUND if error.missing else HTTPStatus.CONFLICT
            raise _Refusal(status, str(error), **({"needs": "reason"} if error.needs_reason else {})) from None
        except (OSError, ValueError) as error:
            raise _Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"Nothing was changed: {error}") from None

    def _drawn(self, value: object) -> str:
        if not isinstance(value, Markdown):
            raise TypeError(type(value).__name__)
        return self.server.draw(value.text)

    def _require_own_site(self) -> None:
        hosts = {f"{name}:{self.server.port}" for name in (ADDRESS, "localhost")}
        named = self.headers.get_all("Host", [])
        if len(named) != 1 or named[0].lower() not in hosts:
            raise _Refusal(HTTPStatus.FORBIDDEN, "Open the address that the command printed: this one has another host's name.")
        origins = self.headers.get_all("Origin", [])
        if any(origin != f"http://{named[0].lower()}" for origin in origins):
            raise _Refusal(HTTPStatus.FORBIDDEN, "A page of another site asked for this.")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise _Refusal(HTTPStatus.FORBIDDEN, "A page of another site asked for this.")

    def _require_right_token_if_any(self, given: list[str] | None) -> None:
        if given is not None and not (len(given) == 1 and self._is_token(given[0])):
            raise _Refusal(
                HTTPStatus.FORBIDDEN, "The token in this address is of another run. Open the address that the command printed."
            )

    def _require_token(self) -> None:
        if not self._is_token(self.headers.get(TOKEN, "")):
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "This needs the token. Open the address that the command printed.")

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self.server.token.encode())

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json" or "Transfer-Encoding" in self.headers:
            raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Expected JSON.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and len(length) < 10):
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "Expected a Content-Length.")
        if int(length) > LONGEST_BODY_BYTES:
            raise _Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"This is too long: {length} bytes; expected at most {LONGEST_BODY_BYTES}."
            )
        try:
            body = json.loads(self.rfile.read(int(length)), parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "Expected JSON.") from None
        if not isinstance(body, dict):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "Expected an object.")
        return body

    def _send(self, status: HTTPStatus, kind: str, content: bytes, nonce: str = "") -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header(
            "Content-Security-Policy", POLICY.format(nonce=nonce) if nonce else "default-src 'none'; frame-ancestors 'none'"
        )
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request as everything else is answered: in JSON, with the same headers, repeating nothing of it."""
        self.close_connection = True
        self._send(HTTPStatus(code), "application/json", json.dumps({"error": HTTPStatus(code).phrase}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: addresses hold the token."""


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def page(nonce: str) -> str:
    """Return the page, with its style and script in it. Raises OSError if the kit lacks one of its files."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    style = Markup((PAGE / "mark.css").read_text(encoding="utf-8"))
    script = Markup((PAGE / "mark.js").read_text(encoding="utf-8"))
    template = environment.from_string((PAGE / "page.html").read_text(encoding="utf-8"))
    return template.render(nonce=nonce, style=style, script=script, formula_css=Markup(CSS))
