"""Machine code of the LLVM target: compiled by the LLVM that comes with Numba, kept in the private folder.

Beside :mod:`symhigh.codegen.objects`, under its rules: the name of a file is the hash of all that the code depends on,
the source, the compiler and the processor, and its digest is checked before anything of it is run. Numba itself is not
loaded, which would find types anew and compile every function once for each that calls it.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from symhigh.codegen import (
    c,
    c_expressions,
    c_statements,
    c_types,
    helpers,
    llvm,
    llvm_arrays,
    llvm_expressions,
    llvm_statements,
)
from symhigh.codegen.announce import WATCH
from symhigh.codegen.c_types import NoTranslation, Record, Signature
from symhigh.codegen.cache import LOCK
from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.folder import cache_folder, digest_of, sealed, unsealed, write_whole
from symhigh.codegen.llvm import Module, returned
from symhigh.codegen.objects import Function

_loaded: dict[str, SimpleNamespace] = {}
_LEVEL = 2


def load_llvm(
    source: str, exports: Mapping[str, Signature], records: tuple[Record, ...] = (), fused: bool = False
) -> SimpleNamespace:
    """The functions ``exports`` of ``source``, compiled or found on disk.

    ``fused`` where a product in a sum may be rounded with it. Raises
    :class:`~symhigh.codegen.compiler.NoCompiler` where the text is more than loops over numbers and arrays.
    """
    parts = (source, dict(exports), records, fused, _LEVEL, _machine()[1], _translator())
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
    with LOCK:
        if key not in _loaded:
            results, engine = _engine(key, lambda: Module(source, exports, records, fused))
            enter = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
            functions = {}
            for name, kinds in exports.items():
                entry, address = (engine.get_function_address(f"{prefix}_{name}") for prefix in ("enter", "f"))
                functions[name] = Function(engine, enter(entry), results[name], name, kinds, records, address)
            _loaded[key] = SimpleNamespace(**functions)
        return _loaded[key]


def _engine(key: str, translated: Callable[[], Module]) -> tuple[dict[str, str], Any]:
    """What functions return, and what holds their machine code, which is compiled unless it is on disk."""
    import llvmlite.binding as binding

    folder = cache_folder()
    path = None if folder is None else folder / f"l_{key}.bin"
    content = None if path is None else unsealed(path)
    if content is None:
        WATCH.start()
        try:
            module = translated()
            results = {name: returned(module.returns[name]) for name in module.exports}
            content = json.dumps(results).encode() + b"\n" + _compiled(module.text())
        except NoTranslation as fault:
            raise NoCompiler(str(fault)) from None
        finally:
            WATCH.stop()
        if path is not None:
            write_whole(path, sealed(content))
    told, _, made = content.partition(b"\n")
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(made))
    engine.finalize_object()
    return json.loads(told), engine


@lru_cache(maxsize=1)
def _translator() -> str:
    """What the translation itself depends on."""
    own = llvm, llvm_arrays, llvm_expressions, llvm_statements
    return digest_of(c, c_expressions, c_statements, c_types, helpers, *own)


def _compiled(text: str) -> bytes:
    """The machine code of a text."""
    import llvmlite.binding as binding

    machine = _target_machine()
    try:
        module = binding.parse_assembly(text)
    except RuntimeError as fault:  # a version whose language is another
        raise NoCompiler(f"LLVM does not read generated code: {fault}") from None
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    tuning = binding.create_pipeline_tuning_options(_LEVEL)
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _target_machine() -> Any:
    target, (_, named) = _machine()
    return target.create_target_machine(**named, opt=_LEVEL, jit=True)


@lru_cache(maxsize=1)
def _machine() -> tuple[Any, tuple[tuple[int, ...], dict[str, str]]]:
    """LLVM's target of this processor; the version of LLVM, and how the target is told of the processor."""
    import llvmlite.binding as binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    reloc = "static" if target.name.startswith("x86") else "default"
    features = binding.get_host_cpu_features().flatten()
    named = {"cpu": binding.get_host_cpu_name(), "features": features, "reloc": reloc, "codemodel": "jitdefault"}
    return target, (binding.llvm_version_info, named)
