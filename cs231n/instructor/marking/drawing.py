"""Markdown is drawn in the main thread: only there can a text that takes too long be stopped (see safe.html)."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future


class InMainThread:
    """Lets other threads have a text drawn, while the main thread is in `work()`."""

    def __init__(self, draw: Callable[[str], str]) -> None:
        self._draw = draw
        self._drawn: dict[str, str] = {}
        self._waiting: queue.Queue[tuple[str, Future[str]]] = queue.Queue()

    def __call__(self, text: str) -> str:
        """Return a text, drawn; callable from any thread."""
        if text in self._drawn:
            return self._drawn[text]
        if threading.current_thread() is threading.main_thread():
            return self._keep(text)
        future: Future[str] = Future()
        self._waiting.put((text, future))
        return future.result()

    def work(self, seconds: float) -> None:
        """Draw what others wait for, or wait for that long until somebody does."""
        try:
            text, future = self._waiting.get(timeout=seconds) if seconds else self._waiting.get_nowait()
        except queue.Empty:
            return
        try:
            future.set_result(self._keep(text))
        except BaseException as error:
            future.set_exception(RuntimeError("The command was ended."))
            raise error from None

    def ahead(self, text: str) -> None:
        """Draw a text that will be asked for."""
        self._keep(text)

    def _keep(self, text: str) -> str:
        if text not in self._drawn:
            self._drawn[text] = str(self._draw(text))
        return self._drawn[text]
