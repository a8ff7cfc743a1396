"""What a student does in JupyterLab or Notebook 7: read, write, run, save. What a hand can do, and what an eye sees."""

from dataclasses import dataclass

from helpers.limits import HANGS

RUNNING = "[*]"
COMPUTING = HANGS * 1000  # milliseconds: only a kernel that hangs takes as long
REACTING = 300_000  # milliseconds: only a page that hangs takes as long
SCREENS = """cells => cells.map(cell => cell.classList.contains('jp-CodeCell') ? {
    folded: !!cell.querySelector('.jp-InputPlaceholder'),
    prompt: cell.querySelector('.jp-InputPrompt').innerText.trim(),
    text: [...cell.querySelectorAll('.jp-OutputArea-output')].map(output => output.innerText).join('\\n'),
    error: [...cell.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"]')]
        .map(output => output.innerText).filter(text => !/\\d+%\\|/.test(text)).join('\\n'),
    pictures: cell.querySelectorAll('.jp-OutputArea-output img').length,
} : null)"""
IDLE = """running => document.querySelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    && ![...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')].some(prompt => prompt.innerText.includes(running))"""


@dataclass(frozen=True)
class Screen:
    """What an eye sees of a code cell: its prompt ("[ ]:", "[7]:"), and below the code all text, and how many pictures.

    folded: whether the code is folded away, with which the prompt's number goes. error: of the text, what is on red: tracebacks
    and warnings, but no progress bars.
    """

    folded: bool
    prompt: str
    text: str
    error: str
    pictures: int


class Student:
    """Somebody in front of a page in which a notebook is open. ids: those of its cells, in order."""

    def __init__(self, page, ids):
        self.page, self.ids = page, ids
        page.set_default_timeout(REACTING)

    # Looking

    def cells(self):
        """Return the Locator of all cells."""
        return self.page.locator(".jp-Notebook .jp-Notebook-cell")

    def cell(self, name):
        """Return the Locator of the cell with this id."""
        return self.cells().nth(self.ids.index(name))

    def screens(self):
        """Return {id of a code cell: its Screen}."""
        found = self.cells().evaluate_all(SCREENS)
        return {self.ids[number]: Screen(**seen) for number, seen in enumerate(found) if seen}

    def wait_until_open(self):
        """Wait for the notebook, all its cells, its formulas and its kernel."""
        self.page.wait_for_function(
            "n => document.querySelectorAll('.jp-Notebook .jp-Notebook-cell').length == n", arg=len(self.ids)
        )
        self.page.wait_for_selector(".jp-Notebook mjx-container")
        self.wait_until_idle()

    def wait_until_idle(self):
        """Wait until no cell runs or waits, and the kernel is idle."""
        self.page.wait_for_function(IDLE, arg=RUNNING, timeout=COMPUTING)

    # Doing

    def choose(self, menu, *commands):
        """Choose a command in a menu, or in a menu that it opens, all named as they are read."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        for command in commands:
            self.page.locator(".lm-Menu .lm-Menu-itemLabel").get_by_text(command, exact=True).click()

    def run_all(self, menu, command, confirm=False):
        """Choose a command that runs many cells, agree if that is asked, and wait for the last."""
        self.choose(menu, command)
        if confirm:
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Notebook .jp-InputPrompt", has_text=RUNNING).first.wait_for()
        self.wait_until_idle()

    def run(self, name):
        """Run one cell as Ctrl+Enter does, and wait for it. Returns its Screen."""
        cell = self.cell(name)
        before = self.screens()[name].prompt
        cell.locator(".jp-InputArea-prompt").click()
        self.page.keyboard.press("Control+Enter")  # Shift+Enter adds a cell below the last
        self.page.wait_for_function(
            """([prompt, before]) => prompt.innerText.trim() != before && /\\d/.test(prompt.innerText)""",
            arg=[cell.locator(".jp-InputPrompt").element_handle(), before],
            timeout=COMPUTING,
        )
        self.wait_until_idle()
        return self.screens()[name]

    def paste(self, name, text):
        """Replace all of a code cell by a text, as from the clipboard."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def type_over(self, name, first, lines):
        """Type lines, key by key, over the line of a code cell that holds `first` and over the one below.

        The editor indents a new line as the one before; so the lines are typed without their indentation.
        """
        self.cell(name).locator(".cm-line", has_text=first).click()
        for key in ("Home", "Shift+ArrowDown", "Shift+End"):
            self.page.keyboard.press(key)
        for number, line in enumerate(lines):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)

    def answer(self, name, text):
        """Write a text into an answer's cell, below what is there."""
        self.cell(name).locator(".jp-RenderedMarkdown").dblclick()
        editor = self.cell(name).locator(".cm-content")
        editor.wait_for()
        editor.click()
        self.page.keyboard.press("ControlOrMeta+End")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Shift+Enter")
        self.cell(name).locator(".jp-RenderedMarkdown").wait_for()

    def save(self):
        """Press Ctrl+S and wait until no change is left unsaved."""
        self.page.keyboard.press("ControlOrMeta+S")
        self.page.wait_for_function("() => !document.querySelector('.jp-mod-dirty') && !document.title.startsWith('*')")
