"""Starting overlaps of several directions.

Second room of the pipeline, beside starts of one direction.
"""
class Overlaps: pass
