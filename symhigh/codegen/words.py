"""Words of 64 bits as numbers and back, and a product and a sum rounded once, for functions that Numba compiles.

Part of the normal generator (:mod:`symhigh.codegen.normal`); C has them in its prelude, NumPy's reference in arrays.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-untyped-call"
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic


@intrinsic
def fused(typing_context, a, b, c):
    """``a b + c`` rounded once where the processor can; else rounded twice."""

    def made(context, builder, signature, given):
        number = ir.DoubleType()
        known = builder.module.declare_intrinsic("llvm.fmuladd", [number], ir.FunctionType(number, [number] * 3))
        return builder.call(known, given)

    return types.float64(types.float64, types.float64, types.float64), made


@intrinsic
def number_of(typing_context, word):
    """The double whose bits are those of ``word``."""

    def made(context, builder, signature, given):
        (bits,) = given
        return builder.bitcast(bits, context.get_value_type(types.float64))

    return types.float64(types.uint64), made


@intrinsic
def word_of(typing_context, number):
    """The bits of a double."""

    def made(context, builder, signature, given):
        (value,) = given
        return builder.bitcast(value, context.get_value_type(types.uint64))

    return types.uint64(types.float64), made


@intrinsic
def numbers_in(typing_context, words):
    """The same memory as an array of doubles; ``words.view`` takes Numba a fifth of a second to compile."""
    seen = words.copy(dtype=types.float64)

    def made(context, builder, signature, given):
        before = context.make_array(words)(context, builder, given[0])
        after = context.make_array(seen)(context, builder)
        context.populate_array(
            after,
            data=builder.bitcast(before.data, context.get_data_type(types.float64).as_pointer()),
            shape=before.shape,
            strides=before.strides,
            itemsize=before.itemsize,
            meminfo=before.meminfo,
            parent=before.parent,
        )
        return impl_ret_borrowed(context, builder, seen, after._getvalue())

    return seen(words), made
