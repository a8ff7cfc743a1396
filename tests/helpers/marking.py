"""A class to mark, and markers at work: each a server process of their own, asked over HTTP."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys

from cs231n.instructor.reports import safe
from cs231n.instructor.reports.records import Record, State, write
from helpers.limits import HANGS
from helpers.places import ROOT

QUESTION = "question-2"  # 3 points, three lines of 1 each


def graded(folder, answers, **fields):
    """Lay out what grading leaves. answers: {student: answer to QUESTION, or {question: answer}}."""
    for student, told in answers.items():
        told = told if isinstance(told, dict) else {QUESTION: told}
        name = f"Ms {student.title()}"
        record = Record(student, name, f"{student}.ipynb", "0" * 64, verdict=State.GRADED, answers=told, **fields)
        write(folder / "rows" / f"{safe.file_name(student)}.json", record)
    return folder


class Marker:
    """A marker's server, in a process of its own."""

    def __init__(self, grades, name, *options):
        command = [sys.executable, "-m", "cs231n.instructor", "mark", str(grades), "--as", name, "--no-open", *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.printed = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)\n", self.printed)):
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"the server ended: {self.process.communicate()}")
            self.printed += line
        self.port, self.token = int(found[1]), found[2]

    def ask(self, method, path, body=None, **headers):
        """Return (status, headers, bytes) of a request. headers: with "_" for "-"; None leaves a usual one out."""
        usual = {"X-Marking-Token": self.token, "Content-Type": None if body is None else "application/json"}
        given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes | type(None)) else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS)) as connection:
            connection.request(method, path, raw, {name: value for name, value in given.items() if value is not None})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path):
        status, _, content = self.ask("GET", f"/api/{path}")
        assert status == 200, content
        return json.loads(content)

    def post(self, path, **body):
        """Return (status, what came)."""
        status, _, content = self.ask("POST", f"/api/{path}", body)
        return status, json.loads(content)

    def mark(self, item, points, question=QUESTION, **more):
        status, told = self.post("mark", question=question, item=item, points=points, **more)
        assert status == 200, told
        return told

    def items(self, question=QUESTION):
        """Return {answer without its paragraph: item}."""
        return {re.sub(r"</?p>|\n", "", item["answer"]): item for item in self.get(f"question/{question}")["items"]}

    def kill(self):
        """End it as a power cut does."""
        self.process.kill()
        self.process.communicate()

    def end(self):
        """End it as Ctrl-C does; return what it printed."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=HANGS)
        return self.printed + out + err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
