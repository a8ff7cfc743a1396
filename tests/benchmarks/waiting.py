"""How long a user waits beside the techniques: imports, data, network, pixels, self-checks, the first figure, the notebook.

    python tests/benchmarks/waiting.py [--runs 7] [--notebook-runs 3] [--out FILE.md] [--results FILE.json]

Processes and kernels run in a copy of the kit in a temporary folder, with links to its data: nothing is written into this one,
and modules are compiled once, as on a user's machine.
"""

# isort: off
from kit import ROOT  # first: the other imports need it

# isort: on
import argparse
import ast
import contextlib
import copy
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np
import torch
from benchmark_report import Report, add_options, machine
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image
from side_by_side import RUNS, Comparison, limit_of, limit_sides, result_rows, seconds_of
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1
from torchvision.transforms import CenterCrop, Compose, Resize

from cs231n import attribution, checks, feature_visualization, net_visualization_pytorch
from cs231n.data_utils import load_imagenet_val
from cs231n.datasets import sources, verified
from cs231n.image_utils import deprocess, preprocess
from cs231n.networks import SIZE, best_device
from cs231n.notebook_file import picture_of
from cs231n.squeezenet import load_squeezenet

OURS = "ours"
NOTEBOOK = "NetworkVisualization.ipynb"
LIBRARIES = "import torch, torchvision, numpy, matplotlib.pyplot"
KERNEL = "import ipykernel.kernelapp"
FIRST_FIGURE = "from the kernel's start to the notebook's first figure"
BEYOND, IN_KERNEL = "import: our modules once these libraries are there", "the same in a kernel, where IPython is there, too"
BEYOND_TORCH = "import: our modules once PyTorch and torchvision are there, so with Matplotlib"
ALONE = "import cs231n, nothing else"
REQUIRED_PART, WHOLE = "notebook without its optional part, kernel's start included", "whole notebook, kernel's start included"
GOALS = {ALONE: 0.1, BEYOND: 0.1, REQUIRED_PART: 60, WHOLE: 90}  # seconds: what was asked for
CELL_TIMEOUT = 600  # seconds
CHECKS = {
    checks.check_saliency_maps: net_visualization_pytorch.compute_saliency_maps,
    checks.check_fooling_image: net_visualization_pytorch.make_fooling_image,
    checks.check_class_visualization_step: net_visualization_pytorch.class_visualization_update_step,
    checks.check_smoothgrad: attribution.compute_smoothgrad_maps,
    checks.check_integrated_gradients: attribution.compute_integrated_gradients,
    checks.check_grad_cam: attribution.compute_grad_cam_maps,
    checks.check_transformation: feature_visualization.transform_images,
}


def main(arguments=None):
    """Measure, print the table and write it. Returns 0; 1 if something measured failed, 2 if something is lacking, both told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of everything but the next (default: {RUNS})")
    parser.add_argument(
        "--notebook-runs", type=int, default=3, metavar="N", help="of the whole notebook, about 2 minutes each (default: 3)"
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("waiting", options.out, options.results)
        for name in ("weights", "photographs", "judge"):  # a second run of get_datasets.sh would try to fetch what is not there
            verified(name)
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            limit, found = measured(copied_kit(Path(folder)), options)
    except (ValueError, OSError) as error:
        print(f"waiting.py: {error}", file=sys.stderr)
        return 2
    except (CellExecutionError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"waiting.py: The measurement was given up. {error}", file=sys.stderr)
        return 1
    report.write(table(found, limit, options), result_rows("waiting", found))
    return 0


def copied_kit(folder):
    """Put the package, the data script and links to the data into `folder`, without the optional ImageNet-val images."""
    shutil.copytree(ROOT / "cs231n", folder / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "get_datasets.sh", folder)
    (folder / "datasets").mkdir()
    for path in (ROOT / "datasets").iterdir():
        if path.name not in sources()["imagenet_val"].holds:
            (folder / "datasets" / path.name).symlink_to(path)
    return folder


def measured(kit, options):
    """Return the machine's Limit and a Comparison for each row. kit: the folder of copied_kit."""
    notebook = nbformat.read(ROOT / NOTEBOOK, as_version=4)
    limits, work = limit_sides(best_device())
    here = seconds_of(sides_of(pixels(kit) | checked() | fetched(kit)) | limits, options.runs)
    limit = limit_of(here, work)
    rows = {key: seconds for key, seconds in here.items() if key not in limits}
    rows |= seconds_told(sides_of(imports(notebook, kit) | first_figure(notebook, kit)), options.runs)
    rows |= seconds_told(sides_of(executed(notebook, kit)), options.notebook_runs, warm_up=False)
    return limit, comparisons(rows)


def sides_of(rows):
    """Return {(row, side): function} of rows {row: {side: function}}."""
    return {(row, side): function for row, sides in rows.items() for side, function in sides.items()}


def comparisons(seconds):
    """Return a Comparison for each row of {(row, side): seconds of each run}, if it ran."""
    rows = dict.fromkeys(row for (row, _), each in seconds.items() if each)
    return [Comparison(row, 1, {side: each for (of, side), each in seconds.items() if of == row}) for row in rows]


def seconds_told(sides, runs, warm_up=True):
    """Return {name: seconds of each run} as seconds_of does, but each function tells its seconds by itself."""
    found = {name: [] for name in sides}
    for _ in range(runs):
        for name, function in sides.items():
            if warm_up:
                function()
            found[name].append(function())
    return found


# Pixels and weights, in this process


def pixels(kit):
    """Return the rows {row: {side: function}} on pictures and weights."""
    data = kit / "datasets"
    paths, (weights,) = verified("photographs", data), verified("weights", data)
    photographs = [opened(path) for path in paths]
    X = quietly(load_imagenet_val, folder=data)[0]
    images = torch.from_numpy(X).permute(0, 3, 1, 2)
    inputs = preprocess(X[0])
    if not np.array_equal(X, plain_squares(paths)):
        raise RuntimeError("load_imagenet_val and the plain way load different pixels.")
    transforms = SqueezeNet1_1_Weights.IMAGENET1K_V1.transforms
    theirs = {described(transform): transform for transform in (transforms(), transforms(resize_size=SIZE))}
    return {
        f"preprocess {len(paths)} photographs as stored, one by one": {
            OURS: lambda: [preprocess(photograph) for photograph in photographs],
            **{name: lambda t=t: [t(photograph) for photograph in photographs] for name, t in theirs.items()},
        },
        f"preprocess a batch of {len(X)}, {SIZE} pixels a side": {
            OURS: lambda: torch.cat([preprocess(image) for image in X]),
            **{f"{name}, one tensor": lambda t=t: t(images) for name, t in theirs.items()},
        },
        f"deprocess an image, {SIZE} pixels a side": {OURS: lambda: deprocess(inputs)},
        f"load_imagenet_val: {len(paths)} photographs, verified": {
            OURS: lambda: quietly(load_imagenet_val, folder=data),
            "Pillow's open, torchvision's Resize and CenterCrop, not verified": lambda: plain_squares(paths),
        },
        "load_squeezenet: verified, in evaluation mode": {
            OURS: lambda: load_squeezenet(folder=data),
            "squeezenet1_1(), torch.load of the same file, not verified": lambda: plain_squeezenet(weights),
        },
    }


def described(transform):
    return f"torchvision's transforms(), shorter side {transform.resize_size[0]}, crop {transform.crop_size[0]}"


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def plain_squares(paths):
    """Return the photographs as a uint8 array (N, SIZE, SIZE, 3), as one would load them without the kit."""
    square = Compose([Resize(SIZE), CenterCrop(SIZE)])
    return np.stack([np.asarray(square(opened(path))) for path in paths])


def plain_squeezenet(path):
    model = squeezenet1_1()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.to(best_device()).eval()


def quietly(function, *arguments, **options):
    """Return what `function` returns; what it prints is left out."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments, **options)


def checked():
    """Return the rows of the self-checks, each of a right answer."""
    return {
        f"{check.__name__} of the reference": {OURS: lambda check=check, answer=answer: quietly(check, answer)}
        for check, answer in CHECKS.items()
    }


# Fresh processes


def fetched(kit):
    def run():
        subprocess.run([kit / "get_datasets.sh"], env=environment(), cwd=kit, capture_output=True, check=True)

    return {"./get_datasets.sh when all is there": {OURS: run}}


def environment():
    """Return this process's environment, with this Python for get_datasets.sh and with compiled modules kept."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHON": sys.executable}


def imports(notebook, kit):
    """Return the rows on imports. Each side is a fresh Python."""
    ours = imports_of_the_kit(notebook)

    def seconds_to_run(timed, before="pass"):
        code = f"{before}\nimport time\nstart = time.perf_counter()\n{timed}\nprint(time.perf_counter() - start)"
        run = subprocess.run([sys.executable, "-c", code], env=environment(), cwd=kit, capture_output=True, text=True, check=True)
        return float(run.stdout)

    return {
        "import: PyTorch, torchvision, NumPy, Matplotlib and all of ours that the notebook imports": {
            OURS: lambda: seconds_to_run(f"{LIBRARIES}\n{ours}"),
            "without ours": lambda: seconds_to_run(LIBRARIES),
        },
        BEYOND: {OURS: lambda: seconds_to_run(ours, before=LIBRARIES)},
        IN_KERNEL: {OURS: lambda: seconds_to_run(ours, before=f"{LIBRARIES}\n{KERNEL}")},
        BEYOND_TORCH: {OURS: lambda: seconds_to_run(ours, before="import torch, torchvision")},
        ALONE: {OURS: lambda: seconds_to_run("import cs231n")},
    }


def imports_of_the_kit(notebook):
    """Return the lines of the notebook's cells that import from cs231n."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in nodes if node.module.partition(".")[0] == "cs231n")


# Kernels


def first_figure(notebook, kit):
    """Return the row on the notebook's cells up to the first that shows a figure, beside a bare figure in a fresh kernel."""
    last = next(index for index, cell in enumerate(notebook.cells) if shows_figure(cell))
    bare = nbformat.v4.new_code_cell(f"{LIBRARIES}\nmatplotlib.pyplot.plot([0, 1])\nmatplotlib.pyplot.show()")
    return {
        FIRST_FIGURE: {
            OURS: lambda: seconds_to_figure(notebook.cells[: last + 1], kit),
            "a single cell that imports the same libraries and draws a line": lambda: seconds_to_figure([bare], kit),
        }
    }


def seconds_to_figure(cells, kit):
    seconds, done = execution(cells, kit)
    if not shows_figure(done[-1]):
        raise RuntimeError("The cell that should draw the first figure drew none.")
    return seconds


def shows_figure(cell):
    return any(picture_of(output) for output in cell.get("outputs", []))


def executed(notebook, kit):
    """Return the rows on the notebook from top to bottom, with its optional part and without."""
    starts = {cell.source.partition(".")[0]: index for index, cell in enumerate(notebook.cells) if cell.source.startswith("## ")}
    required = notebook.cells[: starts["## 7"]] + notebook.cells[starts["## 8"] :]
    return {
        row: {OURS: lambda cells=cells: execution(cells, kit)[0]}
        for row, cells in ((REQUIRED_PART, required), (WHOLE, notebook.cells))
    }


def execution(cells, kit):
    """Return the seconds from a kernel's start to the end of the last cell, and the executed cells.

    The kernel works in the folder `kit`. Its end is not timed. Raises CellExecutionError if a cell fails.
    """
    notebook = nbformat.v4.new_notebook(cells=copy.deepcopy(cells))
    nbformat.write(notebook, kit / NOTEBOOK)  # as its last cell, which submits it, expects it
    client = NotebookClient(notebook, timeout=CELL_TIMEOUT, resources={"metadata": {"path": str(kit)}})
    start = time.perf_counter()
    with client.setup_kernel(env=environment()):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return time.perf_counter() - start, notebook.cells


# The table


def table(found, limit, options):
    runs = f"Runs: {options.runs}" + (f", of whole notebooks {options.notebook_runs}" if options.notebook_runs else "")
    lines = [
        f"{machine('torch', 'torchvision', 'matplotlib', 'nbclient', 'ipykernel')}. Device: {best_device()}, "
        f"{torch.get_num_threads()} threads. {runs}. This machine at best: {limit}.",
        "",
        "| what | ours: median (least to most) | beside it: median; how many times ours | asked for |",
        "|---|---|---|---|",
    ]
    for row in found:
        peers = "<br>".join(f"{name}: {duration(peer)}; **{peer / row.ours:.2g}x**" for name, peer in row.peers.items())
        goal = f"under {duration(GOALS[row.what])}" if row.what in GOALS else ""
        lines.append(f"| {row.what} | {spread(row.seconds[OURS])} | {peers} | {goal} |")
    return "\n".join(lines)


def spread(seconds):
    return f"{duration(statistics.median(seconds))} ({duration(min(seconds))} to {duration(max(seconds))})"


def duration(seconds):
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{1000 * seconds:.3g} ms"


if __name__ == "__main__":
    sys.exit(main())
