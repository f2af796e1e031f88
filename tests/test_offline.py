"""Nothing is fetched over the network at run time, and the licence of every dependency is listed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
CLAIMS = '''
import sympy as sp
from symhigh.ledger import Claim, equal, symbolic
a = sp.Symbol("a", positive=True)
square = Claim("square", evidence=symbolic(lambda: equal((a + 1)**2, a**2 + 2*a + 1)))
'''
GUARDED = """
import os, sys
def refuse(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print("network:", event, given, file=sys.stderr, flush=True)
        os._exit(3)
sys.addaudithook(refuse)
"""
WORK = """
import numpy as np
import symhigh as sh
from symhigh.cli import main
problem, rule, spectrum, start = sh.least_squares(0.5), sh.AdaGradNorm(1, 1), sh.Spectrum.isotropic(), sh.Start()
system = sh.derive(problem, rule)
curve = system.solve(spectrum, start, 2.0)
runs = sh.simulate(problem, rule, spectrum, start, 64, 2.0, 8)
sh.compare(curve, runs)
sh.limits(problem, rule, spectrum, start)
curve.save(sys.argv[1] + "/curve.npz")
curve.plot().figure.savefig(sys.argv[1] + "/curve.png")
main(["verify", sys.argv[1], "-j", "1", "--html", sys.argv[1] + "/ledger.html"])
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "claims.py").write_text(CLAIMS)
    words = [sys.executable, "-c", GUARDED + code, str(folder)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_the_whole_path_works_without_a_network(tmp_path: Path) -> None:
    done = run(WORK, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "network:" not in done.stderr
    assert all((tmp_path / name).stat().st_size for name in ("curve.npz", "curve.png", "ledger.html"))


def test_a_connection_would_have_been_noticed(tmp_path: Path) -> None:
    done = run("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", tmp_path)
    assert done.returncode == 3
    assert "network:" in done.stderr


NAMES = {"distributed": "Dask's distributed"}
WORDS = {"BSD": "BSD", "MIT": "MIT", "Apache": "Apache", "MPL": "MPL", "Mozilla": "MPL", "Python Software": "Python"}


def listed() -> dict[str, str]:
    """The licence of each package, by its name in lower case, as the manual lists it."""
    text = (TOP / "docs" / "install.md").read_text("utf-8").partition("## Licences")[2]
    found: dict[str, str] = {}
    for names, licence in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE):
        found |= {re.sub(r" \(.*?\)", "", name).strip().lower(): licence for name in names.split(",")}
    return found


def needed() -> list[str]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = [line for name in extras if name not in ("docs", "dev") for line in extras[name]]
    kept = [*project["dependencies"], *used]
    return sorted({re.match(r"[\w-]+", line)[0] for line in kept} - {"symhigh"})  # type: ignore[index]


@pytest.mark.parametrize("name", needed())
def test_the_licence_of_a_dependency_is_listed_as_it_states_it(name: str) -> None:
    licence = listed()[NAMES.get(name, name).lower()]
    try:
        own = metadata(name)
    except PackageNotFoundError:
        return  # an extra that is not installed: listed, and taken as it stands
    stated = " ".join([own.get("License-Expression") or "", *(own.get_all("Classifier") or [])])
    known = {word for key, word in WORDS.items() if re.search(rf"\b{key}", stated.replace("Programming Language", ""))}
    assert not known or any(word in licence for word in known), (licence, stated)
