"""A student's function is run with care: the kernel is as it was, what never ends is stopped, a busy machine costs nothing."""

import contextlib
import random
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from helpers.limits import HANGS
from helpers.places import ROOT
from helpers.solutions import (
    FOOLING,
    GRAD_CAM,
    INTEGRATED,
    REFERENCE,
    SALIENCY,
    SMOOTHGRAD,
    TRANSFORMATION,
)
from torch import nn

from cs231n import checks
from cs231n.checks import (
    EXERCISES,
    OPTIONAL,
    check_saliency_maps,
    examine,
    guard,
)
from cs231n.checks.exercises import grad_cam
from cs231n.checks.guard import limits
from cs231n.checks.networks import SmallNetwork

pytestmark = pytest.mark.usefixtures("short_patience")


def misbehaves(X, y, model):
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.abs = torch.neg
    torch.Tensor.amax = lambda *_, **__: None
    sys.stdout = None
    model.train()
    model.requires_grad_()
    return X.sum(dim=1)


def test_what_a_function_changes_is_told_and_put_back(capsys):
    def state():
        numbers = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()
        settings = torch.is_grad_enabled(), torch.get_num_threads(), torch.get_default_dtype(), sys.stdout
        return numbers, settings, torch.abs, torch.Tensor.amax

    torch.set_num_threads(2)
    before = state()
    report = examine(SALIENCY, misbehaves)
    assert state() == before
    assert report.verdict == "wrong"
    assert {"library-patched", "mode-changed"} <= set(report.mistakes)
    assert {"changes-random-state", "changes-settings", "changes-model-gradients"} <= set(report.notes)


def test_settings_of_the_students_kernel_do_not_matter_and_stay():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        for exercise in EXERCISES:
            assert examine(exercise, REFERENCE[exercise]).verdict == "right"
        assert torch.get_default_dtype() == torch.float64
        assert not torch.is_grad_enabled()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


def test_a_name_that_replaces_another_one_of_the_same_object_is_seen(monkeypatch):
    monkeypatch.setattr(random, "the_last_name", object(), raising=False)

    def renames(X):
        random.another_name = vars(random).pop("the_last_name")
        return X

    try:
        assert guard.run(renames, torch.zeros(1), network=None).patched == ["random.the_last_name"]
        assert hasattr(random, "the_last_name")
    finally:
        vars(random).pop("another_name", None)


def test_a_part_of_torch_that_wraps_functions_when_it_is_first_used_is_no_patch():
    code = (
        "import cs231n, torch\nfrom cs231n.checks import examine\n"
        "def step(img, model, target_y, l2_reg, learning_rate):\n"
        "    optimizer = torch.optim.SGD([img], lr=learning_rate)\n"
        "    optimizer.zero_grad()\n"
        "    (l2_reg * img.norm() ** 2 - model(img)[0, target_y]).backward()\n"
        "    optimizer.step()\n"
        "print(examine('class_visualization_update_step', step).as_json())"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed == "{'verdict': 'right', 'mistakes': [], 'notes': []}\n"


def test_printing_megabytes_is_noted_and_not_shown(capsys):
    def compute_saliency_maps(X, y, model):
        print("x" * 10_000_000)
        return REFERENCE[SALIENCY](X, y, model)

    check_saliency_maps(compute_saliency_maps)
    printed = capsys.readouterr().out
    assert len(printed) < 1000
    assert "it prints" in printed


def test_a_loop_that_swallows_every_exception_ends_too():
    def make_fooling_image(X, target_y, model):
        while True:
            try:  # noqa: SIM105 (that is the point)
                model(X)
            except:  # noqa: E722
                pass

    report = examine(FOOLING, make_fooling_image)
    assert report.verdict == "wrong"
    assert set(report.mistakes) <= {"never-returns", "too-many-network-calls"}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_interrupt_by_the_user_is_passed_on(exercise):
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(exercise, interrupted)


KERNELS = {
    "low precision": lambda stack: torch.set_float32_matmul_precision("medium"),
    "autocast": lambda stack: stack.enter_context(torch.autocast("cpu")),
    "device context": lambda stack: stack.enter_context(torch.device("meta")),
    "default device": lambda stack: torch.set_default_device("meta"),
    "tracing": lambda stack: sys.settrace(lambda *_: None),
    "warnings": lambda stack: warnings.simplefilter("error"),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_whatever_the_settings_of_the_kernel_the_reference_is_right_and_they_stay(kernel):
    def state():
        return torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu"), torch.empty(0).device

    trace = sys.gettrace()
    try:
        with contextlib.ExitStack() as stack, warnings.catch_warnings():
            KERNELS[kernel](stack)
            before = state()
            assert [examine(exercise, REFERENCE[exercise]).verdict for exercise in EXERCISES] == ["right"] * len(EXERCISES)
            assert state() == before
    finally:
        torch.set_float32_matmul_precision("highest")
        torch.set_default_device(None)
        sys.settrace(trace)


def test_a_debugger_works_after_a_check_that_stopped_a_function(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def endless(X, y, model):
        while True:
            pass

    assert examine(SALIENCY, endless).mistakes == ["never-returns"]
    lines, trace = [], sys.gettrace()
    try:
        sys.settrace(lambda frame, event, argument: lines.append(frame.f_lineno))
        sum(number for number in range(3))
    finally:
        sys.settrace(trace)
    assert lines


def test_an_endless_loop_that_swallows_what_is_raised_while_it_sleeps_ends_too(monkeypatch):
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.3)
    over = threading.Event()

    def endless(X, y, model):
        while not over.is_set():  # so that it is not left behind for the tests to come
            try:
                time.sleep(0.001)
            except:  # noqa: E722
                print("never mind")

    interval = sys.getswitchinterval()
    try:
        report = examine(SALIENCY, endless)
    finally:
        over.set()
    assert report.mistakes == ["never-returns"]
    assert "restart the kernel" in report.text()
    assert sys.getswitchinterval() == interval


def test_a_function_that_waits_outside_of_python_is_left_behind_and_said_to_be(monkeypatch):
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.3)
    blocked = threading.Lock()
    blocked.acquire()

    def waits(X, y, model):
        blocked.acquire()

    try:
        report = examine(SALIENCY, waits)
    finally:
        blocked.release()
    assert report.mistakes == ["never-returns"]
    assert "could not be stopped: restart the kernel" in report.text()


def test_a_loop_that_can_be_ended_is_not_said_to_go_on(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def endless(X, y, model):
        while True:
            pass

    threads = set(threading.enumerate())
    report = examine(SALIENCY, endless)
    assert "It was stopped." in report.text()
    assert "restart" not in report.text()
    assert set(threading.enumerate()) <= threads


def computes(seconds):
    """Use so many seconds of this thread's processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    """The name of a module whose import computes for half a second, in small bites, and then sets `done`."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nend = time.thread_time() + 0.5\nwhile time.thread_time() < end:\n    pass\ndone = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "slow_to_import", raising=False)
    yield "slow_to_import"
    sys.modules.pop("slow_to_import", None)


def test_an_import_is_not_counted_as_the_functions_own_time(slow_module):
    def imports():
        return __import__(slow_module).done

    assert guard.within(0.2, imports, ())


def test_what_is_to_be_stopped_is_not_stopped_inside_of_an_import(slow_module):
    def computes_then_imports():
        computes(0.19)  # its time is up during the import, or just after it
        __import__(slow_module)
        computes(60)

    with pytest.raises(guard.TimeIsUp) as raised:
        guard.within(0.2, computes_then_imports, ())
    assert not raised.value.left_behind
    assert sys.modules[slow_module].done


def test_an_import_that_never_ends_is_left_behind(slow_module, monkeypatch):
    monkeypatch.setattr(limits, "IMPORT_SECONDS", 0.1)
    others = set(threading.enumerate())  # pytest-xdist's and tqdm's among them, which go on
    with pytest.raises(guard.TimeIsUp) as raised:
        guard.within(10, __import__, (slow_module,))
    assert raised.value.left_behind
    for thread in set(threading.enumerate()) - others:
        thread.join(HANGS)
    assert sys.modules[slow_module].done


def test_an_interrupt_by_the_user_cuts_no_import_off(slow_module, monkeypatch):
    look = limits._Clocks.look

    def interrupted(clocks):
        monkeypatch.setattr(limits._Clocks, "look", look)
        raise KeyboardInterrupt

    monkeypatch.setattr(limits._Clocks, "look", interrupted)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        guard.within(10, __import__, (slow_module,))
    for thread in set(threading.enumerate()) - before:
        thread.join(HANGS)
    assert sys.modules[slow_module].done


def test_time_without_the_processor_is_not_time_to_compute():
    def sleeps():
        time.sleep(0.5)
        return "back"

    assert guard.within(0.1, sleeps, ()) == "back"


def test_only_what_computes_too_long_is_stopped():
    assert guard.within(0.6, computes, (0.2,)) is None
    with pytest.raises(guard.TimeIsUp):
        guard.within(0.2, computes, (60,))


def test_a_call_that_waits_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    with pytest.raises(guard.TimeIsUp):
        guard.within(10, lambda: [time.sleep(0.01) for _ in range(6000)], ())


def clock_that_reads(monkeypatch, *readings):
    """Return _Clocks that read these (time, time on the processor, time in the queue) one after the other."""
    readings = iter(readings)
    monkeypatch.setattr(limits._Clocks, "_now", lambda self: next(readings))
    return limits._Clocks()


@pytest.mark.parametrize(
    ("reading", "computed", "waited"),
    [
        ((0.1, 0.1, 0), 0.1, 0),
        ((0.1, 0, 0), 0, 0.1),
        ((0.1, 0.02, 0.08), 0.02, 0),  # others had the processor
        ((60, 0.02, 59), 0.02, 0),
        ((3600, 0, 0), 0, 0.2),  # the machine slept, so nobody looked
    ],
)
def test_a_thread_that_has_to_queue_for_the_processor_neither_computes_nor_waits(monkeypatch, reading, computed, waited):
    clocks = clock_that_reads(monkeypatch, (0, 0, 0), reading)
    clocks.look()
    assert (clocks.computed, clocks.waited) == pytest.approx((computed, waited), abs=1e-9)


def test_without_a_clock_of_the_thread_that_of_the_process_is_used(monkeypatch):
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    monkeypatch.setattr(limits.Path, "read_text", lambda *_: (_ for _ in ()).throw(FileNotFoundError))
    assert guard.within(0.6, computes, (0.1,)) is None
    with pytest.raises(guard.TimeIsUp):
        guard.within(0.2, computes, (60,))


ON_ONE_PROCESSOR = (  # where the machine lets a process choose: so that two get in each other's way
    "import os\nif hasattr(os, 'sched_setaffinity'):\n    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
)


@pytest.mark.long
def test_an_optimiser_is_right_although_its_first_use_imports_for_longer_than_a_call_may_take():
    code = (
        "import time\nfrom cs231n.checks import examine, guard\nguard.SECONDS = 0.4\nimport sys, torch\n"
        "assert 'torch._dynamo' not in sys.modules, 'importing the checks should not take the time of this'\n"
        "def step(img, model, target_y, l2_reg, learning_rate):\n"
        "    optimizer = torch.optim.SGD([img], lr=learning_rate, weight_decay=2 * l2_reg)\n"
        "    optimizer.zero_grad()\n"
        "    (-model(img)[0, target_y]).backward()\n"
        "    optimizer.step()\n"
        "print(examine('class_visualization_update_step', step).verdict)"
    )
    busy = subprocess.Popen([sys.executable, "-c", f"{ON_ONE_PROCESSOR}while True: pass"])
    try:
        command = [sys.executable, "-c", ON_ONE_PROCESSOR + code]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    finally:
        busy.kill()
        busy.wait()
    assert printed == "right\n"


def leaves(change):
    def compute_saliency_maps(X, y, model):
        saliency = REFERENCE[SALIENCY](X, y, model)
        change(model)
        return saliency

    return compute_saliency_maps


def test_a_settings_change_is_no_patch():
    report = examine(SALIENCY, leaves(lambda model: torch.set_default_dtype(torch.float64)))
    assert report.as_json() == {"verdict": "right", "mistakes": [], "notes": ["changes-settings"]}
    assert torch.get_default_dtype() == torch.float32
    report = examine(SALIENCY, leaves(lambda model: torch.set_default_device("meta")))
    assert report.notes == ["changes-settings"]
    assert torch.zeros(1).device.type == "cpu"


def test_patched_layers_and_builtins_are_told_and_put_back():
    forward, rand = nn.Conv2d.forward, np.random.rand

    def patch(model):
        nn.Conv2d.forward = np.random.rand = random.random = None

    assert examine(SALIENCY, leaves(patch)).mistakes == ["library-patched"]
    assert nn.Conv2d.forward is forward
    assert np.random.rand is rand
    assert examine(SALIENCY, REFERENCE[SALIENCY]).verdict == "right"


@pytest.mark.long
@pytest.mark.parametrize("compiled", ["a helper", "the network"])
def test_what_torch_compile_puts_into_the_library_is_nothing_that_the_student_has_changed(compiled):
    strongest = torch.compile(lambda gradient: gradient.abs().amax(dim=1), backend="eager")

    def compute_saliency_maps(X, y, model):
        network = torch.compile(model, backend="eager") if compiled == "the network" else model
        X = X.clone().requires_grad_()
        network(X).gather(1, y[:, None]).sum().backward()
        return strongest(X.grad)

    for _ in range(2):  # the library is changed at the first use only
        report = examine(SALIENCY, compute_saliency_maps)
        assert (report.verdict, report.mistakes) == ("right", [])


def test_a_name_that_the_student_adds_to_a_class_of_the_library_is_found_beside_those_of_torch_compile():
    def patch(model):
        torch.optim.AdamW._init_group = lambda *_: None

    report = examine(SALIENCY, leaves(patch))
    assert report.mistakes == ["library-patched"]
    assert torch.optim.AdamW._init_group.__name__ == "_init_group"


def zero_buffers(model):
    for buffer in model.buffers():
        buffer.zero_()


@pytest.mark.parametrize(
    ("change", "expected"),
    [(zero_buffers, "weights-changed"), (lambda model: model.double(), "weights-changed"), (nn.Module.train, "mode-changed")],
)
def test_what_is_changed_about_the_network_is_told(change, expected):
    assert examine(SALIENCY, leaves(change)).mistakes == [expected]


def test_changed_labels_are_a_changed_input():
    def compute_saliency_maps(X, y, model):
        saliency = REFERENCE[SALIENCY](X, y, model)
        y.zero_()
        return saliency

    assert examine(SALIENCY, compute_saliency_maps).mistakes == ["input-changed"]


def calls_without_end(part):
    def endless(X, y, model, *_):
        while True:
            part(model, X)

    return endless


@pytest.mark.parametrize(
    "part",
    [
        lambda model, X: model(X),
        lambda model, X: model.features(X),
        lambda model, X: model.classifier(torch.ones(1, 10, 4, 4)),
        lambda model, X: model.classifier(model.features(X)),
    ],
)
def test_calls_of_a_part_of_the_network_are_calls(part):
    report = examine(GRAD_CAM, calls_without_end(part))
    assert report.mistakes == ["too-many-network-calls"]
    assert f"after calling the network {guard.CALLS} times" in report.text()


def test_a_pass_through_both_parts_is_one_call():
    case = grad_cam.CASES.main[0]
    network = case.network()

    def compute(X, y, model):
        model(X)
        return model.classifier(model.features(X)) + model.classifier(torch.ones(1, 10, 4, 4))

    assert guard.run(compute, *case.arguments(network), network=network).calls == 3


def leaves_optional(exercise, change):
    def function(*arguments):
        result = REFERENCE[exercise](*arguments)
        change(*arguments)
        return result

    return function


@pytest.mark.parametrize("exercise", [SMOOTHGRAD, INTEGRATED, GRAD_CAM])
def test_what_the_optional_part_changes_about_the_network_is_told(exercise):
    for change, expected in (
        (lambda X, y, model, *_: model.train(), "mode-changed"),
        (lambda X, y, model, *_: next(model.parameters()).data.zero_(), "weights-changed"),
    ):
        assert examine(exercise, leaves_optional(exercise, change)).mistakes == [expected]


@pytest.mark.parametrize("exercise", OPTIONAL)
def test_each_tensor_that_the_optional_part_changes_is_a_changed_input(exercise):
    arguments = checks.EXERCISES[exercise].CASES.main[0].arguments(None)
    places = [place for place, argument in enumerate(arguments) if torch.is_tensor(argument)]
    assert len(places) >= 2
    for place in places:
        report = examine(exercise, leaves_optional(exercise, lambda *arguments, place=place: arguments[place].zero_()))
        assert report.mistakes == ["input-changed"]


def test_a_transformation_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def transform_images(images, angles, scales, shifts):
        while True:
            pass

    assert examine(TRANSFORMATION, transform_images).mistakes == ["never-returns"]


@pytest.mark.parametrize(("rows", "calls"), [(5, ["copy"]), (3, ["copy", "network"])], ids=["out of range", "in range"])
def test_on_cuda_an_index_out_of_range_is_found_on_the_cpu_first(monkeypatch, rows, calls):
    """There it would end the use of the GPU until the kernel is restarted."""
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    X, y, seen = torch.zeros(3, 3, 2, 2), torch.tensor([0, 1, 2]), []
    network = SmallNetwork(nn.Flatten(), nn.Linear(12, 6), num_classes=6, seed=0)

    def own_scores(X, y, model):
        seen.append("network" if model is network else "copy")
        return model(X)[torch.arange(rows), y]

    trial = guard.run(own_scores, X, y, network, network=network)
    assert seen == calls
    assert isinstance(trial.error, IndexError) == (rows > len(X))


LEFT_BEHIND = """
import time
from cs231n.checks.guard import TimeIsUp, limits, within
def sleeps():
    try:
        time.sleep(1)
    finally:
        print("ended", flush=True)
limits._end = lambda *_: None  # however busy the machine is, it is not ended before it is left behind
try:
    within(1, sleeps, (), waiting=0)
except TimeIsUp as error:
    print("left behind:", error.left_behind, flush=True)
"""


def test_python_ends_once_what_was_left_behind_has_ended():
    result = subprocess.run([sys.executable, "-c", LEFT_BEHIND], cwd=ROOT, capture_output=True, text=True)
    assert (result.stdout.split("\n"), result.returncode) == (["left behind: True", "ended", ""], 0), result.stderr


# As PyTorch does, it leaves something to be cleared after the thread has returned, and needs Python for that.
CLEARS_LATE = """
import ctypes, time
from cs231n.checks.guard import limits

@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def clear(_):
    time.sleep(0.5)
    print("cleared", flush=True)

system, key = ctypes.CDLL(None), ctypes.c_uint()
system.pthread_key_create(ctypes.byref(key), clear)
limits.within(60, lambda: system.pthread_setspecific(key, ctypes.c_void_p(1)), ())
print("returned", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whether a thread of the system is gone")
def test_python_ends_once_what_a_thread_clears_after_its_return_is_cleared():
    result = subprocess.run([sys.executable, "-c", CLEARS_LATE], cwd=ROOT, capture_output=True, text=True)
    assert (result.stdout.split(), result.returncode) == (["returned", "cleared"], 0), result.stderr
