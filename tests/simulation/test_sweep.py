"""Sweeps: same bits after a kill, on threads, processes and Dask; refusals with a remedy."""

import errno
import linecache
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

import symhigh as sh
from symhigh.simulation.identity import source_hash
from tests.simulation.sweep_case import OVER, SEEDS, curve, fails, runs, walk

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The sweep of 200 cells, uninterrupted, on threads."""
    with ThreadPoolExecutor(8) as pool:
        return sh.sweep(walk, OVER, SEEDS, executor=pool, out=tmp_path_factory.mktemp("whole"))


def test_table_holds_every_cell_in_the_order_of_the_grid(whole):
    table = whole.table()
    assert table.column_names == ["eta", "d", "seed", "step", "value", "norm"]
    assert table.num_rows == 200 * 10
    expected = np.concatenate(
        [walk(eta, d, seed)["value"] for eta in OVER["eta"][:1] for d in OVER["d"][:1] for seed in range(3)]
    )
    np.testing.assert_array_equal(whole.column("value")[:30], expected)


def test_killed_at_half_and_restarted_ends_with_the_same_bits(whole, tmp_path):
    command = [sys.executable, "-m", "tests.simulation.sweep_case", str(tmp_path)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        while len(list(tmp_path.glob("*.parquet"))) < 100 and process.poll() is None:
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    left = len(list(tmp_path.glob("*.parquet")))
    assert 100 <= left < 200
    done = []
    resumed = sh.sweep(walk, OVER, SEEDS, out=tmp_path, progress=done.append)
    assert done[0] > left / 200 - 1e-9
    assert done[-1] == 1
    assert resumed.table().equals(whole.table())
    files = [sorted(p.read_bytes() for p in s.folder.glob("*.parquet")) for s in (whole, resumed)]
    assert files[0] == files[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_with_the_sweep(tmp_path, number):
    command = [sys.executable, "-m", "tests.simulation.sweep_case", str(tmp_path), "sleeps"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not (tmp_path / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=120)  # every process that held standard error has ended
    assert process.returncode == -number


def test_dask_cluster_of_two_workers_stopped_at_half_and_restarted_gives_the_same_bits(whole, tmp_path):
    distributed = pytest.importorskip("distributed")

    def stop(fraction):
        if fraction >= 0.5:
            raise KeyboardInterrupt

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pool = client.get_executor()
        with pytest.raises(KeyboardInterrupt):
            sh.sweep(walk, OVER, SEEDS, executor=pool, out=tmp_path, progress=stop)
        assert 100 <= len(list(tmp_path.glob("*.parquet"))) < 200
        found = sh.sweep(walk, OVER, SEEDS, executor=pool, out=tmp_path)
    assert found.table().equals(whole.table())
    files = [sorted(p.read_bytes() for p in s.folder.glob("*.parquet")) for s in (whole, found)]
    assert files[0] == files[1]


def test_curves_become_columns(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        found = sh.sweep(curve, {"eta": [1.0]}, executor=pool, out=tmp_path)
    np.testing.assert_allclose(found.column("risk"), curve(1.0, 0).risk, rtol=1e-12)
    np.testing.assert_array_equal(found.column("t"), [1.0, 2.0])


def test_the_run_of_a_cell_becomes_columns_and_several_are_refused(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        found = sh.sweep(runs, {"eta": [0.3], "count": [1]}, 2, executor=pool, out=tmp_path / "one")
        with pytest.raises(RuntimeError, match=r"the experiment returned runs of 2 seeds; run one, seeds=\[seed\]"):
            sh.sweep(runs, {"eta": [0.3], "count": [2]}, 2, executor=pool, out=tmp_path / "two")
    both = [runs(0.3, 1, seed).outputs["risk"][0] for seed in range(2)]
    np.testing.assert_array_equal(found.column("risk"), np.concatenate(both))
    np.testing.assert_array_equal(found.column("t"), [0.5, 1.0] * 2)


def test_a_failing_cell_is_named_and_the_others_kept(tmp_path):
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(RuntimeError, match=r"'d': 2.*no such dimension.*resumes"),
    ):
        sh.sweep(fails, {"d": [1, 2, 3]}, executor=pool, out=tmp_path)
    assert (tmp_path / "cell-0000000.parquet").exists()


def test_another_sweep_in_the_folder_is_refused(whole):
    with pytest.raises(ValueError, match="another sweep"):
        sh.sweep(walk, {**OVER, "eta": [7.0]}, SEEDS, out=whole.folder)


def test_an_empty_grid_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one value"):
        sh.sweep(walk, {"eta": [], "d": [1]}, out=tmp_path)


EXPERIMENT = """SCALE = {scale}


def helper(x):
    return x {operator} SCALE


def experiment(eta, seed):
    return {{"value": helper(eta), "again": [helper(eta)] * 2}}


def unrelated():
    return {unrelated}
"""


def experiment(tmp_path, scale=2, operator="*", unrelated=1):
    import importlib.util

    file = tmp_path / "experiment_of_a_sweep.py"
    file.write_text(EXPERIMENT.format(scale=scale, operator=operator, unrelated=unrelated))
    linecache.checkcache()
    spec = importlib.util.spec_from_file_location("experiment_of_a_sweep", file)
    module = importlib.util.module_from_spec(spec)
    exec(compile(file.read_text(), file, "exec"), module.__dict__)  # bytecode of an edit within a second is stale
    return module.experiment


class Scaled:
    """An experiment that is an object, with a method that is one, too."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, eta, seed):
        return {"value": self.scale * eta}

    def other(self, eta, seed):
        return {"value": eta / self.scale}


def countdown(n):
    """Uses itself."""
    return countdown(n - 1) if n else 0


def test_what_is_bound_and_called_belongs_to_an_experiment():
    """Arguments bound by ``partial`` tell experiments apart; so do classes and methods, not the objects of a class."""
    assert source_hash(partial(walk, eta=1.0)) == source_hash(partial(walk, eta=1.0))
    hashes = [source_hash(f) for f in (walk, partial(walk, eta=1.0), partial(walk, eta=2.0), partial(walk, 1.0))]
    assert len(set(hashes)) == 4
    assert source_hash(Scaled(2)) == source_hash(Scaled(3)) != source_hash(Scaled(2).other)
    assert source_hash(Scaled(2).other) == source_hash(Scaled(3).other) == source_hash(Scaled.other)
    assert source_hash(countdown) != source_hash(walk)
    assert source_hash(len) == source_hash(len) != source_hash(walk)


def run(function, out):
    with ThreadPoolExecutor(1) as pool:
        return sh.sweep(function, {"eta": [1.0, 3.0]}, executor=pool, out=out)


@pytest.mark.parametrize("edit", [{"scale": 3}, {"operator": "+"}])
def test_an_edited_experiment_does_not_mix_with_its_older_self(tmp_path, edit):
    out = tmp_path / "out"
    assert list(run(experiment(tmp_path), out).column("value")) == [2, 2, 6, 6]
    run(experiment(tmp_path, unrelated=2), out)  # not part of it
    with pytest.raises(ValueError, match=r"source has changed since.*must not mix"):
        run(experiment(tmp_path, **edit), out)


def test_another_version_of_symhigh_does_not_mix(tmp_path, monkeypatch):
    function = experiment(tmp_path)
    run(function, tmp_path / "out")
    monkeypatch.setattr(sys.modules["symhigh.simulation.manifest"], "library_hash", lambda: "other")
    with pytest.raises(ValueError, match="symhigh's source has changed"):
        run(function, tmp_path / "out")


@pytest.mark.parametrize("name", ["eta", "seed"])
def test_results_named_like_the_grid_are_refused(tmp_path, name):
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match=f"{name}.*overwrite"):
        sh.sweep(lambda eta, seed: {name: 1.0}, {"eta": [1.0]}, executor=pool, out=tmp_path)


def test_a_truncated_cell_is_done_again(tmp_path):
    function, out = experiment(tmp_path), tmp_path / "out"
    found = run(function, out).table()
    for cut in (0, 10, 200):
        cell = out / "cell-0000001.parquet"
        cell.write_bytes(cell.read_bytes()[:cut])
        assert run(function, out).table().equals(found)
    assert not list(out.glob("*.tmp"))


def test_cells_without_their_manifest_are_refused(tmp_path):
    function, out = experiment(tmp_path), tmp_path / "out"
    run(function, out)
    (out / "sweep.json").unlink()
    with pytest.raises(ValueError, match=r"no sweep\.json"):
        run(function, out)


def dies(d, seed):
    """An experiment whose second seed takes its process along."""
    if seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"value": d * seed}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
@pytest.mark.parametrize("own", [False, True], ids=["its own pool", "a pool given"])
def test_a_worker_that_is_killed_is_told_of_its_cell(tmp_path, own):
    """Its pool is broken from then on; nothing is half written, and cells that were finished stay."""
    given = None if not own else ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with pytest.raises(RuntimeError, match=r"sweep: the cell .* with seed \d failed: BrokenProcessPool.*resumes"):
        sh.sweep(dies, {"d": [2]}, [0, 1], given, tmp_path)
    if given is not None:
        given.shutdown()
    assert {p.suffix for p in tmp_path.iterdir()} <= {".json", ".parquet"}


class Here(Executor):
    """Runs at once, in this process."""

    def submit(self, function, *arguments, **options):
        done = Future()
        done.set_result(function(*arguments, **options))
        return done


def test_a_disk_that_is_full_ends_the_sweep_and_it_resumes(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    def full(table, where):
        where.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def doubled(d, seed):
        return {"value": 2 * d}

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", full)
        with pytest.raises(ValueError, match=r"sweep\(out=.*cannot be written: No space left on device; .* resumes"):
            sh.sweep(doubled, {"d": [2]}, [0], Here(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.json"]
    assert sh.sweep(doubled, {"d": [2]}, [0], Here(), tmp_path).table().column("value").to_pylist() == [4]
    for text in ("{", "[]", "\xff", ""):
        (tmp_path / "sweep.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(ValueError, match=r"sweep\(out=.*sweep.json is damaged"):
            sh.sweep(doubled, {"d": [2]}, [0], Here(), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"sweep\(out=.*cannot be made: "):
        sh.sweep(doubled, {"d": [2]}, [0], Here(), tmp_path / "file" / "folder")
