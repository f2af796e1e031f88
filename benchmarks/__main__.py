"""Time symhigh beside what a researcher would write and beside the physical limit, and write the table.

The contestants take turns in one run; the table goes to benchmarks/RESULTS.md with machine and versions, the scaling
plots beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import algorithms, curves, evaluation, networks, scaling, simulation, small, spectra, start_up
from benchmarks.measure import Contest, machine, markdown

HEAD = """# Benchmarks

Written by `python -m benchmarks`{long}. Contestants took turns in one run; times are medians of the turns, in processor
time except where said, ratios medians of paired ratios (×r: r times ours). First calls, which compile or load, are not
counted.

Machine: {machine}.

{table}
"""

Job = Callable[[], list[Contest]]
JOBS: dict[str, list[Job]] = {
    "curves": [
        lambda: [curves.adagrad()], curves.targets, lambda: [curves.logistic()], lambda: [curves.power_law()],
        lambda: [evaluation.logistic_right_hand_side()], lambda: [curves.volterra()], curves.derivations,
    ],
    "small": [small.curves, small.scans, lambda: [small.diagram()]],
    "spectra": [spectra.rules, lambda: [spectra.compression()]],
    "simulation": [
        *(lambda d=d: [simulation.direct(d)] for d in (256, 1024, 4096, 16384)),
        *(lambda d=d: [simulation.network(d)] for d in (1024, 4096, 16384)), lambda: [simulation.two_threads()],
        *(lambda d=d: [simulation.chain(d)] for d in (2**12, 10**6, 10**9)), lambda: [simulation.figure_one()],
    ],
    "algorithms": [algorithms.direct, algorithms.chains, algorithms.curves],
    "networks": [networks.particles, networks.long_horizon],
    "start-up": [start_up.rows, start_up.verifying],
    "long": [lambda: [curves.stiff_modes()], lambda: [scaling.million()]],
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--long", action="store_true", help="also what takes minutes: SciPy's BDF, a million eigenvalues"
    )
    parser.add_argument("--only", choices=JOBS, help="print one group of lines, and write nothing")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "RESULTS.md",
        help="the table (default: %(default)s)",
    )
    options = parser.parse_args()
    groups = [options.only] if options.only else [g for g in JOBS if g != "long" or options.long]
    rows = []
    for job in (job for group in groups for job in JOBS[group]):
        done = job()
        print(markdown(done), flush=True)
        rows += done
    if options.only:
        return
    figures = scaling.write(options.out.parent)
    text = HEAD.format(long=" --long" if options.long else "", machine=machine(), table=markdown(rows))
    options.out.write_text(text + "\n" + figures)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
