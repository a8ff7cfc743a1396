"""The marking server, as a process of its own, asked over HTTP: what it confirms survives anything, and whom it answers."""

import http.client
import itertools
import json
import re
import socket
import subprocess
import sys
import threading

import psutil
import pytest
from helpers.limits import HANGS
from helpers.marking import QUESTION, Marker, graded
from helpers.places import ROOT

from cs231n.instructor.grading import rubric
from cs231n.instructor.reports import journal, marks

RUBRIC = rubric.load()
HOSTILE = {
    "script": "<script>document.title = 'owned'</script> ok",
    "image": "<img src=x onerror=alert(1)> ![x](http://example.org/x.png)",
    "link": "[here](javascript:alert(1)) <a href='//example.org'>there</a>",
    "style": "<style>* { display: none }</style></textarea></script><!--",
    "formula": r"$\href{javascript:alert(1)}{x}$ $\text{<script>}$ $$\def\x{\x\x}\x$$",
    "turned": "\u202eright to left\ud800\x00\x1b[31m",
    "long": "word " * 20_000,
    "deep": "> " * 3000 + "x",
    "table": "|a" * 3000,
    "template": "{{ 7 * 7 }} {% raw %} ${x} \\u2028",
}


@pytest.fixture
def grades(tmp_path):
    return graded(tmp_path / "grades", {f"s{number}": f"Answer number {number}." for number in range(30)})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for requests that change nothing, with hostile answers among those to mark."""
    folder = graded(tmp_path_factory.mktemp("served"), {"jane": "The values are tiny.", **HOSTILE})
    with Marker(folder, "anna") as marker:
        yield marker


def given(grades):
    return {student: found[QUESTION][0] for student, found in marks.read(grades, RUBRIC).items()}


# What it confirms is on the disk


class _Worker(threading.Thread):
    """Marks answers in turn, each time with other points, until the server is gone."""

    def __init__(self, marker, items, points):
        super().__init__()
        self.marker, self.items, self.points = marker, items, points
        self.sent, self.confirmed, self.enough = {}, {}, threading.Event()

    def run(self):
        for number, item in enumerate(itertools.cycle(self.items)):
            self.points = round(self.points + 0.01, 2)
            self.sent[item["id"]] = self.points
            try:
                status, _ = self.marker.post("mark", question=QUESTION, item=item["id"], points=self.points)
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            self.confirmed[item["id"]] = self.points
            if number == 7:
                self.enough.set()


@pytest.mark.long
def test_a_server_that_is_killed_while_marks_come_in_loses_none_that_it_confirmed(grades):
    sent, confirmed = {}, {}
    for first in (0.0, 1.5):
        with Marker(grades, "anna") as marker:
            workers = [_Worker(marker, list(marker.items().values())[start::3], first) for start in range(3)]
            for worker in workers:
                worker.start()
            assert all(worker.enough.wait(HANGS) for worker in workers)
            marker.kill()
            for worker in workers:
                worker.join(HANGS)
                sent |= worker.sent
                confirmed |= worker.confirmed
    before_the_next_server = given(grades)
    with Marker(grades, "anna") as marker:
        for item in marker.get(f"question/{QUESTION}")["items"]:
            if item["id"] in confirmed:  # what was sent, and not confirmed any more, may have been written, too
                assert confirmed[item["id"]] <= item["mark"]["points"] <= sent[item["id"]]
        assert len(before_the_next_server) >= len(confirmed) >= 24
        marker.end()
    assert given(grades) == before_the_next_server
    assert f'"{max(given(grades).values()):g}"' in (grades / "marking" / f"{QUESTION}.csv").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_line_that_a_crash_cut_off_is_said_and_what_was_before_it_is_there(grades):
    with Marker(grades, "anna") as marker:
        item = next(iter(marker.items().values()))
        marker.mark(item["id"], 2)
        marker.kill()
    path = grades / "marking" / journal.FOLDER / "anna.jsonl"
    with path.open("ab") as file:
        file.write(b'{"kind": "mark", "question": "quest')
    assert list(given(grades).values()) == [2]
    with Marker(grades, "anna") as marker:
        assert "the last line was cut off" in marker.get("desk")["notices"][0]
        assert [one["mark"]["points"] for one in marker.items().values() if one["mark"]] == [2]
        assert "the last line was cut off" in marker.end()


def test_two_markers_at_once_see_each_others_marks_and_lose_none(grades):
    with Marker(grades, "anna", "--share", "1/2") as anna, Marker(grades, "Ben Ö.", "--share", "2/2") as ben:

        def work(marker, points):
            for item in marker.items().values():
                if item["mine"]:
                    marker.mark(item["id"], points)

        threads = [threading.Thread(target=work, args=one) for one in ((anna, 1), (ben, 2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGS)
        assert anna.get("desk")["markers"] == ["Ben Ö.", "anna"]
        found = [{answer: item["mark"]["points"] for answer, item in marker.items().items()} for marker in (anna, ben)]
        assert found[0] == found[1]
        assert len(found[0]) == 30
        assert set(found[0].values()) == {1, 2}
        printed = anna.end()
        assert re.search(r"(\d+) of \1 answers of share 1/2 are marked; 0 are left\. The marks are in .*marking\.", printed)
        ben.kill()
    assert len(given(grades)) == 30
    assert not (grades / "marking" / journal.FOLDER / "anna.lock").exists()


@pytest.mark.long
def test_one_marker_is_served_once(grades):
    with Marker(grades, "anna"):
        refused = mark_command(grades, "--as", "anna")
        assert refused.returncode == 2
        assert "anna is marking in" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_answers_that_come_while_marking_goes_on_are_there_without_a_restart(grades):
    with Marker(grades, "anna") as marker:
        graded(grades, {"late": "A late answer.", "s1": "A changed answer."})
        items = marker.items()
        assert {"A late answer.", "A changed answer."} < items.keys()
        assert "Answer number 1." not in items


# Whom it answers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.org"},
        {"Host": "example.org:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "[::1]:{port}"},
        {"Host": ""},
        {"Origin": "http://example.org"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},  # the page is at 127.0.0.1 then
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/desk"), ("GET", "/"), ("POST", "/api/mark")])
def test_another_site_or_another_name_of_this_machine_is_refused(server, method, path, headers):
    given = {name: value.format(port=server.port) for name, value in headers.items()}
    status, _, content = server.ask(method, path, {} if method == "POST" else None, **given)
    assert status == 403
    assert json.loads(content).keys() == {"error"}


def test_the_page_itself_and_the_name_localhost_are_answered(server):
    for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}"):
        same = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert server.ask("GET", "/api/desk", **same)[0] == 200
    assert server.ask("GET", f"/?token={server.token}", X_Marking_Token=None, Sec_Fetch_Site="none")[0] == 200


@pytest.mark.parametrize("token", [None, "", "x", "{token}x", "\xe9"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/desk"), ("GET", "/api/names"), ("POST", "/api/mark"), ("POST", "/x")])
def test_without_the_token_there_is_nothing(server, method, path, token):
    given = None if token is None else token.format(token=server.token)
    status, _, content = server.ask(method, path, {} if method == "POST" else None, X_Marking_Token=given)
    assert status == 401
    assert "Open the address that the command printed" in json.loads(content)["error"]


def test_the_page_holds_no_data_and_a_wrong_token_gets_none_of_it(server):
    page = server.ask("GET", "/", X_Marking_Token=None)
    assert page[0] == 200
    assert b"tiny" not in page[2]
    assert server.token.encode() not in page[2]
    for query in ("?token=x", "?token=", f"?token={server.token}&token=x"):
        assert server.ask("GET", f"/{query}", X_Marking_Token=None)[0] in (200, 403)
    assert server.ask("GET", "/?token=x", X_Marking_Token=None)[0] == 403


def test_every_answer_forbids_what_a_page_of_ours_does_not_need(server):
    nonces = set()
    for path, status in (("/", 200), ("/api/desk", 200), ("/api/nothing", 404), ("/?token=x", 403)):
        answer = server.ask("GET", path)
        assert answer[0] == status
        assert answer[1]["Cache-Control"] == "no-store"
        assert answer[1]["Referrer-Policy"] == "no-referrer"
        assert answer[1]["X-Content-Type-Options"] == "nosniff"
        assert answer[1]["Content-Security-Policy"].startswith("default-src 'none'")
        assert not [name for name in answer[1] if name.lower().startswith("access-control")]
        nonces.update(re.findall(r"nonce-([^']+)", answer[1]["Content-Security-Policy"]))
    assert len(nonces) == 1
    again = server.ask("GET", "/")
    (nonce,) = set(re.findall(r"nonce-([^']+)", again[1]["Content-Security-Policy"]))
    assert nonce not in nonces
    assert again[2].count(f'nonce="{nonce}"'.encode()) == 2
    assert b"{{" not in re.sub(rb"<script.*?</script>", b"", again[2], flags=re.DOTALL)


@pytest.mark.parametrize(
    "path",
    [
        "/page.html", "/mark.js", "/../desk.py", "/..%2f..%2fetc%2fpasswd", "//etc/passwd", "/api", "/api/", "/api/nothing",
        "/api/desk/x", "/api/question", "/api/question/question-99", "/api/question/..%2f..", "/api/item/question-2/nothing",
        "/api/comments/%00", "/favicon.ico", "/api/mark",
    ],
)  # fmt: skip
def test_there_is_nothing_at_other_addresses(server, path):
    status, _, content = server.ask("GET", path)
    assert status == 404
    assert json.loads(content).keys() == {"error"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "HEAD"])
def test_other_methods_are_refused_with_the_same_headers(server, method):
    status, headers, _ = server.ask(method, "/api/desk")
    assert status == 501
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": None}, 415),
        (b"{}", {"Transfer-Encoding": "chunked"}, 415),
        (b"{}", {"Content-Length": "-1"}, 411),
        (b"{}", {"Content-Length": "1e1"}, 411),
        (b"{}", {"Content-Length": "99999999999"}, 411),
        (b"{" + b" " * 65_536 + b"}", {}, 413),
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"7", {}, 400),
        (b'{"points": NaN}', {}, 400),
        (b'{"points": Infinity}', {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 60_000, {}, 400),
        (b"{}", {}, 400),
    ],
)
def test_a_body_that_no_page_of_ours_sends_is_refused(server, body, headers, status):
    answer = server.ask("POST", "/api/mark", body, **{"Content-Type": "application/json", **headers})
    assert (answer[0], json.loads(answer[2]).keys()) == (status, {"error"})


def test_what_is_no_request_is_refused_and_the_server_goes_on(server):
    for raw in (
        b"\x16\x03\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=HANGS) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda connection=connection: connection.recv(65_536), b""))
            assert b" 200 " not in answer
            assert raw[:1] != b"\x16" or b"\x16" not in answer
    assert server.get("desk")["marker"] == "anna"


def test_it_listens_on_the_loopback_alone(server):
    listening = [one.laddr for one in psutil.Process(server.process.pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", server.port)]


def test_hostile_answers_are_text(server):
    items = server.get(f"question/{QUESTION}")["items"]
    assert len(items) == 1 + len(HOSTILE)
    for item in items:
        drawn = json.dumps(server.get(f"item/{QUESTION}/{item['id']}"))
        for html in (item["answer"], drawn):
            assert not re.search(r"<(script|img|style|a|iframe|svg|link|base)\b", html, re.IGNORECASE)
            assert not re.search(r"<[^>]*\b(on\w+|href|src|style)=", html, re.IGNORECASE)
        assert "\u202e" not in item["answer"]
    assert max(len(item["answer"]) for item in items) < 500_000


# The command


def mark_command(*arguments):
    command = [sys.executable, "-m", "cs231n.instructor", "mark", *map(str, arguments), "--no-open"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS)


@pytest.mark.long
def test_a_port_in_use_is_said_and_one_that_is_free_is_taken(grades, server):
    refused = mark_command(grades, "--as", "ben", "--port", server.port)
    assert refused.returncode == 2
    assert f"Port {server.port} is in use. Name another one with --port" in refused.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Marker(grades, "ben", "--port", str(port)) as marker:
        assert marker.port == port
        assert marker.get("desk")["marker"] == "ben"


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "--port is 70000"),
        (["--share", "3/2"], "--share is '3/2'"),
        (["--twice", "10"], "--twice needs --share"),
        (["--share", "1/2", "--twice", "101"], "--twice is 101"),
        (["--share", "1/2", "--twice", "nan"], "--twice is nan"),
        (["--as", ""], "--as is ''"),
        (["--as", "x" * 61], "at most 60 characters"),
        (["--as", "a\u202eb"], "--as is"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_written(grades, arguments, said):
    refused = mark_command(grades, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert not (grades / "marking").exists()


@pytest.mark.long
def test_a_folder_that_is_not_graded_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        refused = mark_command(folder, "--as", "anna")
        assert refused.returncode == 2
        assert "Name the folder that `python -m cs231n.instructor grade --out` wrote" in refused.stderr
        assert [*tmp_path.iterdir()] == []
