"""One message, read clause by clause: the moves it puts forward, its stance, its claims."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from pytest_collab.families.maze.reading.aside import begins_reasons, corrected, harks_back, takes_up_again
from pytest_collab.families.maze.reading.atoms import ATOM, CELL, MOVE, Atoms, Mention, Step
from pytest_collab.families.maze.reading.block import Moves, block_of, mask, sends_apart
from pytest_collab.families.maze.reading.claims import (
    Line,
    Stated,
    copied_lines,
    listed_in,
    listed_under,
    neighbours_in,
    stated_in,
)
from pytest_collab.families.maze.reading.language import is_foreign
from pytest_collab.families.maze.reading.notation import atomise
from pytest_collab.families.maze.reading.plaintext import clean, clip
from pytest_collab.families.maze.reading.question import asks, offers
from pytest_collab.families.maze.reading.stance import INSTEAD, Stance, says_done, stance


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the reader sees it."""

    atoms: Atoms
    plain: str
    moves: tuple[Moves, ...]
    stances: tuple[Stance, ...]
    stated: tuple[Stated, ...]
    lines: tuple[Line, ...]
    negated: tuple[Step, ...]
    done: bool
    contrast: bool
    asks_fact: bool
    asks_objection: bool
    bare_no: bool
    puzzling: bool
    places: tuple[Mention, ...]
    numbers: tuple[int, ...]
    insists: bool
    mourns: bool
    apart: bool
    harks_back: str = ""
    only: bool = False
    amends: bool = False


_I = re.I
_SENTENCE = re.compile(r"([^.!?;\n]*)([.!?;\n]+|$)")
_CONTRAST = re.compile(r"(?:,\s*|\s|^)(?:but|however|though|although|except that)\b", _I)
_NEGATED = re.compile(
    rf"\b(?:instead of|rather than|not|don't|dont|do not|avoid|avoiding|never|can't|cant|cannot|can not|"
    rf"couldn't|could not|shouldn't|should not|unable to|won't|without|no need to|nor|neither|"
    rf"against|no (?:to|for|on)|as for|(?:about|regarding|on)(?= {MOVE} (?:i|we|let)))\s+(?:\w+[ "
    rf"]+){{0,4}}?{MOVE}(?:[ ,]*(?:or|and|nor)?[ ]*{MOVE})*"
    rf"|{MOVE}[ ]{{1,2}}(?:i|we) (?:pass|can't|cannot|can not|don't|do not|won't|could not|couldn't|am not|"
    rf"would not)\b"
    rf"|{MOVE}[ ]{{1,2}}(?:isn't|is not|isnt|won't|doesn't)\b"
    rf"|{MOVE}(?:[ ](?:from (?:here|there|{CELL})|of {CELL}|there))?[ ]+(?:is|are|was|would be|looks|seems|"
    rf"leads|hits|goes|runs|isn't|will hit|would hit|bumps|takes us|gets|"
    rf"ends)[ ]+(?:\w+[ ]+){{0,3}}?(?:blocked|walls?|#|closed|impossible|dead|illegal|invalid|bad|not|obstacle|"
    rf"outside|off)",
    _I,
)
_FROM_START = re.compile(r"\bfrom[ ]?$", _I)
_OBJECTIONS = re.compile(
    r"\b(?:objections?|problems?|concerns?|issues?|anything against|any reason not)\b[^.!?]{0,40}\?", _I
)
_NONE = re.compile(
    r"^\W*(?:none|no|nope|nothing|not at all|nah)\b(?: (?:from me|here|at all|whatsoever))?[\s.!]*$", _I
)
_REASON = re.compile(
    r"\b(?:is there )?any (?:good )?reason (?:for us )?not to\b|\bany objections? (?:to|if we)\b", _I
)
_DESCRIBED = re.compile(
    rf"{MOVE}[ ]{{0,2}}[:=][ ]?(?:an? )?"
    r"(?:walls?|blocked|#|hidden|unknown|open|free|clear|\?)(?!\w)",
    _I,
)
_AVOIDED = re.compile(
    rf"\b(?:avoid|avoids|avoiding|away from|around|not through|not via|"
    rf"not into)\b[^.;{chr(0xE000)}-{chr(0xF8EF)}]{{0,20}}{CELL}"
    rf"(?:[ ,]*(?:and|or)?[ ]*{CELL})*+",
    _I,
)
_NUMBERED = re.compile(
    r"\b(?:move|step|turn)[ \t]*#?(\d{1,3})[ \t]*[:.)–-]|\b(?:move|step)[ ]#?(\d{1,3})[ ](?:is|should|would|will)\b",
    _I,
)
_INSISTS = re.compile(
    r"\b(?:stands?|insist|still|again|are you (?:sure|certain)|reconsider|why|really|recheck|look again|i(?:'m| "
    r"am) (?:sure|certain)|"
    r"double[- ]check|no wall|not a wall)\b",
    _I,
)
_MOURNS = re.compile(
    r"\b(?:we(?:'ve| have)? (?:lost|failed)|game over|too late|(?:already|just) (?:moved|walked|stepped|went|"
    r"entered)|"
    r"we(?:'ve| have)? (?:moved|walked|stepped|gone|run|hit|bumped|crashed|entered)\b[^.!?]{0,30}\b(?:wall|into)|"
    r"we have (?:now )?moved)\b",
    _I,
)
_AHEAD = re.compile(r"\b(?:after (?:that|this)|afterwards|from there|later on?|next time)\b", _I)
_AMENDS = re.compile(
    r"\b(?:replac\w+|chang(?:e|ing)|swap\w*|alter|exchang(?:e|ing))\b[^.;\n]{0,30}\b(?:step|move|one|first|"
    r"second|third|"
    r"fourth|fifth|last|final)\b|\bmake (?:the )?(?:step \d|second|third|fourth|fifth|last|final)\b",
    _I,
)
_ONLY = re.compile(r"\b(?:just|only|for now|so far|to begin with|to start with)\b", _I)
_STANDING = re.compile(
    rf"\b(?:(?:we|i)(?:'re| are|'m| am| stand| now stand| have arrived| arrive| should be| would be| will be)|"
    rf"(?:puts?|brings?|takes?|leaves?|gets?|moves?) us|"
    rf"(?:(?:our|my|the|new|current|team) )*(?:position|location)(?: is| becomes| would be| will be)?|now)[ "
    rf":]*(?:now |both |currently |standing |then |at present )*"
    rf"(?:(?:at|in|on|to) )?(?:the )?(?:cell |position |square )?(?P<cell>{CELL})",
    _I,
)


_SUPPOSED = re.compile(r"\b(?:would|could|might|may|if|when|once|will|to)\b[^.;\n]{0,20}$", _I)


def _places(atoms: Atoms) -> tuple[Mention, ...]:
    """The cells on which the message says that the team stands."""
    found = [
        atoms.item(match["cell"])
        for match in _STANDING.finditer(atoms.text)
        if not _SUPPOSED.search(atoms.text[max(0, match.start() - 28) : match.start()])
    ]
    return tuple(item for item in found if isinstance(item, Mention))


_WALLED = re.compile(rf"{MOVE}(?=[ ]+(?:is|are|was|would be)[ ]+(?:an? )?(?:walls?|blocked|obstacles?)\b)", _I)


def _walled(match: re.Match[str], negated: list[Step], atoms: Atoms) -> str:
    """A direction that a wall is said to lie in: no move, whatever cell is named with it."""
    item = atoms.item(match[0])
    if isinstance(item, Step):
        negated.append(item)
    return "·"


@lru_cache(maxsize=2048)
def read_message(text: str, size: int, *, chess: bool = False) -> Message:
    """`text` in parts that have a meaning for a maze of `size` rows; `chess`: cells are letter and number in the
    dialogue."""
    lines, rest = copied_lines(clip(text).replace("**", ""), size)
    plain = clean(rest)
    plain = _REASON.sub("shall we ", plain)
    atoms = atomise(plain, size, chess=chess)
    moves: list[Moves] = []
    stances: list[Stance] = []
    stated: list[Stated] = []
    negated: list[Step] = []
    done = contrast = asks_fact = apart = False
    header = ""
    reasons = foreseen = False
    around, text = neighbours_in(_WALLED.sub(lambda match: _walled(match, negated, atoms), atoms.text))
    told, text = listed_in(text)
    stated.extend((*around, *told))
    for sentence in _SENTENCE.finditer(text):
        words, mark = corrected(sentence[1]), sentence[2]
        if not words.strip():
            continue
        if takes_up_again(words) and re.search(ATOM, words):
            moves.clear()
        reasons = reasons or (bool(moves or stances) and begins_reasons(words))
        if sends_apart(words, atoms):
            apart = True
            continue
        question = "?" in mark
        asks_fact = question and asks(words) and not offers(words)
        pieces = _CONTRAST.split(words)
        for index, piece in enumerate(pieces):
            contrast = contrast or index > 0
            new, piece = stated_in(piece, question=question)
            stated.extend(new)
            if listing := listed_under(header, piece):
                stated.extend(listing)
                continue

            ahead = _AHEAD.search(piece) is not None

            def negate(match: re.Match[str], ahead: bool = ahead) -> str:
                if ahead:
                    return mask(match)
                for atom in re.findall(MOVE, match[0]):
                    item = atoms.item(atom)
                    if isinstance(item, Step):
                        negated.append(item)
                return mask(match)

            piece = _AVOIDED.sub(mask, _DESCRIBED.sub(" ", _NEGATED.sub(negate, piece)))
            found = stance(piece, question=question)
            if found.reject == INSTEAD and any(block.choice or block.level == 0 for block in moves):
                found = replace(found, reject=0.0)  # instead of what was only weighed
            warns = ahead and bool(stances) and stances[-1].accept >= 0.9  # of what comes after what it agreed to
            foreseen = foreseen or warns
            if found != Stance() and not (reasons and stances) and not warns:
                stances.append(found)
            if found.retract and moves and not found.accept and not reasons:
                moves.clear()  # taken back in the same breath
                stances[-1] = replace(found, retract=False)
            done = done or says_done(piece, question=question)
            block = block_of(
                piece,
                atoms,
                question=question,
                header=header,
                after_stance=bool(stances and stances[-1].accept),
                contrasted=index > 0,
                accepted=found.accept > found.reject,
            )
            if block is not None and (block.level == 4 or not reasons):
                moves.append(block)
        reasons = reasons and ("\n\n" not in mark or words.rstrip().endswith(":"))
        header = (
            words + " "
            if words.rstrip().endswith(":") and not re.search(ATOM, words)
            else header
            if "\n\n" not in mark
            else ""
        )
    return Message(
        atoms,
        plain,
        tuple(moves),
        tuple(stances),
        tuple(stated),
        lines,
        tuple(negated),
        done,
        contrast,
        asks_fact,
        bool(_OBJECTIONS.search(atoms.text[-200:])),
        bool(_NONE.match(atoms.text[:40])),
        (is_foreign(re.sub(ATOM, " ", atoms.text)) and not (stances and len(plain.split()) <= 3))
        or (bool(atoms.steps) and not moves and not negated and not asks_fact and not foreseen),
        _places(atoms),
        tuple(int(found[1] or found[2]) for found in _NUMBERED.finditer(rest[:4000])),
        bool(_INSISTS.search(plain)),
        bool(_MOURNS.search(plain)),
        apart,
        harks_back(plain),
        bool(_ONLY.search(plain)),
        bool(_AMENDS.search(plain)),
    )
