"""numba, where it is installed, and where it keeps what it compiled.

Numba's cache beside the sources does not see that an imported module changed, cannot be written in
an installed copy, and keeps what is stale. So each state of the sources has a folder of its own in
the user's cache, and the folders of other states are removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, TypeVar, cast

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

_SOURCES: Final = (
    "compiled.py",
    "hashing.py",
    "physics.py",
    "layout.py",
    "tokens.py",
    "clocks.py",
    "login.py",
    "kernel.py",
)
"""What is compiled, and what is compiled into it."""
_PLAIN: Final = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""How all is compiled: without references counted, so without arrays that are made there.

Each row of an array that is looked up would otherwise be counted up and down by a locked
instruction, which for a single token takes ten times as long as what is computed.
"""
_KEPT: Final = 3
"""Folders that are kept: the versions of a few environments side by side."""


class ExtraMissing(RuntimeError):
    """A package of the extra `fleet` is not installed."""

    def __str__(self) -> str:
        return f"a fleet needs {self.args[0]}, which is not installed: pip install 'mfalab[fleet]'"


def require_extra() -> None:
    """Look for what the extra `fleet` brings.

    Raises:
        ExtraMissing: one of its packages is not there.
    """
    from importlib.util import find_spec

    for package in ("numpy", "numba", "pyarrow"):
        if find_spec(package) is None:
            raise ExtraMissing(package)


def jit(function: Compiled) -> Compiled:
    """A function, compiled when it is first called, that lets other threads run."""
    return cast("Compiled", _numba().njit(cache=True, **_PLAIN)(function))


def inlined(function: Compiled) -> Compiled:
    """A function that is compiled into its callers.

    A call would copy every pointer and size of every array of its arguments: for a whole block that
    takes as long as what is computed for one token.
    """
    options: dict[str, Any] = {"forceinline": True, **_PLAIN}
    return cast("Compiled", _numba().njit(**options)(function))


def lanes(function: Compiled) -> Compiled:
    """A function over lanes whose array arguments do not overlap.

    Without that promise a loop that reads tables and writes rows is not vectorised: the compiler
    cannot tell that a row is no table.
    """
    numba = _numba()
    from numba.core.compiler import CompilerBase, DefaultPassBuilder

    class Apart(CompilerBase):
        def define_pipelines(self) -> Any:
            self.state.flags.noalias = True
            builder: Any = DefaultPassBuilder
            return [builder.define_nopython_pipeline(self.state)]

    options: dict[str, Any] = {"cache": True, **_PLAIN}
    return cast("Compiled", numba.njit(pipeline_class=Apart, **options)(function))


def like(one: Any, value: Any) -> Any:
    """A number in the precision of `one`; compiled, a conversion.

    Compiled code would otherwise widen: single precision with a whole number is double there.
    """
    return type(one)(value)


def is_single(one: Any) -> bool:
    """Whether a number is in single precision; compiled, a constant."""
    return type(one).__name__ == "float32"


def _register() -> None:
    """Tell numba what `like` and `is_single` are."""
    from numba import types
    from numba.extending import overload

    @overload(like, inline="always", strict=False)
    def _like(one: Any, value: Any) -> Any:
        if one == types.float32:
            return lambda one, value: types.float32(value)
        if one == types.float64:
            return lambda one, value: types.float64(value)
        if one == types.int32:
            return lambda one, value: types.int32(value)
        return lambda one, value: types.int64(value)

    @overload(is_single, inline="always", strict=False)
    def _is_single(one: Any) -> Any:
        if one == types.float32:
            return lambda one: True
        return lambda one: False


@cache
def _numba() -> Any:
    """numba, set up once: it reads how to compile and where to cache when it is imported."""
    require_extra()
    _widen()
    if "NUMBA_CACHE_DIR" not in os.environ and (folder := _cache_folder()):
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
    import numba

    _register()
    return numba


def _cache_folder() -> Path | None:
    """The folder for this state of the sources; None where none can be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mfalab" / "numba"
    folder = base / _state()
    try:
        # What is in there is loaded as a program: only its owner may write it.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and folder.stat().st_uid != os.getuid():
            return None
        folder.chmod(0o700)
        os.utime(folder)
        others = [each for each in base.iterdir() if each != folder]
        others.sort(key=lambda each: each.stat().st_mtime_ns, reverse=True)
    except OSError:
        return None
    for each in others[_KEPT - 1 :]:
        rmtree(each, ignore_errors=True)
    return folder


def _widen() -> None:
    """Let vectors be as wide as the processor has them, where numba is not told otherwise.

    LLVM prefers half of the width on processors that are known to slow down by the whole; the
    lanes here are faster by a third with it (measured on Emerald Rapids).
    """
    if "NUMBA_CPU_NAME" in os.environ or "NUMBA_CPU_FEATURES" in os.environ:
        return
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

    features = get_host_cpu_features()
    if features.get("avx512f"):
        os.environ["NUMBA_CPU_NAME"] = get_host_cpu_name()
        os.environ["NUMBA_CPU_FEATURES"] = f"{features.flatten()},-prefer-256-bit"


def _state() -> str:
    """A name for these sources under this numba."""
    here = Path(__file__).parent
    digest = sha256(version("numba").encode())
    for name in _SOURCES:
        digest.update((here / name).read_bytes())
    return digest.hexdigest()[:16]
