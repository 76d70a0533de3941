"""What a player is told first: where it is, what session it plays in, and the keys that its agents need."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pytest_collab.cluster.spec import TaskSpec


class Hello(BaseModel):
    """The first message to a player.

    Attributes:
        name: the player's, as records show it.
        root: pytest's rootdir, whole or relative to the folder that the player starts in; None for that folder.
        folder: where the session was started, relative to `root`.
        ini: the ini file, relative to `root`; None where there is none.
        arguments: of pytest: paths, and plugins to load.
        options: of the session that concern how episodes are played, by `dest`.
        modules: `sys.path` of the driver, where the player shares its disk; None to keep one's own.
        variables: environment variables that agents name. They go into the player's memory, and no further.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    root: str | None
    folder: str
    ini: str | None
    arguments: tuple[str, ...]
    options: dict[str, Any]
    modules: tuple[str, ...] | None = None
    variables: dict[str, str] = Field(default_factory=dict, repr=False)


class About(BaseModel):
    """What a player says of itself when it is ready.

    Attributes:
        version: of pytest-collab.
        python: its version.
        host: the machine's name.
        pid: its process.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    python: str
    host: str
    pid: int


class Batch(BaseModel):
    """What is to be prepared before the first play of a task.

    Attributes:
        sandbox: what `--collab-sandbox` says.
        chosen: the sandbox that the driver's machine has for it; a player with another one plays nothing of families
            that use one.
    """

    model_config = ConfigDict(frozen=True)

    task: TaskSpec
    seeds: tuple[int, ...]
    sandbox: str
    chosen: str


class Played(BaseModel):
    """What came of a play.

    Attributes:
        record: the episode's line; None where it was broken off.
        transcript: its events, one a line.
    """

    model_config = ConfigDict(frozen=True)

    record: str | None
    transcript: str
