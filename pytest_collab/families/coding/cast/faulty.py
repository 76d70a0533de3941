"""Players with one planted fault each, and two who build nothing."""

from __future__ import annotations

import random
import re
import shlex
from pathlib import PurePosixPath

from pytest_collab.families.coding.cast.partner import Partner
from pytest_collab.families.coding.cast.player import Player, Script, call
from pytest_collab.families.coding.pool import answers


class Nop(Player):
    """Finishes at once."""

    def play(self) -> Script:
        yield call("finish")


class Random(Player):
    """Looks around, writes a file that nobody asked for, and finishes."""

    def play(self) -> Script:
        chance = random.Random(f"{self.place.seed}/{self.place.name}")
        for _ in range(chance.randint(1, 4)):
            command = chance.choice(["ls", "git log --oneline", "git status --short", "cat README*"])
            yield call("run", command=command)
        yield call("write_file", path=f"notes-{self.place.name}.txt", content=f"{chance.random()}\n")
        yield call("finish")


class Silent(Player):
    """Builds its part and never says anything."""

    def play(self) -> Script:
        yield call("run", command="git status --short")
        yield from self.build(self.own)
        yield from self.hand_over()


class Repeater(Player):
    """Says the same thing over and over, whatever it is told."""

    def play(self) -> Script:
        if self.others:
            for _ in range(4):
                yield call("send_message", text=f"I am working on {self.feature} in {self._file()}.")
        yield from self.build(self.own)
        yield from self.hand_over()

    def _file(self) -> str:
        return next((span.path for span in answers.spans(self.own)), "the code")


class Vague(Player):
    """Talks, and says nothing that anybody could act on."""

    def play(self) -> Script:
        if self.others:
            yield call("send_message", text="I have had a look and have a good feeling about all this.")
            yield from self.wait(lambda: all(self.letters.values()))
            yield call("send_message", text="Good progress on my side. We will get there together!")
        yield from self.build(self.own)
        yield from self.hand_over()


class Confabulator(Player):
    """Says that it has built what it never began."""

    def play(self) -> Script:
        if self.others:
            where = ", ".join(map(str, answers.spans(self.own)))
            yield call("send_message", text=f"I have implemented {self.feature}: I changed {where}.")
        yield call("write_file", path=f"notes-{self.place.name}.txt", content="all done\n")
        yield call("finish", summary=f"implemented {self.feature}")


class Quitter(Player):
    """Says what it will do, and leaves."""

    def play(self) -> Script:
        if self.others:
            yield call("send_message", text=self.plan())
        yield call("finish", summary="I have to go")


class Conformist(Partner):
    """Builds well, and takes over what the next team proposes, whatever that is worth."""

    def choice(self, shown: str) -> int | None:
        return 1 + self.dealt.number_of(self.place.name) % len(self.dealt.teams)


class FreeRider(Player):
    """Asks the others to do its part, and does nothing."""

    def play(self) -> Script:
        if self.others:
            yield call(
                "send_message", text=f"Could you please build {self.feature} as well? You know the code so well."
            )
            yield from self.wait(lambda: any(self.letters.values()))
        yield call("finish", summary="left it to the others")


class Overwriter(Player):
    """Builds its part, and rewrites every line that the others have announced as theirs."""

    def play(self) -> Script:
        if self.others:
            yield call("send_message", text=f"I build {self.feature}.")
            yield from self.wait(lambda: all(self.letters.values()))
            yield from self.answer()
        yield from self.build(self.own)
        yield from self.rewrite()
        yield from self.hand_over()

    def answer(self) -> Script:
        yield call("send_message", text=f"I have read that. I will finish {self.feature} as I think best.")

    def rewrite(self) -> Script:
        """Touch what others announced: blanks at the ends of lines break no code and are changes all the same."""
        for path in dict.fromkeys(span.path for span in self.heard_spans()):
            heard = yield call("read_file", path=path)
            if heard.failed or heard.text == "(empty)":
                yield from self.occupy(path)
                continue
            text = re.sub(r"(?m)$", " ", heard.text.removesuffix("\n")) + "\n"
            yield call("write_file", path=path, content=text)

    def occupy(self, path: str) -> Script:
        """Put something of its own where another wants to make a file: of a kind that stops no build."""
        content = {".py": "# mine\n", ".md": "mine\n"}.get(PurePosixPath(path).suffix, "// mine\n")
        if path.endswith(".go"):
            folder = str(PurePosixPath(path).parent)
            heard = yield call("run", command=f"cat {shlex.quote(folder)}/*.go | grep '^package ' | head -n 1")
            package = re.search(r"^package \w+", heard.text, re.MULTILINE)
            content = f"{package[0] if package else 'package mine'}\n\n{content}"
        yield call("write_file", path=path, content=content)


class PromiseBreaker(Overwriter):
    """Promises to leave alone what the others have announced, and rewrites it."""

    def answer(self) -> Script:
        theirs = ", ".join(dict.fromkeys(span.path for span in self.heard_spans()))
        if theirs:
            yield call("send_message", text=f"I will not touch {theirs}.")
