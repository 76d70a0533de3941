"""What one clause puts forward: its moves, in order, and with how much force."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pytest_collab.families.maze.reading.atoms import ATOM, CELL, MOVE, SEPARATOR, Atoms, Mention, Step
from pytest_collab.families.maze.reading.question import asks, offers

Item = Mention | Step


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves of one clause, in order.

    Attributes:
        origins: positions in `items` of cells that are only where a step begins (`from (2,3)`).
        level: 0 a recap of what was done or a way only weighed, 1 bare, 2 commanded, 3 put forward as the plan,
            4 proposed in so many words.
        absolute: said to be the whole way from the start.
        onward: said to follow what came before ("then", "next").
        restated: says the same again in other words ("i.e.", "so the path is").
        asked: put as a question.
        again: said to be one more of the same ("again", "another", "once more").
        reported: what was done, or what another said.
        notes: positions in `items` of directions that may only say again which way the cells before them lead.
        headed: put forward by the heading that it stands under, not in its own words.
        past: what the team has done already.
        own: proposed on the speaker's own account, not in taking up what another proposed.
    """

    items: tuple[Item, ...]
    origins: frozenset[int]
    level: int
    absolute: bool = False
    onward: bool = False
    restated: bool = False
    conditional: bool = False
    choice: bool = False
    after_stance: bool = False
    contrasted: bool = False
    accepted: bool = False
    asked: bool = False
    again: bool = False
    reported: bool = False
    own: bool = False
    past: bool = False
    notes: frozenset[int] = frozenset()
    headed: bool = False


_I = re.I
_PROPOSES = re.compile(
    r"\b(?:(?:i|we)(?:'d| would| do| will|'ll| am going to|'m going to| can| could)? (?:now |then |also |just |"
    r"therefore |thus |"
    r"still |next |humbly |strongly )*(?:propose|suggest|recommend|vote)|(?:i|we)(?:'d| would) (?:now |rather "
    r")?(?:like|"
    r"prefer|love|be happy|say|go|move|take|head|step)|i prefer|i(?:'m| am) (?:happy|glad|down|in favou?r|game|up|"
    r"ready|keen) (?:to|for|of)|proposing|suggesting|i (?:think|believe|guess|feel) (?:that )?(?:we|you and i) "
    r"(?:should|"
    r"ought to|could|must|can)|(?<!your )(?<!with the )(?<!to the )(?:proposals?|suggestion|recommendation|"
    r"proposed (?:next )?(?:single )?(?:moves?|steps?|path|"
    r"route|action|way|plan)|choice|pick|vote)\b|counter-?propos\w+|(?:my|the|our) next (?:single )?(?:moves?|"
    r"steps?)|(?:my|our|chosen|selected|final|best) (?:moves?|step|action|decision|choice|answer)(?= ?[:=])|"
    r"next (?:single )?(?:move|step|action|cell|square|tile|field|position|stop|hop)(?= ?(?:is|should|would|"
    r"could|will|:|=|→))|"
    r"propose(?= (?:moves?|steps?|path|route|direction)\b|[ ]?[:=(])|let's|lets|let us|shall we|"
    r"should we|"
    r"how about|what about|"
    r"why don't we|what if we|(?:could|can|may) we(?! (?:see|know|check|confirm))|would you (?:like|be happy|be "
    r"ok|be okay|be fine|agree|mind)|"
    r"want to (?:go|move)|we (?:should|ought to))",
    _I,
)
_OWN = re.compile(
    r"\b(?:propose|proposing|suggest|suggesting|recommend|how about|what about|what if|shall we|should we|why "
    r"don't we|"
    r"would you|could we|can we|may we|my (?:next )?(?:move|step|proposal|suggestion|choice|pick|vote|"
    r"recommendation)s?|next (?:single )?(?:move|step|proposal|action|cell|square|"
    r"tile|field|position|stop|hop)|"
    r"i(?:'d| would) (?:go|move|take|step|head|say|choose|pick)|"
    r"(?<!your )(?<!the )(?<!this )(?<!that )(?:proposals?|suggestion|recommendation)|next proposal|proposed "
    r"(?:next )?(?:moves?|steps?|action)|i(?:'d| would) (?:like|love|prefer)|i prefer|my turn|i(?:'d| would| "
    r"will|'ll)? add|i(?:'m| am) (?:down|game|"
    r"up|happy) (?:to|for))\b",
    _I,
)
_DISMISSED = re.compile(
    r"\b(?:considered|considering|thought about|thought of|looked at|tried|ruled out|dismissed|discarded|"
    r"instead of|rather "
    r"than|compared (?:to|with)|away from)\b"
    rf"[^.;,]{{0,30}}?(?:{ATOM}[ ,]*(?:and |or )?)+",
    _I,
)
_FALLBACK = re.compile(
    r"\b(?:as an? (?:backup|back-up|fallback|plan b|last resort|alternative)|alternatively|failing that|in the "
    r"worst case|"
    r"second choice|plan b|backup plan|for later|maybe later|later on|(?<!no )other option|another option|only "
    r"later)\b|\blater\b[^a-z]*$",
    _I,
)
_OUTLOOK = re.compile(
    r"\b(?:would|will|might|may|should)(?: then| later)? be able to\b|\b(?:we|i|you)(?:'d| could| would| "
    r"might)(?: then| "
    r"later)? (?:have to|be able|need to)\b|\bno (?:way|need|point|reason) (?:to|in|for)\b|"
    r"\b(?:after that|from there|later on?|this way|that way|then),? (?:we|i|you)(?:'d| could| might| would)\b",
    _I,
)
_EVALUATED = re.compile(
    rf"(?:\b(?:going|moving|stepping|heading|to go|to move)[ ]+)?{MOVE}[ ]*(?:(?:to |from |into )?(?:the "
    rf")?{CELL}[ ]*)*"
    r"(?:also |only |just |again |first |then |there |here |itself )?(?:looks?|seems?|appears?|is|are|was|"
    r"leads?|takes?|would|will|could|might|brings?|gets?|"
    r"means?|costs?|goes|runs|hits|requires?|isn't|doesn't)\b(?! (?:our|my|the) (?:next|proposal|move|choice))",
    _I,
)
_GAP = re.compile(
    r"^[\s,;:()|\"'{}\[\]=·-]*(?:(?:that is|which is|or|so|going|moving|heading|meaning|i mean|namely|in|the|a|"
    r"by|via|with|"
    r"direction|move|step|action)[\s,;:()|\"'=-]*){0,4}$",
    _I,
)
_VIA = re.compile(r"^[\s,(]*(?:through|via|by way of|passing(?: through)?|over|past)\b[^.;]{0,20}$", _I)
_INTO = re.compile(r"^[\s(\[\"']*(?:in)?to\b|^[\s(\[]*$", _I)
_CONCLUDES = re.compile(r"\b(?:so|therefore|thus|hence|but|instead|consequently)\b[^a-z]*$", _I)
_AGAIN = re.compile(
    r"\b(?:again|another|once more|one more|further|more|also|too|as well|same direction|keep|continue|still)\b", _I
)
_BECAUSE = re.compile(
    r"\b(?:because|since|as (?:i|my|there|the|we|it)|due to|so that|otherwise|or else|given that|given)\b[^,\n]*", _I
)
_CONDITION = re.compile(
    r"\b(?:if|unless|assuming|provided|as long as|in case|whenever)\b(?: (?:we|you|i|it|they|both of us) "
    r"(?:\w+ )?\w+)?"
    rf"[^,\n]*?(?:,|\bthen\b|(?=\b(?:go|move|"
    rf"take|we|let|i'd|i would|we'd|proceed|continue|head)\b[ ]+(?:{MOVE}|go|move|can|could|should|to))|$)",
    _I,
)
_IF_FINE = re.compile(
    r"\b(?:tell me|let me know|confirm|say|wondering|see|check) (?:if|whether)\b([^.,;]{0,60}?\b(?:acceptable|"
    r"ok|okay|fine|works?|good|agree|sounds)\b)",
    _I,
)
_ELSE = re.compile(r"\b(?:otherwise|else|if not)\b.*", _I)
_PLAN = re.compile(
    r"\b(?:i(?:'d| would)? (?:\w+ )?(?:propose|suggest|recommend)|proposals?|proposed|proposing|suggestions?|"
    r"suggesting|suggested|let's|lets|let us|how about|shall we|should we|we should|why don't we|what about|"
    r"what if we|counter-?propos\w+|"
    r"(?:full|final|complete|whole|entire|total|combined|overall|new|updated|revised|corrected|agreed|our|my|"
    r"the|this|optimal|shortest|best|only|correct|following|possible|next) (?:path|route|plan|solution|"
    r"sequence|moves?|steps?|answer|way)|"
    r"(?:path|route|plan|solution|sequence|moves?|answer|next(?: moves?| steps?| up)?|final|"
    r"directions|(?:first|second|third|fourth|fifth|sixth|last) (?:move|step))[ ]?(?:is|are|would be|will be|"
    r"should be)?[ ]?[:=]|i(?:'ll| will|'m going to|'d|"
    r" would)? (?:go|move|take|head)|we (?:can|could|go|move|will|need to|must|take|have to)|we'll|we'd|"
    r"agreed[: -]|confirmed[: -])",
    _I,
)
_COMMAND = re.compile(
    r"\b(?:go|going|move|moving|step|head|heading|take|taking|walk|proceed|continue|start|starting|first|then|"
    r"next|now|follow|finally|after that|turn|travel|advance|down to|try|moves?|path|route|via|through|reach|"
    r"get)\b",
    _I,
)
_WHOLE = re.compile(
    r"\b(?!final move\b)(?:full|whole|entire|complete|overall|total|final|combined) (?:agreed |proposed |"
    r"shortest |correct |"
    r"and final |solution )?(?:path|route|plan|solution|sequence|moves?|list of moves|way|answer)|"
    r"\bfrom (?:the )?(?:start|beginning|@)\b|\bfrom scratch\b|\bstart to (?:finish|goal|end)\b|"
    r"\bso the (?:path|route) is\b|\bagreed (?:path|route)\b|\ball together\b|\bin total\b|\bour (?:path|"
    r"route) is\b|\bstarting (?:from|at) (?:the )?(?:start|@)\b",
    _I,
)
_ONWARD = re.compile(
    r"\b(?:then|next|after that|afterwards?|from there|from here|followed by|subsequently|continue|continuing|"
    r"keep going|once (?:we're |we are |we get |we reach |you're )?(?:at|there|on|to|in)|(?:upon|after|on|"
    r"having) (?:reaching|"
    r"reached|arriving|arrival)|my turn|i(?:'d| would| will|'ll)? add|now|and finally|finally|onward|"
    r"additionally|plus|further)\b",
    _I,
)
_FROM_THERE = re.compile(r"^[^\w]*(?:from (?:there|here)|after that|afterwards|on from there)\b", _I)
_SAME = re.compile(
    r"\b(?:that is|meaning|in other words|in short|to summari[sz]e|summary|to recap|recap|so (?:the|our|"
    r"that's|it's|that is|moves|path)|equivalently|in coordinates|as coordinates|coordinates|i mean|which is|"
    r"which gives|visiting|cells|final|full path|namely|aka|this (?:is|means|gives|visits)|resulting|written)\b",
    _I,
)
_RECAP = re.compile(
    r"\b(?:so far|already|we(?:'ve| have)? (?:now |both |just |already )*(?:moved|went|gone|taken|did|done|"
    r"agreed)|i (?:moved|went)|we(?:'re|"
    r" are)? (?:now )?at|now at|are now|i(?:'m| am) (?:now )?at|currently|current (?:position|location|cell)|"
    r"after (?:moving|going|the move|that move|this move)|"
    r"standing|you (?:said|proposed|suggested|mentioned|want|wanted)|your (?:path|proposal|suggestion|plan|"
    r"route|move|moves|idea))\b",
    _I,
)
_PAST = re.compile(
    r"\bwe(?:'ve| have)? (?:now |both |just |already |successfully )*(?:moved|went|gone|taken|did|done|"
    r"stepped|made)\b",
    _I,
)
_SEES = re.compile(
    r"\b(?:i (?:can )?(?:see|know|have)|my (?:map|view|grid|maze|copy)|there (?:is|are)|there's|leads?|"
    r"leading|corridor|visible|hidden|unknown|can't see|cannot see|don't know|do not know|need (?:info|"
    r"information|to know)|check|verify|tell me|in (?:the )?middle|neighbou?rs?|adjacent|options?|"
    r"possible moves|coordinates? (?:system|are)|the grid|symbols?|shows?|would be|looks like)\b",
    _I,
)
_OR = re.compile(
    rf"{ATOM}[ ,]*(?:or|/|and/or|vs\.?|versus)[ ]+(?:\w+[ ]){{0,3}}?{ATOM}|\boption\b[^.;]*\boption\b|\beither\b",
    _I,
)
_FRAMES = re.compile(
    r"\b(?:corner|origin|convention|notation|axis|axes|coordinate system)\b|\bx[ ]?,[ ]?y\b|"
    rf"\b(?:start|goal)\b[ ]*(?:is |at |=|:)*[ ]*{CELL}[^.;]*\b(?:start|goal)\b[ ]*(?:is |at |=|:)*[ ]*{CELL}",
    _I,
)
"""A sentence that says how cells are named, not where to go."""
CHAIN: Final = 3
"""Cells in such a sentence from which on they are a way all the same."""
_SLASHED = re.compile(rf"{ATOM}(?:[ ]*/[ ]*{ATOM}){{2,}}")
_TO = re.compile(
    rf"\b(?:go|move|going|moving|step|head|get|then|after that|afterwards|followed by|reach|next|continue|"
    rf"proceed|enter|via|through|"
    rf"take)[ ]+(?:to |on to |onto |into |the |cell |position |square |through |via )*{CELL}",
    _I,
)
_NOTE = re.compile(rf"(?<={CELL})[ )\]]*[(\[][ ]*(?:going |move |moving )?{MOVE}[ ]*[)\]]", _I)
_TRAILING_NOTE = re.compile(rf"(?<={CELL})[ )]{{0,2}}[-:][ ]+(?:going |move |moving )?{MOVE}[ )]*$", _I)
_LONE = re.compile(
    rf"^[^\w\ue000-\uf8ef]*{ATOM}[^\w\ue000-\uf8ef]*$|^[^\w\ue000-\uf8ef]*{CELL}[ )]*[-:(][ ]*(?:·|{CELL}|just "
    rf"|directly |"
    r"below|above|beside|beneath|under|next to|right|left)",
    _I,
)
_FROM = re.compile(
    r"\b(?:from|at|start|starting|position|is|currently|of|near|next to|leave|leaving|begin at|beginning at|"
    r"standing on|pos)[ :=]{0,4}(?:the |at |from |cell )*$",
    _I,
)


def _same_twice(one: Item, two: Item, gap: str) -> bool:
    """A move written as a word and as an arrow: `down (↓)`."""
    if not (isinstance(one, Step) and isinstance(two, Step)) or len(gap) > 4 or gap.strip(" ([)]:-"):
        return False
    return one.sign != two.sign and one.delta == two.delta and two.count == 1


def _is_beside(item: Item) -> bool:
    return isinstance(item, Mention) and item.of is not None


def mask(match: re.Match[str]) -> str:
    return re.sub(ATOM, "·", match[0])


def block_of(
    clause: str,
    atoms: Atoms,
    *,
    question: bool,
    header: str,
    after_stance: bool,
    contrasted: bool,
    accepted: bool,
) -> Moves | None:
    conditional = False
    if question and asks(clause) and not offers(clause):
        return None
    clause = _DISMISSED.sub(mask, _BECAUSE.sub(mask, _ELSE.sub(mask, clause)))
    clause = _only_proposed(clause)
    masked = _CONDITION.sub(mask, _IF_FINE.sub(r"\1", clause))
    conditional = masked != clause
    clause = _NOTE.sub(mask, masked)
    if len(re.findall(CELL, clause)) > 1:
        clause = _TRAILING_NOTE.sub(mask, clause)
    lead, colon, rest = clause.rpartition(":")
    if colon and re.search(MOVE, lead) and re.search(MOVE, rest):
        header, clause = header + lead + colon, rest  # "down first: down, right, right"
    marks = [mark for mark in re.finditer(ATOM, clause) if not _is_beside(atoms.item(mark[0]))]
    if not marks:
        return None
    choice = bool(_OR.search(_SLASHED.sub(" ", clause)))
    proposed = bool(_PROPOSES.search(header + clause))
    planned = proposed or bool(_PLAN.search(header + clause))
    items: list[Item] = []
    origins: set[int] = set()
    notes: set[int] = set()
    last = 0
    for number, mark in enumerate(marks[:1200]):
        item = atoms.item(mark[0])
        if items and _same_twice(items[-1], item, clause[last : mark.start()]):
            continue
        if (
            items
            and isinstance(item, Step)
            and isinstance(items[-1], Mention)
            and _GAP.match(clause[last : mark.start()])
        ):
            follows = clause[mark.end() : marks[number + 1].start()] if number + 1 < len(marks) else "."
            if not _INTO.match(follows):
                notes.add(len(items))
        via = bool(items) and isinstance(item, Mention) and _VIA.match(clause[last : mark.start()])
        last = mark.end()
        if via:
            items.insert(len(items) - 1, item)
            continue
        if isinstance(item, Mention) and _FROM.search(clause[max(0, mark.start() - 24) : mark.start()]):
            origins.add(len(items))
        items.append(item)
    steps = sum(isinstance(item, Step) for item in items)
    cells = len(items) - steps
    listed = (
        re.search(
            rf"{CELL}[\s,;)}}\"'\]>/|-]*(?:{SEPARATOR}|then|to|and then|,|and|\s)?[\s,;:({{\"'\[]*{CELL}", clause
        )
        is not None
    )
    arrowed = SEPARATOR in clause
    recap = bool(_RECAP.search(clause)) and not re.search(r"\b(?:let's|propose|suggest|next|then)\b", clause, _I)
    named = _FRAMES.search(clause)
    if named is not None and not planned and (len(re.findall(CELL, clause)) < CHAIN or re.search(CELL, named[0])):
        return None
    if not steps:
        if len(origins) == cells or not (arrowed or listed or _TO.search(clause) or _LONE.search(clause) or planned):
            return None
        if _SEES.search(clause) and not planned and not arrowed:
            return None
    elif _SEES.search(clause) and not planned and not _COMMAND.search(clause) and not (question and offers(clause)):
        return None
    level = 3 if planned or _WHOLE.search(header + clause) else 2 if _COMMAND.search(clause) else 1
    weighed = not proposed and not accepted and _EVALUATED.search(clause)
    foreseen = _OUTLOOK.search(clause) and not _PROPOSES.search(clause)
    if recap or weighed or foreseen or _FALLBACK.search(clause):
        level = 0
    elif proposed and not choice:
        level = 4
    return Moves(
        tuple(items),
        frozenset(origins),
        level,
        absolute=bool(_WHOLE.search(header + clause)),
        onward=bool(_ONWARD.search(clause[: marks[0].start()]) or _FROM_THERE.search(clause[marks[-1].end() :])),
        restated=bool(_SAME.search(header + clause[: marks[0].start()])),
        conditional=conditional,
        choice=choice,
        after_stance=after_stance,
        contrasted=contrasted,
        accepted=accepted,
        asked=question,
        again=bool(_AGAIN.search(clause)),
        reported=recap,
        notes=frozenset(notes),
        headed=proposed and not _PROPOSES.search(clause),
        own=bool(_OWN.search(header + clause)),
        past=recap and bool(_PAST.search(clause)),
    )


def _only_proposed(clause: str) -> str:
    """A clause that weighs moves and then proposes some, without those that it only weighs."""
    proposals = [match for match in _PROPOSES.finditer(clause) if re.search(ATOM, clause[match.end() :])]
    if not proposals:
        return clause
    cut = proposals[0].start()
    for one, two in pairwise(proposals):
        if _CONCLUDES.search(clause[one.end() : two.start()]):
            cut = two.start()
    before = clause[:cut]
    kept = [i.start() for i in re.finditer(CELL, before) if _FROM.search(before[max(0, i.start() - 24) : i.start()])]
    masked = "".join("·" if re.match(ATOM, sign) and i not in kept else sign for i, sign in enumerate(before))
    return masked + clause[cut:]


_APART = re.compile(
    rf"\bi(?:'ll| will|'m going to)? (?:now )?(?:go|move|take|head|explore|try)\b[^.;]{{0,"
    rf"12}}(?P<mine>{MOVE})[^.;]{{0,30}}?"
    rf"\byou(?:'ll| will| can| should)? (?:go|move|take|head|explore|try)\b[^.;]{{0,12}}(?P<yours>{MOVE})",
    _I,
)


def sends_apart(words: str, atoms: Atoms) -> bool:
    """Two ways in one breath, one for each: "I go right and you go down"."""
    match = _APART.search(words)
    return match is not None and atoms.item(match["mine"]) != atoms.item(match["yours"])
