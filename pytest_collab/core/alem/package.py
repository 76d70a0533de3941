"""`alem-env` from PyPI: whether it is here, and how to import it without paying for pictures.

Imported plainly, the package builds 347 MB of textures out of 162 image files into its own folder (over 100 s the
first time, 9 s each time after), and imports seaborn for one palette and matplotlib for nothing that is called.
A world told in text needs none of that. `load` therefore imports it with stand-ins: the textures of a block size are
made when a picture is asked for, and the two plotting packages come then, too. Not a line of the rules is touched.

What a seed deals depends on how JAX splits keys: the package pins jax 0.4.38, and since jax 0.5 the default is
another ("partitionable") scheme under which every seed is another world. All of its code has to run inside
`old_splits()`, which brings back the scheme that the package was published with, for this code only.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pytest_collab.errors import UsageError

__all__ = ["LAST_PYTHON", "load", "loaded", "old_splits", "require", "versions"]

LAST_PYTHON: Final = (3, 12)
"""The newest Python that alem-env declares to support."""

NEEDS: Final = ("jax", "flax", "chex", "PIL", "imageio", "scipy")
"""What its modules import when they are imported (seaborn and matplotlib only for pictures)."""

_CONSTANTS: Final = "alem.alem_coop.constants"
_TEXTURES: Final = "TEXTURES"
_lock = threading.RLock()

HOW: Final = (
    "`pip install 'pytest-collab[alem]'` brings it with jax 0.4.38, which it pins; to keep a current JAX: "
    "`pip install 'pytest-collab[alem-needs]'`, then `pip install --no-deps alem-env`. "
    "See docs/families/alem-environment.md."
)


def require() -> None:
    """Say so, if alem cannot be played here. Imports nothing.

    Raises:
        UsageError: alem-env or a package that it imports is not installed; names it and what to do.
    """
    if not _has_text_worlds():
        if sys.version_info[:2] > LAST_PYTHON:
            newest = ".".join(map(str, LAST_PYTHON))
            raise UsageError(
                f"the family alem needs the package alem-env, which supports Python up to {newest}, "
                f"and this is Python {sys.version.split()[0]}\n  Use a virtual environment of Python {newest}. {HOW}"
            )
        raise UsageError(f"the family alem needs the package alem-env, which is not installed\n  {HOW}")
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise UsageError(f"alem-env is installed, but not what it imports: {', '.join(missing)}\n  {HOW}")


def _has_text_worlds() -> bool:
    """Whether the package `alem` is alem-env with its text interface (asking for its module imports the rest)."""
    package = find_spec("alem")
    places = package.submodule_search_locations if package else None
    return any(Path(place, "llm", "alem_env.py").is_file() for place in places or ())


def versions() -> dict[str, str]:
    """What a world depends on beside its rules and seed: to be recorded with every run, and equal where compared."""
    found = {}
    for name in ("alem-env", "jax"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return {**found, "threefry": "original"}


def loaded() -> bool:
    """Whether this process has the package imported already."""
    return "alem.llm.alem_env" in sys.modules


def load() -> ModuleType:
    """Import alem-env, once per process.

    Returns:
        its module `alem.llm.alem_env`; all others are in sys.modules by then.

    Raises:
        UsageError: see `require`.
    """
    with _lock:
        if not loaded():
            require()
            with old_splits(), _stand_ins():
                import_module("alem.llm.alem_env")
        return sys.modules["alem.llm.alem_env"]


def old_splits() -> AbstractContextManager[Any]:
    """Random keys are split as jax did up to 0.4, for all JAX code traced or run inside (in this thread)."""
    jax: Any = import_module("jax")
    context: AbstractContextManager[Any] = jax.threefry_partitionable(False)
    return context


# ---- stand-ins ----


@contextmanager
def _stand_ins() -> Iterator[None]:
    """While the package is imported: its constants without textures, and plotting packages that come when used."""
    finder = _ConstantsFinder()
    stood_in = {
        name: _Deferred(name) for name in ("matplotlib", "matplotlib.pyplot", "seaborn") if name not in sys.modules
    }
    sys.meta_path.insert(0, finder)
    sys.modules.update(stood_in)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in stood_in.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _Deferred(ModuleType):
    """A module whose functions import the real one when they are called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__name__

        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(import_module(module), name)(*args, **kwargs)

        return call


class _ConstantsFinder:
    """Finds the package's constants, to be loaded by `_ConstantsLoader`; everything else is left to others."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _CONSTANTS:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return spec
        spec.loader = _ConstantsLoader(spec.loader)
        return spec


class _ConstantsLoader(Loader):
    """Executes the module without its last statements, those that fill TEXTURES; a mapping takes their place."""

    def __init__(self, source: SourceFileLoader) -> None:
        self.source = source

    def exec_module(self, module: ModuleType) -> None:
        path = self.source.get_filename(module.__name__)
        tree = ast.parse(self.source.get_data(path), path)
        tree.body = [statement for statement in tree.body if not _fills_textures(statement)]
        module.__dict__[_TEXTURES] = _Textures(module)
        exec(compile(tree, path, "exec"), module.__dict__)


def _fills_textures(statement: ast.stmt) -> bool:
    """Whether it is one of the top-level statements, bare or under an `if`, that assign TEXTURES."""
    if not isinstance(statement, ast.If | ast.Assign):
        return False
    return any(
        isinstance(inner, ast.Name) and inner.id == _TEXTURES and isinstance(inner.ctx, ast.Store)
        for inner in ast.walk(statement)
    )


class _Textures(Mapping[int, Any]):
    """The package's textures by block size, each size made when it is first asked for."""

    def __init__(self, constants: ModuleType) -> None:
        self._constants = constants
        self._made: dict[int, Any] = {}

    def __getitem__(self, block_pixels: int) -> Any:
        with _lock:
            if block_pixels not in self._made:
                self._made[block_pixels] = self._constants.load_all_textures(block_pixels)
            return self._made[block_pixels]

    def __iter__(self) -> Iterator[int]:
        names = ("BLOCK_PIXEL_SIZE_AGENT", "BLOCK_PIXEL_SIZE_IMG", "BLOCK_PIXEL_SIZE_HUMAN")
        return iter([getattr(self._constants, name) for name in names])

    def __len__(self) -> int:
        return 3
