"""Jupyter's kernel, forked from a process that has imported PyTorch already: importing it takes seconds, each time.

Such a kernel is as new as any other: the process that it is forked from imports only what others have written, never the kit.
"""

import functools
import json
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.process import BaseProcess
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

IMPORTED = ["torch", "torchvision", "scipy.ndimage", "matplotlib.pyplot", "IPython", "ipykernel.kernelapp"]
POSSIBLE = sys.platform == "linux"  # macOS' own libraries do not survive a fork, and Windows has none


@functools.cache
def _server() -> multiprocessing.context.ForkServerContext:
    """Return what forks; its process starts with the first kernel, and ends with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@functools.cache
def _fresh_path() -> list[str]:
    """Return sys.path of a Python that has just started, without the folder it was started in."""
    printed = subprocess.run([sys.executable, "-I", "-c", "import json, sys; print(json.dumps(sys.path))"], capture_output=True)
    return json.loads(printed.stdout)


def _run_kernel(arguments: list[str], folder: str, environment: dict[str, str], path: list[str]) -> None:
    """Be a kernel, in a process of its own; it ends when the one that it was forked from does."""
    from ipykernel.kernelapp import IPKernelApp

    multiprocessing.current_process().daemon = False  # to its cells it is a process as any other
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment, JPY_PARENT_PID=str(os.getppid()))
    sys.path[:] = path
    IPKernelApp.launch_instance(arguments)


class _Forked:
    """A process of multiprocessing as jupyter_client sees one of subprocess."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = process.pid
        self.kill = process.kill
        self.terminate = process.terminate

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


class _Provisioner(LocalProvisioner):
    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        given = arguments, str(options["cwd"]), options["env"], _fresh_path()
        process = _server().Process(target=_run_kernel, args=given, daemon=True)
        process.start()
        self.process = _Forked(process)
        self.pid, self.cwd = process.pid, options["cwd"]
        return self.connection_info


class ForkedKernelManager(AsyncKernelManager):
    """Starts, interrupts and ends kernels that are forked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.provisioner = _Provisioner(kernel_id="", kernel_spec=self.kernel_spec, parent=self)
