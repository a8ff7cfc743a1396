"""Run a student's function once, on a case: with limits, and so that afterwards everything is as it was before."""

import builtins
import contextlib
import copy
import ctypes
import io
import linecache
import os
import random
import sys
import threading
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from .networks import SmallNetwork, TwoPartNetwork

PACKAGE = Path(__file__).resolve().parent.parent
OF_STUDENTS = {"net_visualization_pytorch.py", "attribution.py", "feature_visualization.py"}  # what they may write there
SECONDS = 4.0  # of computing; a call on a small network takes a few hundredths of a second
WAITING_SECONDS = 15.0  # in which a call sleeps or is blocked; no solution has a reason to
IMPORT_SECONDS = 300.0  # in which a call imports: torch.optim takes 1.4 seconds of computing when it is first used
LOOK_SECONDS = 0.02  # between two looks at a call
CALLS = 150  # forward passes of one call; the longest way of a right answer takes 38 steps, with perhaps three a step

WATCHED = (
    *(builtins, random, time, np, np.linalg, np.random, torch, torch.nn.functional, torch.autograd, torch.linalg),
    *(torch.Tensor, SmallNetwork, TwoPartNetwork),
    *(kind for module in (torch.nn, torch.optim) for kind in vars(module).values() if isinstance(kind, type)),
)


class Stopped(SystemExit):
    """Ends a student's call. No Exception, so that `except Exception` in it does not catch it; threads end on it silently."""


class TooManyCalls(Stopped):
    pass


class TimeIsUp(Stopped):
    left_behind = False


@dataclass
class Trial:
    """What happened in one call of a student's function."""

    network: torch.nn.Module | None
    value: object = None
    error: BaseException | None = None
    calls: int = 0  # forward passes
    way: list = field(default_factory=list)  # what the network was given, in order: arrays (N, 3, H, W)
    left_behind: bool = False  # it could not be ended and goes on beside everything else
    changed: set = field(default_factory=set)  # ids of notes and mistakes
    patched: list = field(default_factory=list)  # names in torch and numpy that were replaced

    @property
    def where(self):
        """(file, number, text) of the student's own line that raised the error, or None."""
        return student_line(self.error) if self.error else None


def run(function, *arguments, network, calls=CALLS, seconds=None, differentiate=False):
    """Call function(*arguments) and return its Trial. Nothing is raised but KeyboardInterrupt.

    network: the SmallNetwork among the arguments, made for this call alone; None if there is none. calls, seconds: after how
    many forward passes and how much computing it is stopped (SECONDS by default). differentiate: whether the value is not the
    result but its `gradient_of`, with respect to the first argument.

    With a network or tensors on a GPU the function is called on the CPU first, with copies, and the Trial is that one if it
    was stopped or indexed out of range: on CUDA such an index ends the use of the GPU until the kernel is restarted.
    """
    limits = {"calls": calls, "seconds": seconds, "differentiate": differentiate}
    if any(_is_on_cuda(argument) for argument in arguments):
        on_cpu, network_on_cpu = _copies_on_cpu(arguments, network)
        trial = _run(function, *on_cpu, network=network_on_cpu, **limits)
        if _would_end_cuda(trial.error):
            return trial
    return _run(function, *arguments, network=network, **limits)


def _is_on_cuda(argument):
    tensors = argument.parameters() if isinstance(argument, torch.nn.Module) else [argument]
    return any(tensor.is_cuda for tensor in tensors if isinstance(tensor, torch.Tensor))


def _copies_on_cpu(arguments, network):
    """Return (arguments, network) as copies on the CPU; the network among the arguments is the one beside them."""
    copied = copy.deepcopy(network).cpu() if network is not None else None

    def on_cpu(argument):
        if argument is network:
            return copied
        if isinstance(argument, torch.Tensor):
            return argument.detach().cpu().clone().requires_grad_(argument.requires_grad)
        return argument

    return [on_cpu(argument) for argument in arguments], copied


def _would_end_cuda(error):
    """Return whether a call that ended with this error on the CPU need not, or must not, be tried on a GPU."""
    return isinstance(error, (Stopped, IndexError)) or (isinstance(error, RuntimeError) and "out of bounds" in str(error))


def _run(function, *arguments, network, calls, seconds, differentiate):
    """Return the Trial of one call: see run."""
    trial, output, over = Trial(network), _Output(), threading.Event()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()} if network is not None else {}

    def on_call(X, scores):
        if over.is_set():
            threading.Event().wait()  # nobody waits for this thread any more: it rests here
        if trial.calls >= calls:
            raise TooManyCalls
        trial.calls += 1
        with contextlib.suppress(RuntimeError):  # inside of torch.func a tensor's values cannot be read
            trial.way.append(X.detach().cpu().numpy().copy())

    if network is not None:
        network.on_call = on_call
    with contextlib.ExitStack() as stack:
        stack.enter_context(_settings_restored(trial))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(output))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            called = (lambda *given: gradient_of(function(*given), given[0])) if differentiate else function
            trial.value = within(seconds or SECONDS, _noting_settings(called, trial), arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: it is the student's function that ends, not the notebook
            trial.error = error
            trial.left_behind = isinstance(error, TimeIsUp) and error.left_behind
        finally:
            over.set()
    if output.used:
        trial.changed.add("prints")
    if network is not None:
        if not trial.left_behind:
            network.on_call = None
        _compare_network(trial, before)
    return trial


def gradient_of(result, argument):
    """Return the gradient of a weighted sum of a function's result with respect to an argument, or None if it has none."""
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return None
    weights = torch.arange(result.numel(), device=result.device).cos().view_as(result)
    return torch.autograd.grad(result, argument, weights.to(result.dtype), allow_unused=True)[0]


def student_line(error):
    """Return (file, number, text) of the last line of an error's traceback outside of libraries and of this package."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
        and "dist-packages" not in frame.filename
        and not frame.filename.startswith((str(Path(torch.__file__).parent), "<frozen", str(Path(threading.__file__).parent)))
        and (Path(frame.filename).parent != PACKAGE or Path(frame.filename).name in OF_STUDENTS)
        and Path(frame.filename).parent != PACKAGE / "checks"
    ]
    if not own:
        return None
    return own[-1].filename, own[-1].lineno, (own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno)).strip()


class _Output(io.TextIOBase):
    """Takes what is printed, and keeps nothing of it but whether there was any."""

    used = False

    def writable(self):
        return True

    def write(self, text):
        self.used = True
        return len(text)


def within(seconds, function, arguments):
    """Return function(*arguments), called in a thread of its own, or raise what it raises, or TimeIsUp after `seconds`.

    `seconds` are seconds of the thread's own computing, so that a busy machine ends no call; imports are not counted. A call
    that sleeps or is blocked has WAITING_SECONDS, an import IMPORT_SECONDS. TimeIsUp is raised inside of the function, too,
    again and again for a second. What does not end by that, because it catches everything, is blocked outside of Python or
    still imports, is left behind: the TimeIsUp then has `left_behind`.
    """
    outcome, clocks, started = [], [], threading.Event()

    def work():
        clocks.append(_Clocks())
        started.set()
        try:
            outcome.append((function(*arguments), None))
        except BaseException as error:  # handed on to whoever waits for it
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        started.wait()
        while thread.is_alive() and not clocks[0].is_time_up(seconds):
            thread.join(LOOK_SECONDS)
            clocks[0].look()
        _end(thread, clocks[0])
    except KeyboardInterrupt:
        if clocks:  # in the background, because it may take a while until an import is done
            threading.Thread(target=_end, args=(thread, clocks[0]), daemon=True).start()
        raise
    if not outcome:
        error = TimeIsUp()
        error.left_behind = thread.is_alive()
        raise error
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


class _Clocks:
    """How many seconds a thread has computed, imported and waited; made in the thread itself, looked at from another one.

    Where the thread could run but other processes have the processor, no time passes here. Only Linux says so; elsewhere
    that time counts as waiting.
    """

    def __init__(self):
        self.computed = self.imported = self.waited = 0.0
        self.imports = False  # whether it was importing at the last look
        self._thread, self._schedule = threading.get_ident(), Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        own_clock = getattr(time, "pthread_getcpuclockid", None)  # not on macOS and Windows
        self._processor = own_clock and own_clock(self._thread)
        self._last = self._now()

    def look(self):
        """Count what has passed since the last look."""
        try:
            now = self._now()
        except OSError:  # the thread has ended
            return
        passed, processor, queued = (after - before for after, before in zip(now, self._last, strict=True))
        waited = max(min(passed, 10 * LOOK_SECONDS) - processor - queued, 0)  # the whole machine may have been asleep
        self._last, self.imports = now, _is_importing(self._thread)
        if self.imports:
            self.imported += processor + waited
        else:
            self.computed += processor
            self.waited += waited

    def is_time_up(self, seconds):
        return self.computed > seconds or self.waited > WAITING_SECONDS or self.imported > IMPORT_SECONDS

    def _now(self):
        """Return (the time, the thread's time on a processor, its time in the queue for one), in seconds."""
        processor = time.process_time() if self._processor is None else time.clock_gettime(self._processor)
        try:
            queued = int(self._schedule.read_text().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            queued = 0.0
        return time.monotonic(), processor, queued


def _is_importing(thread):
    """Return whether a thread, given by its identifier, is inside of an import."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end(thread, clocks):
    """Raise TimeIsUp in a thread until it ends, for a second at most, and not while it imports.

    A module whose import was cut off would stay half-loaded until the kernel is restarted.
    """
    allowed = clocks.computed + clocks.waited + 1
    while thread.is_alive() and clocks.computed + clocks.waited < allowed and clocks.imported <= IMPORT_SECONDS:
        if not _is_importing(thread.ident):
            _raise_in(thread, TimeIsUp)
        thread.join(LOOK_SECONDS)
        clocks.look()


def _raise_in(thread, error):
    """Have an exception raised in a thread before its next line of Python; nothing happens if it has ended."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(error))


@contextlib.contextmanager
def own_settings():
    """Let the checks' own code run with PyTorch's usual settings, whatever those of the student's kernel are."""
    dtype, tf32, precision = torch.get_default_dtype(), torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(np.errstate(all="ignore"))
        if torch.empty(0).device != torch.device("cpu"):
            stack.enter_context(torch.device("cpu"))  # it slows every call of torch down, so only where it is needed
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        try:
            torch.set_default_dtype(torch.float32)
            torch.backends.cudnn.allow_tf32 = False  # full precision on a GPU, too
            torch.set_float32_matmul_precision("highest")
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_float32_matmul_precision(precision)
            torch.backends.cudnn.allow_tf32 = tf32


# What belongs to the process, to be put back: (read, write).
SETTINGS = [
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (Path.cwd, os.chdir),
    (np.get_printoptions, lambda options: np.set_printoptions(**options)),
]


def _settings_of_the_thread():
    return torch.is_grad_enabled(), torch.get_num_threads(), torch.empty(0).device, np.geterr()


def _noting_settings(function, trial):
    """Return the function with a look, before and after, at what belongs to its thread and ends with it."""

    def noting(*arguments):
        torch.set_num_threads(1)  # small networks gain nothing by more, which would wait for each other on a busy machine
        before = _settings_of_the_thread()
        try:
            return function(*arguments)
        finally:
            if _settings_of_the_thread() != before:
                trial.changed.add("changes-settings")

    return noting


@contextlib.contextmanager
def _settings_restored(trial):
    """Note in `trial` which settings, random states and functions of libraries the call changes, and put them back."""
    libraries = [(library, dict(vars(library))) for library in WATCHED]
    seeds, streams, values = _random_states(), (sys.stdout, sys.stderr), [read() for read, _ in SETTINGS]
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        trial.patched = _restore_libraries(libraries)
        sys.stdout, sys.stderr = streams
        torch.set_num_threads(threads)  # also for threads to come
        if not _same(seeds, _random_states()):
            trial.changed.add("changes-random-state")
            _restore_random_states(seeds)
        for (read, write), value in zip(SETTINGS, values, strict=True):
            if read() != value:
                trial.changed.add("changes-settings")
                write(value)


def _restore_libraries(libraries):
    patched = []
    for library, before in libraries:
        for name, value in before.items():
            now = vars(library).get(name)
            if now is not value and not _wrapped_by_itself(library, name, now) and not _by_the_compiler(name, now):
                patched.append(f"{library.__name__}.{name}")
                setattr(library, name, value)
        for name in (vars(library).keys() - before.keys()) if isinstance(library, type) else ():
            inherited = getattr(super(library, library), name, None)
            if _by_the_compiler(name, vars(library)[name], inherited):
                continue
            patched.append(f"{library.__name__}.{name}")  # it hides what the class inherits
            delattr(library, name)
    return patched


def _wrapped_by_itself(library, name, value):
    """Return whether a library put `value` there itself: torch wraps some of its functions when a part of it is first used."""
    if isinstance(value, type):
        return value.__module__.split(".")[0] == "torch"  # torch.Storage follows the default dtype
    home = library.__module__ if isinstance(library, type) else library.__name__
    own = str(getattr(value, "__module__", "")).split(".")[0] == home.split(".")[0]
    return own and getattr(value, "__name__", None) == name


def _by_the_compiler(name, value, inherited=None):
    """Return whether torch.compile put `value` there, at its first use: into torch.nn.Module, and around optimisers' methods.

    inherited: what the class has under this name without it.
    """
    of_its_own = str(getattr(value, "__module__", "")).startswith("torch._dynamo")
    around = inherited is not None and getattr(value, "_torchdynamo_orig_callable", None) is inherited
    return of_its_own or around or (name == "___needs_generation_tag_patch" and value is False)


def _random_states():
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def _same(seeds, others):
    (python, numpy, cpu, cuda), (other_python, other_numpy, other_cpu, other_cuda) = seeds, others
    numpy_same = numpy[0] == other_numpy[0] and np.array_equal(numpy[1], other_numpy[1]) and numpy[2:] == other_numpy[2:]
    cuda_same = len(cuda) == len(other_cuda) and all(map(torch.equal, cuda, other_cuda))
    return python == other_python and numpy_same and torch.equal(cpu, other_cpu) and cuda_same


def _restore_random_states(seeds):
    python, numpy, cpu, cuda = seeds
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda:
        torch.cuda.set_rng_state_all(cuda)


def _compare_network(trial, before):
    network = trial.network
    weights = dict(network.named_parameters())
    changed = {name for name, tensor in network.state_dict().items() if not _equal(tensor, before.get(name))}
    trained = any(module.training for module in network.modules()) or any("num_batches" in name for name in changed)
    if trained:
        trial.changed.add("mode-changed")  # in training mode batch normalisation writes its buffers
    if changed & weights.keys() or before.keys() != network.state_dict().keys() or (changed and not trained):
        trial.changed.add("weights-changed")
    if any(weight.requires_grad or weight.grad is not None for weight in weights.values()):
        trial.changed.add("changes-model-gradients")


def _equal(tensor, before):
    return before is not None and tensor.dtype == before.dtype and torch.equal(tensor.to(before.device), before)
