"""The long runs: ``python -m tests.fuzz api --count 100000``; exit status 1 where there is a fault."""

import argparse
import sys
import time

from tests.fuzz.run import fuzz_api, fuzz_commands

parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
parser.add_argument("what", choices=["api", "commands"])
parser.add_argument("--count", type=int, default=100_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--stride", type=int, default=1, help="take every so-many-th of the single values")
parser.add_argument("--quick", action="store_true", help="leave out callables that solve or simulate")
options = parser.parse_args()
begin = time.perf_counter()
if options.what == "api":
    report = fuzz_api(options.count, options.seed, not options.quick, options.stride)
else:
    report = fuzz_commands(options.count, options.seed)
for fault in report.faults:
    print(fault)
print(f"{report} in {time.perf_counter() - begin:.0f} s, seed {options.seed}")
sys.exit(bool(report.faults))
