"""Four figures of diagonal networks, each checked on the data behind it: concentration, density, sharpness, sparsity.

Run: python examples/diagonal_network_figures.py [FOLDER] [--full], or symhigh figure networks.
"""

import sys
from pathlib import Path

from symhigh.report.figures import save
from symhigh.report.gallery import chosen

folder = next((Path(word) for word in sys.argv[1:] if not word.startswith("--")), Path("figures"))
for recipe in chosen(("networks",)):
    drawn = recipe.draw(quick="--full" not in sys.argv)
    print(*save(drawn.figure, drawn.data, folder / recipe.name))
