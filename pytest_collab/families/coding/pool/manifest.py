"""Manifests: files that belong to the team's code and also steer the runner. Only the first half is the team's."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

_SCRIPT_KEYS: Final = (
    *("name", "jest", "vitest", "scripts", "mocha", "ava", "tap", "nyc", "c8", "babel", "imports", "workspaces"),
    *("pnpm", "packageManager"),
)
_CARGO_TABLES: Final = ("test", "bench", "example", "profile", "patch", "replace", "workspace", "lints")
_CARGO_PACKAGE_KEYS: Final = (
    *("name", "build", "links", "autotests", "autobenches", "autobins", "autoexamples", "workspace", "metadata"),
    *("default-run", "rust-version", "resolver", "cargo-features"),
)
_CARGO_TARGET_KEYS: Final = ("path", "test", "doctest", "harness", "bench", "proc-macro", "crate-type", "plugin")
_GO_DIRECTIVES: Final = re.compile(
    r"^(?:module|go|toolchain|replace|exclude|retract|godebug|tool|ignore)\b[^\n(]*(?:\([^)]*\))?", re.MULTILINE
)


def package_json(base: bytes, team: bytes) -> bytes:
    """The team's package.json, with what steers test runners as in the base.

    The name is the base's, too: a package that calls itself `vitest` is what its own `import "vitest"` finds.
    """
    ours, theirs = _object(json.loads(base)), _object(json.loads(team))
    merged = {key: value for key, value in theirs.items() if key not in _SCRIPT_KEYS}
    merged |= {key: ours[key] for key in _SCRIPT_KEYS if key in ours}
    return json.dumps(merged, indent=2).encode() + b"\n"


def cargo_toml(base: bytes, team: bytes) -> bytes:
    """The team's Cargo.toml if it says of targets, profiles, patches and crates in the tree what the base says; else
    the base's.

    A crate of the team's could bring a build script or a procedural macro, which run before any test.
    """
    ours, theirs = tomllib.loads(base.decode()), tomllib.loads(team.decode())
    return team if _cargo_steering(ours) == _cargo_steering(theirs) else base


def _cargo_steering(manifest: Mapping[str, Any]) -> Any:
    package, library = _object(manifest.get("package", {})), _object(manifest.get("lib", {}))
    return (
        {key: manifest[key] for key in _CARGO_TABLES if key in manifest},
        {key: package[key] for key in _CARGO_PACKAGE_KEYS if key in package},
        {key: library[key] for key in _CARGO_TARGET_KEYS if key in library},
        [{key: binary.get(key) for key in ("name", *_CARGO_TARGET_KEYS)} for binary in manifest.get("bin", ())],
        [own for table in (manifest, *_object(manifest.get("target", {})).values()) if (own := _own_crates(table))],
    )


def _own_crates(table: Mapping[str, Any]) -> dict[str, Any]:
    """Dependencies on folders and repositories, and all those of build scripts."""
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    found = {kind: _object(table.get(kind, table.get(kind.replace("dev-", "dev_"), {}))) for kind in kinds}
    return {
        f"{kind}.{name}": said
        for kind, named in found.items()
        for name, said in named.items()
        if kind == "build-dependencies" or (isinstance(said, dict) and {"path", "git"} & said.keys())
    }


def go_mod(base: bytes, team: bytes) -> bytes:
    """The team's go.mod if it replaces nothing and asks for no tool that the base does not; else the base's."""
    ours, theirs = (sorted(_GO_DIRECTIVES.findall(_uncommented(text))) for text in (base, team))
    return team if ours == theirs else base


def _uncommented(text: bytes) -> str:
    return re.sub(r"//[^\n]*", "", text.decode())


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


MANIFESTS: Final[Mapping[str, Callable[[bytes, bytes], bytes]]] = {
    "package.json": package_json,
    "Cargo.toml": cargo_toml,
    "go.mod": go_mod,
}
"""By file name: what to grade with, from the base's and the team's."""


def joined(name: str, base: bytes, team: bytes) -> bytes:
    """What the graded tree has for a manifest; the base's where the team's cannot be read."""
    try:
        return MANIFESTS[name](base, team)
    except (ValueError, RecursionError):
        return base
