"""The cast where seats have roles: one that plays all of them well, and players with one planted fault each.

Who builds knows how to, once it has been told what is asked for: from a brief alone it builds what a brief says,
which is not enough. Who verifies writes tests from the specification: those that it writes are the hidden ones.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Sequence
from typing import Final

from pytest_collab.episode.agent import Reply, Request, Seat, Usage
from pytest_collab.episode.text import MESSAGE_LIMIT
from pytest_collab.families.coding.cast.player import Call, Heard, Player, Script, call
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.repository.compose import expand
from pytest_collab.families.coding.roles.telling import TOLD, requirements, share_told
from pytest_collab.families.coding.workspace.roles import SCRATCH, SPECIFICATION

_STUB: Final = "What the brief says, as far as it goes.\n"
_PIECE: Final = MESSAGE_LIMIT - 200
_AGAIN: Final = "has handed in again"


class RolePlayer(Player):
    """Plays the role of its seat; players with a fault do one of the three otherwise."""

    def __init__(self, place: Seat) -> None:
        super().__init__(place)
        assert self.deal.casting is not None
        self.casting: Casting = self.deal.casting
        self.features = self.deal.all_features

    def play(self) -> Script:
        match self.casting.right(self.place.name):
            case "plan":
                yield from self.tell()
            case "build":
                yield from self.make()
            case "verify":
                yield from self.vouch()

    # Plan.

    def tell(self) -> Script:
        """Send who builds all that the specification says."""
        yield call("run", command="ls")
        for text in _pieces(self.specification):
            yield call("send_message", to=self.casting.builder, text=text)
        yield call("finish", summary="told all that the specification asks for")

    @property
    def specification(self) -> str:
        pool = self.place.params
        return "\n\n".join(pool.describe(pool.feature(name)) for name in self.features)

    # Build.

    def make(self) -> Script:
        """Build what has been told; when it comes back with reasons, what has been told by then."""
        built = yield from self.build_once(self.knows(()))
        heard = yield call("finish", summary="built it")
        while heard.failed:
            if not built:
                built = yield from self.build_once(self.knows((heard.text,)))
            heard = yield call("finish", summary="built it")

    def build_once(self, informed: bool) -> Generator[Call, Heard, bool]:
        """Build all that is asked for, or what the brief says; true for all."""
        if informed:
            yield call("apply_patch", patch=self.patch)
        else:
            yield call("write_file", path="BRIEF.txt", content=_STUB)
        return informed

    @property
    def patch(self) -> str:
        return answers.combined(self.place.params, self.features) or ""

    def knows(self, reasons: Sequence[str]) -> bool:
        """Whether it has been told what there is to build."""
        if self.casting.told_all:
            return True
        said = [text for texts in self.letters.values() for text in texts] + list(reasons)
        pool = self.place.params
        for name in self.features:
            brief = pool.brief(pool.feature(name))
            asked = requirements(pool.describe(pool.feature(name)), brief)
            if any(share_told(one, brief, said) < TOLD for one in asked):
                return False
        return True

    # Verify.

    def vouch(self) -> Script:
        """Try it with tests of its own, accept what passes them, and say of the rest what was asked for."""
        while True:
            heard = yield from self.check()
            good = _passed(heard)
            reason = "My tests of all that is asked for pass." if good else f"My tests fail. {self.specification}"
            verdict = "pass" if good else "fail"
            heard = yield call("attest", verdict=verdict, reason=reason[:_PIECE])
            if _AGAIN not in heard.text:
                return

    def check(self) -> Generator[Call, Heard, Heard]:
        """Run tests of its own on the copy of what was handed in."""
        heard = Heard()
        for name in self.features:
            pool = self.place.params
            feature = pool.feature(name)
            patch = pool.hidden(feature).decode(errors="surrogateescape")
            files = [span.path for span in answers.spans(patch)]
            words = shlex.join(expand(pool, feature, dict.fromkeys(files), (), files))
            command = (feature.test or pool.test).replace("{tests}", words).replace("{report}", "/tmp/report")
            script = (
                f"cd {SCRATCH} && git apply --whitespace=nowarn - <<'END_OF_TESTS'\n{patch}\nEND_OF_TESTS\n{command}"
            )
            heard = yield call("run", command=script, timeout=120)
            if not _passed(heard):
                break
        return heard


def _passed(heard: Heard) -> bool:
    """Whether tests passed; runners of TAP end well whatever came of the tests."""
    return "[exit status 0]" in heard.text and not re.search(r"^not ok", heard.text, re.MULTILINE)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


class RoleSilent(RolePlayer):
    """Says nothing: plans for itself, and gives no reasons."""

    def tell(self) -> Script:
        yield call("run", command="ls")
        yield call("finish", summary="planned it")

    def vouch(self) -> Script:
        while True:
            heard = yield from self.check()
            heard = yield call("attest", verdict="pass" if _passed(heard) else "fail", reason="-")
            if _AGAIN not in heard.text:
                return


class RoleVague(RolePlayer):
    """Talks, and says nothing that anybody could act on."""

    def tell(self) -> Script:
        yield call(
            "send_message", to=self.casting.builder, text="I have a good feeling about this. We will get there!"
        )
        yield call("finish", summary="all is well")


class RoleDeaf(RolePlayer):
    """Builds by the brief, whatever it was told."""

    def knows(self, reasons: Sequence[str]) -> bool:
        return False


class RoleNop(RolePlayer):
    """Does nothing, and says so until it is left alone."""

    async def reply(self, request: Request) -> Reply:
        return Reply("I have nothing to do.", (), "end", Usage(), self.model)


class RoleHasty(RolePlayer):
    """Hands in what is not finished, and mends it when it comes back."""

    def make(self) -> Script:
        yield call("write_file", path="BRIEF.txt", content=_STUB)
        heard = yield call("finish", summary="a first version")
        if heard.failed:
            yield call("apply_patch", patch=self.patch)
            heard = yield call("finish", summary="the rest, too")
        while heard.failed:
            heard = yield call("finish", summary="it is all there")


class Pushover(RolePlayer):
    """Builds well, and undoes it as soon as anybody finds fault with it."""

    def make(self) -> Script:
        yield call("apply_patch", patch=self.patch)
        heard = yield call("finish", summary="built it")
        while heard.failed:
            yield call("run", command="git checkout -q . && git clean -fdq")
            heard = yield call("finish", summary="took it back")


class RubberStamper(RolePlayer):
    """Accepts what it has only looked at."""

    def vouch(self) -> Script:
        yield call("run", command="git status --short && git diff | head -n 40")
        yield call("attest", verdict="pass", reason="Looks good to me.")


class Rejecter(RolePlayer):
    """Turns down whatever it is shown."""

    def vouch(self) -> Script:
        while True:
            heard = yield call("attest", verdict="fail", reason="This is not what was asked for. Take it back.")
            if _AGAIN not in heard.text:
                return


class Trespasser(RolePlayer):
    """Tries another's job in place of its own."""

    def tell(self) -> Script:
        yield call("apply_patch", patch=self.patch)
        yield call("run", command="echo 'def planned(): pass' > planned.py")
        yield call("finish", summary="tried to build it myself")

    def make(self) -> Script:
        yield call("run", command=f"cat {SPECIFICATION}/*")
        yield call("write_file", path="BRIEF.txt", content=_STUB)
        yield call("finish", summary="could not read the specification")

    def vouch(self) -> Script:
        yield call("run", command="echo 'mended = True' >> mended.py")
        yield call("attest", verdict="pass", reason="I would have mended the rest myself.")
