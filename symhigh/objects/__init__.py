"""What a user holds: systems, curves, runs and comparisons with their methods, and the functions that return them.

Stands after all rooms that compute and before the command line. A façade without logic: a class is the data of an inner
room, seen by :func:`~symhigh.objects.view.seen_as`, and a method is one call of a free function, all arguments named.
One kind of object a file, so that a first curve does not wait for the import of rooms that it has no need of.
"""
