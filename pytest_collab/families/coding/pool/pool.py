"""A pool: one base, features to be built on it, how to set it up and how to run its tests."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from pytest_collab.agents.secrets import logs_in
from pytest_collab.episode.family import Params
from pytest_collab.errors import TaskError

Language = Literal["python", "typescript", "javascript", "go", "rust"]
Parser = Literal["junit", "pytest", "tap", "spec", "jest", "go", "cargo", "typst"]
Difficulty = Literal["easy", "medium", "hard"]

_SKIPPED = frozenset({".git", "__pycache__", "node_modules", "target", ".venv", ".pytest_cache", ".mypy_cache"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Base(_Part):
    """What every seat starts from: a folder, or one commit of a git repository."""

    folder: str | None = Field(None, description="a folder, relative to the task file; its content is the base")
    repository: str | None = Field(
        None, description="a git repository (a path, relative to the task file, or a URL); needs `commit`"
    )
    commit: str | None = Field(
        None, pattern=r"^[0-9a-fA-F]{7,64}$", description="the base commit of `repository`, in hexadecimal"
    )
    submodules: Literal["empty"] = Field(
        "empty", description="submodules are left as empty folders; nothing is fetched for them"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Base:
        if (self.folder is None) == (self.repository is None):
            raise ValueError("a base is either a `folder` or a `repository` with a `commit`")
        if (self.repository is None) != (self.commit is None):
            raise ValueError("`repository` and `commit` go together")
        if self.repository is not None and logs_in(self.repository):
            raise TaskError(  # and no ValueError, which would be told with the value
                "the address holds a password",
                remedy="Leave it out, and let git's credential helper or ssh log in.",
                key="base.repository",
            )
        return self


class Feature(_Part):
    """One piece of work: what the seat is told, the hidden tests, and a solution to validate them with."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="a short name, unique in the pool")
    difficulty: Difficulty | None = Field(None, description="easy, medium or hard")
    description: str | None = Field(None, description="the text for the seat; default features/<id>/feature.md")
    brief: str | None = Field(
        None,
        description="text for a seat that may not see the description (`roles`); default features/<id>/brief.md, "
        "where there is one, else title and first paragraph of the description",
    )
    tests: str | None = Field(None, description="patch with the hidden tests; default features/<id>/tests.patch")
    reference: str | None = Field(
        None, description="patch that solves it; default features/<id>/feature.patch, where there is one"
    )
    test: str | None = Field(None, description="test command of this feature, instead of the pool's")


class EnvironmentSpec(_Part):
    """What the tests run in. With neither image nor Dockerfile: the machine's own toolchain."""

    image: str | None = Field(None, description="docker: name of an image that the engine has")
    dockerfile: str | None = Field(None, description="docker: a Dockerfile, relative to the task file")
    image_tar: str | None = Field(
        None,
        description="docker: a tarball of `docker save` or of a root file system, relative to the task file",
    )
    workdir: str = Field("/workspace/repo", description="docker: where the image keeps the base's tree")
    network: bool = Field(
        True, description="whether setup commands may use the network (in a sandbox that isolates); tests never may"
    )
    memory_mb: int = Field(2048, ge=64, description="megabytes of memory for a test run")
    pids: int = Field(512, ge=8, description="processes and threads of a test run")
    setup_timeout_s: float = Field(900.0, gt=0, le=7200, description="seconds for all setup commands together")
    writable: bool = Field(False, description="tests may write into the tree; hidden tests stay read-only even then")

    @property
    def named_image(self) -> bool:
        """Whether it names an image, in one way or another."""
        return any(source is not None for source in (self.image, self.image_tar, self.dockerfile))


class Pool(Params):
    """The params of a coding task that do not depend on who plays.

    Paths are relative to the task file (`folder`), which is not part of the content.
    """

    base: Base = Field(description="what every seat starts from: {folder: DIR} or {repository: DIR, commit: ID}")
    language: Language = Field("python", description="python, typescript, javascript, go or rust")
    setup: tuple[str, ...] = Field((), description="shell commands, run once in the base's tree, in the sandbox")
    test: str = Field(
        description="shell command that runs tests; {tests} stands for what to run, {report} for the report file"
    )
    parser: Parser = Field(
        "junit", description="what reads results: junit, pytest, tap, spec, jest, go, cargo, typst"
    )
    timeout_s: float = Field(120.0, gt=0, le=7200, description="seconds for one run of the tests")
    features: Annotated[tuple[Feature, ...], Field(min_length=1)] = Field(description="the pieces of work")
    regression: Literal["visible", "touched"] = Field(
        "visible",
        description="what must keep passing: the base's `visible` tests, or those in files `touched` by hidden ones",
    )
    protected: tuple[str, ...] = Field(
        (), description="more paths (globs) that are taken from the base when work is graded"
    )
    counter_tests: int = Field(
        2, ge=0, le=16, description="counter-tests that every tree must fail, which shows that it computes answers"
    )
    environment: EnvironmentSpec = Field(default_factory=EnvironmentSpec, description="what the tests run in")

    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _checked(self, info: ValidationInfo) -> Pool:
        if info.context and "folder" in info.context:
            self._folder = Path(info.context["folder"]).resolve()
        else:
            self._folder = Path.cwd()
        seen: set[str] = set()
        for feature in self.features:
            if feature.id in seen:
                raise ValueError(f"two features are called {feature.id!r}")
            seen.add(feature.id)
        if self.parser in ("junit", "jest") and "{report}" not in self.test:
            raise ValueError(f"parser {self.parser!r} reads a report file, and `test` does not name {{report}}")
        return self

    @property
    def folder(self) -> Path:
        """What paths are relative to: the task file's folder (the current one for tasks written in Python)."""
        return self._folder

    def within(self, folder: Path) -> Pool:
        """The same pool, its paths relative to `folder`."""
        other = self.model_copy()
        other._folder = folder.resolve()
        return other

    def feature(self, name: str) -> Feature:
        """The feature called `name`.

        Raises:
            TaskError: there is none.
        """
        for feature in self.features:
            if feature.id == name:
                return feature
        raise TaskError(
            f"there is no feature {name!r}",
            remedy=f"Features are {', '.join(feature.id for feature in self.features)}.",
            key="features",
        )

    def groups(self, size: int = 2) -> tuple[tuple[str, ...], ...]:
        """All unordered groups of `size` features, in the order in which they are listed."""
        return tuple(combinations((feature.id for feature in self.features), size))

    def path(self, relative: str) -> Path:
        """Where a path of the pool lies."""
        return self._folder / relative

    def describe(self, feature: Feature) -> str:
        """What a seat is told to build.

        Raises:
            TaskError: the file is missing or no UTF-8.
        """
        return self._read(feature.description or f"features/{feature.id}/feature.md", "description").decode()

    def brief(self, feature: Feature) -> str:
        """What is told of a feature to a seat that may not see its description.

        Raises:
            TaskError: the file is missing or no UTF-8, or there is none and the description is all in one paragraph.
        """
        default = f"features/{feature.id}/brief.md"
        if feature.brief is not None or self.path(default).is_file():
            return self._read(feature.brief or default, "brief").decode()
        description = self.describe(feature)
        found = shortened(description)
        if not found or len(found) >= len(description.strip()):
            raise TaskError(
                f"feature {feature.id!r} has no brief: a title and a first paragraph would be all of its description",
                remedy=f"Write one to {str(self.path(default))!r}, or name a file with `brief:`.",
                key="features",
            )
        return found

    def hidden(self, feature: Feature) -> bytes:
        """The patch with the hidden tests.

        Raises:
            TaskError: the file is missing or empty.
        """
        return self._read(feature.tests or f"features/{feature.id}/tests.patch", "tests")

    def reference(self, feature: Feature) -> bytes | None:
        """The patch that solves a feature; None where the pool has none.

        Raises:
            TaskError: a reference is named, and missing.
        """
        default = f"features/{feature.id}/feature.patch"
        if feature.reference is None and not self.path(default).is_file():
            return None
        return self._read(feature.reference or default, "reference")

    def check(self) -> None:
        """Look at every file the pool points to.

        Raises:
            TaskError: names the first that is missing, empty or unreadable.
        """
        if self.base.folder is not None and not self.path(self.base.folder).is_dir():
            raise TaskError(
                f"{str(self.path(self.base.folder))!r} is no folder",
                remedy="`base.folder` is relative to the task file.",
                key="base.folder",
            )
        for feature in self.features:
            self.describe(feature)
            self.hidden(feature)
            self.reference(feature)

    def content(self) -> str:
        """Hash of what decides results beyond params: the base's files, and every feature's."""
        digest = sha256()
        if self.base.folder is not None:
            for path in walk(self.path(self.base.folder)):
                digest.update(f"{path.relative_to(self.path(self.base.folder))}\0".encode())
                digest.update(str(path.readlink()).encode() if path.is_symlink() else path.read_bytes())
        else:
            digest.update(f"{self.base.commit}".encode())
        for feature in self.features:
            for part in (self.describe(feature).encode(), self.hidden(feature), self.reference(feature) or b""):
                digest.update(sha256(part).digest())
        return digest.hexdigest()[:16]

    def _read(self, relative: str, what: str) -> bytes:
        path = self.path(relative)
        try:
            data = path.read_bytes()
            data.decode()
        except OSError as error:
            raise TaskError(
                f"{str(path)!r} cannot be read: {error.strerror}",
                remedy=f"Write the {what} there, or name another file with `{what}:`.",
                key="features",
            ) from None
        except UnicodeDecodeError:
            raise TaskError(f"{str(path)!r} is not UTF-8", remedy="Save it as UTF-8.", key="features") from None
        if not data.strip():
            raise TaskError(f"{str(path)!r} is empty", remedy=f"Write the {what} there.", key="features")
        return data


def shortened(description: str) -> str:
    """Title and first paragraph of a description."""
    blocks = [block.strip() for block in description.strip().split("\n\n") if block.strip()]
    count = 2 if blocks and blocks[0].startswith("#") and "\n" not in blocks[0] else 1
    taken = "\n\n".join(blocks[:count])
    return f"{taken[:-1]}." if taken.endswith(":") else taken


def load(path: Path) -> Pool:
    """The pool of a task file (keys that say who plays and how are left out).

    Raises:
        TaskError: names file, line, key, value and remedy of the first mistake.
    """
    from pydantic import ValidationError

    from pytest_collab.episode.family import explain
    from pytest_collab.families.taskfile import read_content

    data, lines, folder = read_content(path)
    params: Any = data.get("params") if isinstance(data, dict) else None
    if not isinstance(params, dict) or data.get("family") != "coding":
        raise TaskError("this is no coding task", remedy="It needs `family: coding` and `params:`.", file=path)
    known = {key: value for key, value in params.items() if key in Pool.model_fields}
    try:
        pool = Pool.model_validate(known, context={"folder": folder})
        pool.check()
    except ValidationError as error:
        key = ("params", *(str(part) for part in error.errors()[0]["loc"]))
        while key and key not in lines:
            key = key[:-1]
        raise explain(error, Pool, file=path, line=lines.get(key, 1), prefix="params") from None
    except TaskError as error:
        raise TaskError(error.problem, remedy=error.remedy, file=path, key=f"params.{error.key}") from None
    return pool


def walk(folder: Path) -> Iterator[Path]:
    """Files and links below a base folder, sorted; version control, caches and build output left out."""
    for entry in sorted(folder.iterdir()):
        if entry.name in _SKIPPED or entry.name.endswith((".pyc", ".egg-info")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from walk(entry)
        else:
            yield entry
