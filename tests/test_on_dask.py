"""A Dask cluster is looked at before anything is drawn: what is missing there is a sentence. (The clusters are stand-ins here;
test_grading.py grades with a real one.)"""

import re

import pytest

from cs231n.instructor.grading.on_dask import checked_cluster
from cs231n.instructor.grading.submissions import submissions

distributed = pytest.importorskip("distributed")
ADDRESS, WORKER = "tcp://10.0.0.1:8786", "tcp://10.0.0.7:41001"


class Cluster:
    """A client of a cluster with a scheduler and a worker. changes: {"scheduler" or "worker": {name: what it says instead}}."""

    def __init__(self, **changes):
        self.changes = changes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def scheduler_info(self):
        return {"workers": {WORKER: {}}}

    def run(self, function, *arguments):
        return {WORKER: self._said(function(*arguments), "worker")}

    def run_on_scheduler(self, function, *arguments):
        return self._said(function(*arguments), "scheduler")

    def _said(self, told, who):
        return told | self.changes.get(who, {}) if isinstance(told, dict) else told


@pytest.fixture
def found(tmp_path):
    for name in ("ada", "ben"):
        (tmp_path / f"{name}.py").write_text(f"# {name}\n", encoding="utf-8")
    return submissions(tmp_path)


def opened(monkeypatch, cluster, found):
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: cluster)
    with checked_cluster(ADDRESS, found) as client:
        return client


def test_a_cluster_like_this_machine_is_used(monkeypatch, found):
    cluster = Cluster()
    assert opened(monkeypatch, cluster, found) is cluster


@pytest.mark.parametrize(
    ("who", "change", "said"),
    [
        ("scheduler", {"kit": "another"}, f"The scheduler of Dask at {ADDRESS} has another version of the kit"),
        ("worker", {"kit": "another"}, f"A worker of Dask at {WORKER} has another version of the kit"),
        ("scheduler", {"Python": "3.9"}, f"The scheduler of Dask at {ADDRESS} has Python 3.9, this machine 3."),
        ("worker", {"Python": "3.9"}, f"A worker of Dask at {WORKER} has Python 3.9, this machine 3."),
        ("worker", {"PyTorch": "1.0.0"}, f"A worker of Dask at {WORKER} has PyTorch 1.0.0, this machine "),
        ("worker", {"data": "The file is missing."}, f"{WORKER} cannot load SqueezeNet's weights: The file is missing."),
        ("worker", {"unseen": ["/a", "/b", "/c", "/d"]}, f"{WORKER} cannot read /a, /b, /c and 1 more. Put SUBMISSIONS into"),
    ],
)
def test_what_a_cluster_lacks_is_said(monkeypatch, found, who, change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        opened(monkeypatch, Cluster(**{who: change}), found)


def test_a_scheduler_needs_neither_data_nor_submissions(monkeypatch, found):
    cluster = Cluster(scheduler={"data": "The file is missing.", "unseen": ["/a"]})
    assert opened(monkeypatch, cluster, found) is cluster


def test_a_submission_that_a_worker_does_not_see_is_named_by_its_whole_path(monkeypatch, found, tmp_path):
    (tmp_path / "ada.py").unlink()  # as on a worker without this folder
    with pytest.raises(ValueError, match=f"cannot read {tmp_path}/ada.py. Put SUBMISSIONS into"):
        opened(monkeypatch, Cluster(), found)
