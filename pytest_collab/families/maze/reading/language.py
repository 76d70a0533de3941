"""Whether a message is in words that the rules know."""

from __future__ import annotations

import re
from typing import Final

KNOWN_SHARE: Final = 0.4
"""A message with a smaller share of known words is in words that no rule here reads."""

_ENGLISH: Final = """
    a about above accept accepted adjacent after again agree agreed agreeing agrees ahead all alright also although
    always am an and another any approve approved are around as ask at avoid away awesome aye back be because been
    before begin being below best better between block blocked blocks both bottom bring but by call can cannot cell
    cells certainly check checked choose clear close closed closer coming complete completely confirm confirmed
    consider continue coordinate coordinates copy corner correct could course current currently cut deal dead decide
    did different direction directly disagree do does doing done down each east either else empty end enter even
    every everything exactly except exit fantastic far fine finish finished first five follow following for forward
    four free from full further get gets give go goal goes going good got great grid guess had happy has have haven
    he head heading hello help here hi hidden hit hits hmm hold how however i if impossible in index indeed instead
    into invalid is isn it its just keep know known last lead leads leave left less let lets like list listed look
    looking looks love made make makes map maps mark marked match matches maybe maze me mean means message might mine
    mistake more move moved moves moving much must my narrow nearly need never new next nice no none nope nor north
    not note noted nothing now number numbers object objection obstacle of off ok okay on once one only open option
    or order other our out outside over partner pass passable path perfect perhaps piece place plan please point
    position possible prefer probably problem proceed proposal propose proposed proposing put question r reach reached
    read ready really reject remaining right roger room route row rows safe said same saw say says see seem seems
    seen sense sequence share shared sharing shortest should show shows side sides so solution some something sorry
    sound sounds south space square stand start starting starts step steps still stop straight such suggest
    suggestion summary super sure take takes tell than thank thanks that the their them then there therefore these
    they thing think this those though three through thus to together too top total towards try trying turn turns two
    under understand understood unfortunately unknown until up upwards us use using valid verify very via view visible
    wait walk wall walls want was way ways we well went were west what when where which while who why will with
    without wonderful word work works would write wrong yeah yep yes yet you your column columns col cols based zero
    counting count origin left-most accordingly agreement move's decision step's lead's cells' path's
    """
_WORDS: Final = frozenset(_ENGLISH.split())
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def is_foreign(plain: str) -> bool:
    """Written in words or letters that no rule here knows; signs, numbers and single letters say nothing."""
    sample = plain[:1200]
    words = [word for word in _WORD.findall(sample.lower()) if len(word) > 1]
    if not words:
        return False
    if 2 * sum(sign.isalpha() and not sign.isascii() for sign in sample) > sum(map(str.isalpha, sample)):
        return True
    known = sum(word in _WORDS or word.split("'")[0] in _WORDS for word in words)
    return known < KNOWN_SHARE * len(words) and (len(words) > 1 or not words[0].isascii() or len(words[0]) > 3)
