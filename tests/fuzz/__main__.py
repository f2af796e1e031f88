"""The long runs: ``python -m tests.fuzz api --count 100000``.

What is found is said every few seconds, and at the end, also of a run that a signal ends; what is kept names as many
inputs as were answered. The exit status is 1 where there is a fault, else 0, or 128 and the signal's number.
"""

import argparse
import sys
import time

from tests.fuzz.run import fuzz_api, fuzz_commands
from tests.fuzz.texts import fuzz_texts
from tests.fuzz.watch import to_screen
from tests.guarantees import record

parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
parser.add_argument("what", choices=["api", "commands", "texts"])
parser.add_argument("--count", type=int, default=100_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--stride", type=int, default=1, help="take every so-many-th of the single values")
parser.add_argument("--quick", action="store_true", help="leave out callables that solve or simulate")
parser.add_argument("--record", action="store_true", help="keep the counts for the page of guarantees")
options = parser.parse_args()
begin = time.perf_counter()
if options.what == "api":
    report = fuzz_api(options.count, options.seed, not options.quick, options.stride, to_screen)
else:
    fuzz = fuzz_texts if options.what == "texts" else fuzz_commands
    report = fuzz(options.count, options.seed, say=to_screen)
if options.record:
    name = "fuzz" if options.what == "api" else f"fuzz-{options.what}"
    answered = sum(report.counts.values())
    figures = {"inputs": answered, **report.counts, "faults": len(report.faults)}
    words = f"python -m tests.fuzz {options.what} --count {answered} --seed {options.seed} --record"
    record(name, words, figures)
for fault in report.faults:
    print(fault)
print(f"{report} in {time.perf_counter() - begin:.0f} s, seed {options.seed}")
sys.exit(1 if report.faults else 128 + report.stopped if report.stopped else 0)
