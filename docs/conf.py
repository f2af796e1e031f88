"""Sphinx configuration of the manual: MyST pages whose code runs when it is built (``_ext/computed.py``).

Build: ``python -m sphinx -W -b html docs FOLDER``, with the extra ``symhigh[docs]``.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import symhigh  # noqa: E402

project = "symhigh"
author = "The symhigh developers"
copyright = "the symhigh developers"
version = release = symhigh.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "computed", "typeset"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_ext", "_build"]
html_theme = "furo"
html_title = f"symhigh {release}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
python_use_unqualified_type_names = True
