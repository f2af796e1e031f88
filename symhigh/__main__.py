"""``python -m symhigh …``: the same as the command ``symhigh …``.

The end of the pipeline, for interpreters whose folder of scripts is not on the path.
"""

from symhigh.cli import main

if __name__ == "__main__":
    main(prog_name="symhigh")
