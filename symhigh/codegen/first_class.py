"""Functions of a limit that Numba can pass to a stepper: by address, so that one compiled stepper serves all limits.

Serves :mod:`symhigh.codegen.kernels` where the target is Numba; C passes addresses as they are.
"""

from __future__ import annotations

from typing import Any

Signature = tuple[str, ...]


def first_class(dispatcher: Any, kinds: Signature, returned: str) -> Any:
    """A compiled function with arguments of these types, in the words of :mod:`symhigh.codegen.c`, as a value."""
    from numba import types
    from numba.experimental import function_type  # noqa: F401 - tells Numba of the type below

    array = {f"a{rank}": types.Array(types.float64, rank, "C") for rank in (1, 2)}
    known = {"d": types.float64, "i": types.boolean, "v": types.none, **array}
    signature = known[returned](*(known[k] for k in kinds))

    class FirstClass(types.WrapperAddressProtocol):  # type: ignore[misc]
        """Calls the function, or tells Numba where it is."""

        def __init__(self) -> None:
            self._address = 0

        def __call__(self, *given: Any) -> Any:
            return dispatcher(*given)

        def __wrapper_address__(self) -> int:
            if not self._address:
                dispatcher.compile(signature.args)
                made = dispatcher.get_compile_result(signature)
                name = made.fndesc.llvm_cfunc_wrapper_name
                self._address = made.library.get_pointer_to_function(name)
            return self._address

        def signature(self) -> Any:
            return signature

    return FirstClass()
