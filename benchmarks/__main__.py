"""``python -m benchmarks [--long] [--out FILE]``: print the table and write it, with machine and versions."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import curves, networks, scaling, simulation, start_up
from benchmarks.measure import machine, markdown

HEAD = """# Benchmarks

Written by `python -m benchmarks`{long}. Contestants took turns in one run; times are medians of the turns, in processor
time except where said, ratios medians of paired ratios (×r: r times ours). First calls, which compile or load, are not
counted.

Machine: {machine}.

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--long", action="store_true", help="also what takes minutes: BDF, a million eigenvalues"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "RESULTS.md", help="where to write the table"
    )
    options = parser.parse_args()
    jobs = [
        lambda: [curves.adagrad()], lambda: [curves.logistic()], lambda: [curves.power_law()], curves.derivations,
        *(lambda d=d: [simulation.direct(d)] for d in (256, 1024, 4096, 16384)), lambda: [simulation.two_threads()],
        *(lambda d=d: [simulation.chain(d)] for d in (2**12, 10**6, 10**9)), lambda: [simulation.figure_one()],
        networks.particles, networks.long_horizon, start_up.rows,
    ]  # fmt: skip
    if options.long:
        jobs += [lambda: [curves.stiff_modes()], lambda: [scaling.million()]]
    rows = []
    for job in jobs:
        done = job()
        print(markdown(done), flush=True)
        rows += done
    figures = scaling.write(options.out.parent)
    text = HEAD.format(long=" --long" if options.long else "", machine=machine(), table=markdown(rows))
    options.out.write_text(text + "\n" + figures)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
