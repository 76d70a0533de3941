"""Agreement, objection and retraction in one clause of plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.maze.reading.atoms import ATOM, CELL, MOVE


@dataclass(frozen=True, slots=True)
class Stance:
    """What one clause says about what was put forward before it.

    Attributes:
        accept, reject: 0 for not at all, else how plainly, up to 1.
        partial: moves accepted when only so many are; None for all. Negative: all but so many.
        upto: the atom up to which it was accepted.
        retract: the speaker takes something back.
        hedge: the speaker has not made up their mind.
    """

    accept: float = 0.0
    reject: float = 0.0
    partial: int | None = None
    upto: str = ""
    retract: bool = False
    hedge: bool = False


INSTEAD: Final = 0.6
"""How plainly words such as "instead" refuse: only as long as nothing says instead of what."""

_I = re.I
_ASKED = re.compile(
    r"\b(?:if|once|when|whether|until|till|unless|before|after|as soon as|please|pls|plz|can you|could you|"
    r"would you|will you|do you|did you|do u|need you to|"
    r"let me know|waiting for|wait for|await|awaiting|pending|need your|for your|want to|have to|must|need to|"
    r"should both|both must|both need to|both have to|to be|we can|so we can|for us to|"
    r"hope you)\b[^,.;!?]{0,45}?"
    r"\b(?:agree|agreed|agrees|agreeing|agreement|accepting|committing|commit|confirm|confirming|confirmed|"
    r"confirms|confirmation|ok|okay|approve|approval|"
    r"accept|sounds? good|looks? good|works?|fine|correct|yes|verify|acceptable)\b",
    _I,
)
_WOULD = re.compile(
    r"(?:\b(?:i|we)(?:'d| would| could| might| may| can| will)(?: \w+)? )?\b(?:agree|agreed|ok|okay|fine|good|"
    r"works?|accept)\b[^,.;]{0,20}\b(?:if|unless|provided|as long as|once|"
    r"when)\b[^.;]*|"
    r"\b(?:agreeing|accepting|committing|confirming)\b[^.;]{0,30}\b(?:would|is|seems|may|might)\b[^.;]*|"
    r"\bwould (?:\w+ )?(?:agree|accept)\b[^.;]{0,30}\b(?:were|was) it not\b[^.;]*",
    re.I,
)
_AGREE_ELSE = re.compile(
    r"\bagree(?:d|s|ing)? (?:completely |fully |totally )?(?:with (?:you|him|her|them) )?(?:on|about|with|that|to) "
    r"(?:(?:the|a|an|your|our|my|this|that|these|those|all|both|using|use|first|exchange|exchanging|sharing|"
    r"share|how|what|where|"
    r"who|it is|it's|there is|there's) )*(?:(?:row|col|coordinates?|map|maze|grid|start(?:ing)?|goal|wall|"
    r"initial|careful|common|same|good|"
    r"general|overall) )*(?:coordinates?|coordinate system|convention|notation|system|format|frame|numbering|"
    r"origin|order|maps?|walls?|cells?|grid|"
    r"analysis|reading|assessment|description|observations?|summary|point|reasoning|logic|assumptions?|"
    r"interpretation|information|"
    r"start(?:ing)?(?: position| point| cell)?|goal(?: position| cell)?|positions?|locations?|symbols?|rules?|"
    r"need|importance|idea of sharing|"
    r"sharing|exchange|maps)\b[^,.;]*"
    rf"|\bagree(?:d|s)? that (?!{ATOM}|(?:[^,.;]*?\b(?:should|go|going|move|moving|take|best|next move|your "
    rf"(?:path|plan|route|move))\b))[^,.;]*"
    rf"|\bagree(?:d|s)? that (?:we|you|i|both) (?:need|have|must|should (?:first|be|share|exchange|compare|"
    rf"check|agree|start by|use))\b(?![^,.;]*{ATOM})[^,.;]*",
    re.I,
)
_NOT_THE_MOVE = re.compile(
    r"\bnot (?:with |to |on |about )?(?:the|this|that|your) (?:next |proposed |suggested |first |last "
    r")?(?:moves?|proposals?|paths?|plans?|steps?|routes?|suggestion|direction)\b",
    re.I,
)
_NO_QUARREL = re.compile(
    r"(?:\bnot|n't) (?:\w+ )?(?:opposed|averse)(?: to)?\b|(?:can't|cannot|couldn't|don't|do not) (?:find|spot|see) "
    r"(?:anything|any|a) (?:\w+ )?(?:wrong|fault|flaw|error|mistake)s?\b|"
    r"\b(?:don't|do not|can't|cannot|can not|couldn't|wouldn't|won't|will not) (?:\w+ )?(?:disagree|object|"
    r"argue|complain|quarrel|oppose|be opposed)"
    r"(?: with| to| against)?\b",
    re.I,
)
_WALL_THERE = re.compile(
    r"(?<!no )(?<!any )(?<!not a )\b(?:walls?|obstacle|#) (?:there|here|in the way|in that|at that|in this|at "
    r"this|right there|on that)\b|"
    r"\b(?:step|stepping|steps|walk|walking|run|running|lead|leads|leading|bump|bumps|move|moving|takes? us|"
    r"take us|crash|crashing|go|going|goes|straight) "
    r"(?:us )?(?:right |straight |directly )?into (?:a |the |that |my )?(?:walls?|#|obstacle)\b|"
    r"\b(?:that|this|the|next|proposed|target) (?:cell|square|move|step|tile|spot|position|one) is (?:a |an |"
    r"marked as a |actually a )?(?:walls?|#|blocked|obstacle)\b",
    re.I,
)
_AGREE_THAT = re.compile(
    rf"\bagree(?:d)? (?:that |with you that )[^,.;]{{0,40}}\b(?:wall|blocked|hidden|unknown|free|open)\b|"
    rf"\b(?:confirm|agree(?:d)?|correct|yes)[,:]? (?:that )?(?:{CELL}) (?:is|are)\b"
    rf"(?! (?:all |both |also )?(?:fine|ok|okay|good|great|perfect|acceptable|agreed|accepted))|"
    rf"\bconfirm(?:ed)? (?:that )?(?:the )?(?:start|goal)\b|\bagree on (?:a |the )?(?:coordinate|convention|"
    rf"notation|system|format|coordinates)\b",
    _I,
)
_NOT_ACCEPT = re.compile(
    r"\b(?:unable to|not able to|refuse to|hesitant to|reluctant to|not|don't|dont|do not|doesn't|can't|cant|"
    r"cannot|can not|couldn't|won't|wont|isn't|isnt|never|"
    r"didn't|haven't|wouldn't|shouldn't|no longer|hardly) "
    r"(?:\w+ ){0,3}?(?:agree|agreed|accept|approve|concur|consent|support|endorse|commit|sign|go along|go "
    r"with|work|works|ok|okay|fine|good|great|correct|possible|"
    r"do that|go that way|go there|do it|legal|valid|right|happy|support|like|think so|think that)\b"
    r"|\b(?:i|we) (?:don't|do not|dont|doubt) (?:think|believe|feel)\b[^,;]*|\b(?:no|without|not a) "
    r"(?:deal|agreement|consent|approval)\b|\bnot (?:so good|a good|an option|the way|that way|possible|·)|"
    r"·? ?\b(?:isn't|is not) · ",
    _I,
)
_CANNOT_TELL = re.compile(
    r"\b(?:can't|cant|cannot|can not|unable to|not able to|don't|not) (?:\w+ ){0,2}?(?:confirm|verify|see|"
    r"tell|know)\b(?! any| a problem)|\bnot (?:\w+ )?yet\b",
    re.I,
)
_HEDGE = re.compile(
    r"\b(?:not (?:\w+ )?(?:sure|certain|convinced|yet|ready)|unsure|i'm not convinced|let me (?:check|think|"
    r"look|see|verify|double)|need to (?:check|think|see|know|verify)|hmm+|hm|maybe|perhaps|"
    r"(?:might|may|could) (?:be|work)|depends|wait for|can't (?:confirm|verify|see|tell)|cannot (?:confirm|"
    r"verify|see|tell)|don't know|"
    r"do not know|before (?:i|we) (?:agree|commit|confirm|decide)|i will (?:check|think)|i'll (?:check|think)|"
    r"could be)\b",
    _I,
)
_STRONG = re.compile(
    r"\b(?:i (?:fully |completely |totally |also |do |can |would |100% |am )?(?:agree|agreed|accept|approve|"
    r"confirm|concur|support)|agree|agreed|agreeing|agrees|i'?m in agreement|in agreement|we'?re agreed|"
    r"we agree|we are in agreement|"
    r"confirmed|confirm|confirming|accepted|accept|approved|approve|concur|deal|seconded|second that|"
    r"sounds? (?:\w+ )?(?:good|great|fine|perfect|right|like a plan|excellent|reasonable|ok|okay)|"
    r"looks? (?:\w+ )?(?:good|great|fine|right|perfect|correct|ok|okay|valid)|lgtm|"
    r"(?:that|this|it|plan|path|route|which|all|both|everything) (?:\w+ )?(?:works|checks out|is fine|is good|"
    r"is ok|is okay|is great|is perfect|is correct|'s fine|matches)|works for me|checks out|works|"
    r"(?:that's|thats|it's|this is|is) (?:\w+ )?(?:fine|good|ok|okay|great|perfect|correct|valid|a good|the way)|"
    r"(?:fine|good|ok|okay) (?:with|by|for) me|i(?:'m| am) (?:\w+ )?(?:fine|good|ok|okay|happy|in|on board)|on board|"
    r"go ahead|go for it|let'?s (?:do (?:it|that|this|so)|go(?=[\s!,.]*$|,)|go (?:with|for) (?:it|that|this|"
    r"your|yours|the (?:plan|path|route))|proceed|execute|take (?:it|that|your|this)|follow (?:it|that|your|"
    r"this)|move on)|"
    r"good (?:plan|idea|call|move|path|route|thinking|catch|point|choice)|great (?:plan|idea|call|move|path|"
    r"route)|nice (?:plan|idea|one|path|route)|makes (?:\w+ )?sense|"
    r"affirmative|affirm|roger|wilco|aye|ack|acknowledged|absolutely|definitely|certainly|of course|exactly|"
    r"indeed|no (?:objections?|problems?|issues?|complaints)|why not|"
    r"you(?:'re| are) (?:\w+ )?correct|same (?:here|for me|path|plan|route|as (?:you|mine|yours))|i(?:'ll|"
    r" will) (?:go along|go with (?:that|it|your|yours)|follow (?:you|your|that)|take (?:your|that))|your "
    r"(?:plan|path|"
    r"route|way|proposal|suggestion|move|moves|version) (?:is|works|it is|then|wins|seems|looks)|"
    r"(?:yours|your way|your one) (?:is|works|it is|then)|agreement reached|copy that|10-4|as you (?:say|wish|"
    r"propose|suggest)|correct|no walls? (?:there|for me|on my (?:side|map|view)|in the way|on that path|"
    r"from my side)|all (?:clear|good|free)|clear (?:for me|on my (?:side|map|end))|free (?:for me|"
    r"on my (?:side|map|end)))\b"
    r"|\bagre+d\b|\bag+re+ed\b|\bagg?re+e?\b|\bnothing against\b|\bhappy with\b|\b(?:don't|do not|can't|"
    r"cannot) see anything (?:against|wrong)\b|\bi trust you\b|^[^\w\ue000-\uf8ef]*(?:copy|same|ditto|"
    r"likewise|me too)\b|\bwhat i'd do\b|\block(?:ed|ing)? (?:it |that |this )?in\b|\bsame (?:thing|idea|"
    r"conclusion)\b|\bexact(?:ly)? (?:the )?same\b|\bidentical\b|\bi(?:'m| am) with you\b|\bcount me in\b|"
    r"\baligne?[sd]?\b|\bgood to go\b|\ball (?:good|set)\b|\bfair enough\b|\bvery well\b|\bby all means\b|"
    r"\bi (?:like|love) (?:it|that|this|your)\b|\b(?:matches|consistent with|compatible with|"
    r"agrees with) (?:my|what)\b|\b(?:i )?(?:see no|don't see any|do not see any|see nothing) (?:walls?|"
    r"obstacles?|problems?|issues?|conflicts?|reason)\b|\bas (?:proposed|suggested|planned)\b|\bin favou?r\b|"
    r"\bi'?m game\b|\bready[\s!.]*$|\bexcellent (?:choice|plan|idea)\b|\bcan't argue\b|\bdo it\b|"
    r"\bfully agree\b|\b(?:nothing|no wall|no walls) block|^\W*(?:i|we) (?:do|would|am|are)\W*$|\b(?:is|are|"
    r"looks?|seems?|sounds?|works?) (?:all |both )?(?:\w+ )?(?:fine|ok|okay|good|gud|great|perfect|acceptable|"
    r"correct|valid|agreeable)\b|\bi am (?:\w+ )?agree\b|\bdelighted to\b|\bwith pleasure\b|"
    r"\bno objections?\b|\b(?:have|got) (?:my|our|an?|full) (?:agreement|approval|consent|vote|support|"
    r"blessing|deal)\b|"
    rf"\bi consent\b|\btrust (?:you|your|that)\b|{MOVE}[ ,]{{1,2}}(?:then )?it is\b|\bsettled\b|\bcarried\b|"
    rf"[👍✅✔👌🤝💯🆗☑]|\+1\b",
    _I,
)
_WEAK = re.compile(
    r"^\W*(?:(?:player )?[a-d], )?(?:and |so |oh |ah |well )?(?:yes|y(?=\W*$)|yep|yeah|yup|ya|yea|yess+|ja|ok|"
    r"okay|okey|oki|okie|kk|k|sure|"
    r"perfect|great|good|fine|excellent|nice|cool|alright|all right|·|right|awesome|wonderful|fantastic|"
    r"brilliant|super|sweet|totally|true|got it|understood|noted|done|go)\b"
    r"|\b(?:yes|yep|yeah|yup|ok|okay|sure|understood|got it)\W*$",
    _I,
)
_THANKS = re.compile(
    r"^(\W*(?:yes|yep|yeah|yup|sure|deal|fine))[\s,+!&-]+(?:thanks|thank you)(?: a lot| so much| very much)?\W*$", _I
)
_AT_LAST_YES = re.compile(r"[\s,:-](?:so|then|therefore)[ ,:-]+(?:yes|yep|yeah|ok|okay|sure|fine|go)\W*$", _I)
_NOT_YET = re.compile(
    r"\b(?:thanks|thank you|let me|here(?:'s| is| are)|my (?:map|view|grid|maze|copy)|i see|i can see|sharing|"
    r"share|for sharing|info|information|tell me|what (?:do|about)|so my|hello|hi|ready|first i|i (?:now "
    r")?(?:have|understand|know|get)|now i|"
    r"picture|question|point|what you mean|would love|would like|i'd love|i'd like|i wish)\b",
    _I,
)
_STRONG_NO = re.compile(
    r"\b(?:disagree|disagreed|disagrees|i object|objection|reject|rejected|rejecting|veto|refuse|decline|nope|"
    r"nah|no way|negative|not agreed|bad (?:idea|move|plan|path)|wrong|incorrect|invalid|illegal|"
    r"(?:won't|wont|will not|doesn't|doesnt|does not|can't|cannot|can not|didn't) (?:\w+ )?(?:work|be done|"
    r"do that|do it|go (?:there|that way)|pass|fit|agree|accept)|impossible|infeasible|unfeasible|not "
    r"(?:feasible|possible|allowed|valid|"
    r"legal|passable)|"
    r"(?:hits?|into|runs? into|bumps? into|crash(?:es)? into|goes (?:through|into)|passes through|goes thru|"
    r"walks? into) (?:a |the |that |my )?(?:walls?|#|obstacle)|counter-?(?:proposal|propose|offer)|"
    r"let's not|don't (?:do that|go there)|there(?:'s|"
    r" is) a (?:wall|problem|conflict|issue)|we have a (?:problem|conflict)|dead[- ]end|is blocked|blocked|"
    r"no good|not (?:good|ok|okay|correct|fine|working)|problem:|conflict)\b"
    r"|\b(?:that|this|it) (?:won't|will not|would not|wouldn't|doesn't|does not|can't|cannot|contradicts|"
    r"conflicts)\b|\b(?:absolutely|definitely|certainly|of course|hell|hard) no(?:t)?\b|\bi (?:oppose|"
    r"don't like|think not)\b|\bplease don't\b|\bcontradicts?\b|\bdoes(?:n't| not) match\b|\bmismatch\b|"
    r"\bi(?: do)? see (?:a |the )?walls?\b|\bwall in the way\b|\b(?:it|that|this|there)(?:'s| is|"
    r" would be)? (?:just |also )?(?:a )?wall\b|^\W*(?:a )?walls?\W*$|[👎❌🚫⛔✖]",
    _I,
)
_BARE_NO = re.compile(
    rf"^\W*(?:sorry,? |oh |hmm+,? |but |and |well,? |uh,? |um,? )?no+(?=\W*$|[,.!;:] ?|\s+-|\s+(?:that|it|we|"
    rf"you|i|way|not|the|because|wait|there|sorry|{ATOM}))(?! (?:problem|objection|issue|worries|wall))|"
    rf"\b(?:wait|stop|hold on|hang on|careful)\b",
    _I,
)
_PREFERS = re.compile(r"\b(?:i(?:'d| would) (?:rather|prefer)|i prefer)\b", _I)
_INSTEAD = re.compile(
    r"\b(?:instead|rather|alternative(?:ly)?|better (?:to|go|way|path|route|idea|:)|different(?:ly)? (?:path|"
    r"route|way)?|another (?:path|route|way))\b",
    _I,
)
_RETRACT = re.compile(
    r"\b(?:scratch (?:that|my|the last)|back(?:ing)? out of|i(?:'m| am| hereby)? (?:revok|rescind|retract|"
    r"withdraw|cancel)\w*|"
    r"no longer agree|un-?agree|scrap that|forget (?:that|what i|it|my|about (?:that|my))|ignore (?:that|my|the last|"
    r"what i|previous)|disregard|never ?mind|i (?:was|am|were) (?:wrong|mistaken|incorrect)|my (?:mistake|bad|"
    r"error|fault)|i made (?:a|an) (?:mistake|error)|i misread|misread|i (?:take|took) (?:it |that |"
    r"this )?back|"
    r"take (?:that|it) back|i retract|retract(?:ing|ed)?|withdraw(?:ing|n)?|correction|oops|whoops|wait,? no|"
    r"no,? wait|actually,? (?:no|wait|scratch)|sorry,? (?:no|wait|i (?:was|made|misread|got))|cancel (?:that|"
    r"my|it|last)|undo|i change my mind|changed my mind|on second thought|let me (?:correct|revise|redo|"
    r"rethink)|i got (?:it|that) wrong|i mis(?:spoke|counted|typed)|hold on,? (?:no|i|that))\b",
    _I,
)
_COUNT: Final = {
    word: value
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
}
_FIRST_N = re.compile(
    r"\b(?:first|initial) (?P<n>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)? ?(?P<unit>moves?|"
    r"steps?|cells?|squares?|ones?|part|half|bit|of (?=the|these|your|those))?\b",
    _I,
)
_NTH: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_ALL_BUT = re.compile(
    r"\b(?:except|apart from|but not|besides|everything but|all but|"
    r"other than) (?:for )?(?:the )?(?:very )?(?:last|final) (?P<n>\d{1,2}|one|two|three|four|"
    r"five)? ?(?:moves?|steps?|cells?|one|part)?",
    _I,
)
_UP_TO = re.compile(
    rf"\b(?:up to|until|till|as far as|through to|upto|till the) (?:and including )?(?:the )?(?:cell |point |"
    rf"position |square )?(?P<cell>{CELL})",
    _I,
)
_FLAT_NO = re.compile(r"\b(?:absolutely|definitely|certainly|of course) not?\b", re.I)
_HUM = re.compile(r"\bh+m+\b", re.I)
_STOP = re.compile(r"\bstop after the (?P<n>first|second|third|fourth|fifth)\b", re.I)
_STOP_AT = re.compile(rf"\bstop(?:ping)? (?:at|after|on|in) (?:the )?(?:cell |position )?(?P<cell>{CELL})", _I)
_ONLY = re.compile(r"\b(?:just|only)\b[^.;]{0,30}\b(?:first|initial)\b", re.I)
_FIRST_ATOMS = re.compile(rf"\bfirst (?:\w+ )?{MOVE}", _I)


_OPENING = re.compile(
    r"^\W*(?:agree[d]?|yes|yep|yeah|ok|okay|sure|done|great|perfect|good|fine|deal|confirmed|accepted|"
    r"sounds good|i agree|got it|k|kk)\b"
    r"(?=[ ]?[,:;!-] ?\S|[ ]+(?:then|now|next|and)\b)",
    re.I,
)


def _keep_objection(match: re.Match[str]) -> str:
    """Of "I'd agree if ..., but ..." only what comes after the condition."""
    return match[0][match[0].find(",") :] if "," in match[0] else " "


def _number(word: str | None) -> int | None:
    if not word:
        return None
    return int(word) if word.isdigit() else _COUNT.get(word.lower())


def stance(clause: str, *, question: bool) -> Stance:
    """What a clause says about the last proposal. A question takes no stance, but for a tag (`no?`).

    Args:
        clause: words with atoms, without the final mark.
    """
    words = clause
    retract = bool(_RETRACT.search(words))
    if question:
        opening = _OPENING.match(words)
        if opening is None:
            return Stance(retract=retract, hedge=bool(_HEDGE.search(words)))
        words = opening[0]
    hedge = bool(_HEDGE.search(words))
    words = re.sub(r"\blet us\b", "let's", words, flags=_I)
    no_quarrel = _NO_QUARREL.search(words) is not None
    words = _NO_QUARREL.sub(" ", words)
    words = _ASKED.sub(" ", _WOULD.sub(_keep_objection, _AGREE_THAT.sub(" ", _AGREE_ELSE.sub(" ", words))))
    if _CANNOT_TELL.search(words):
        hedge, words = True, _CANNOT_TELL.sub(" ", words)
    reject = 0.9 if _NOT_THE_MOVE.search(words) or _WALL_THERE.search(words) else 0.0
    if _NOT_ACCEPT.search(words):
        words = _NOT_ACCEPT.sub(" ", words)
        reject = 0.9
    if _STRONG_NO.search(
        re.sub(
            r"\b(?:no|not|isn't|isnt|without|never|nothing|anything|avoid|avoids|any|were|was)(?: a| an| "
            r"any)? (?:\w+ )?(?:wrong|"
            r"blocked|walls?|objections?|dead[- ]end|problems?|conflicts?|disagree\w*)\b",
            " ",
            words,
            flags=_I,
        )
    ):
        reject = 0.9
    if _BARE_NO.search(words):
        reject = max(reject, 0.7)
    accept = 0.0
    if _AT_LAST_YES.search(words):
        accept = 0.9
    elif no_quarrel or _STRONG.search(_FLAT_NO.sub(" ", words)):
        accept = 0.95
    elif _WEAK.search(words):
        accept = 0.0 if _NOT_YET.search(_THANKS.sub(r"\1", words)) else 0.8
    if hedge and accept < 0.9:
        accept = 0.6 if accept and not _HEDGE.search(_HUM.sub(" ", words)) else 0.0
    partial: int | None = None
    upto = ""
    if (match := _STOP.search(words)) is not None:
        return Stance(0.8, 0.0, _NTH[match["n"].lower()], "", retract, hedge)
    if (match := _STOP_AT.search(words)) is not None:
        return Stance(0.8, 0.0, None, match["cell"], retract, hedge)
    if accept or _ONLY.search(words):
        partial, upto = _part(words)
        if partial is not None or upto:
            return Stance(max(accept, 0.8), 0.0, partial, upto, retract, hedge)
    if _INSTEAD.search(words):
        accept = 0.0
        reject = max(reject, INSTEAD)
    elif _PREFERS.search(words):
        accept = 0.0
        reject = max(reject, 0.5)
    return Stance(accept, reject, None, "", retract, hedge)


_LISTED_STEPS = re.compile(
    r"\b(?:steps?|moves?|items?|points?|nos?\.?) #?1\b(?:[ ]?(?:,|-|to|and|through|&)[ ]?(?:\d[ ]?,[ ]?)*(?:and )?"
    r"(?P<n>\d{1,2}))?",
    _I,
)


def _part(words: str) -> tuple[int | None, str]:
    """(how many moves, up to which atom) an acceptance is limited to; negative: all but so many."""
    if (match := _ALL_BUT.search(words)) is not None:
        return -(_number(match["n"]) or 1), ""
    match = _FIRST_N.search(words)
    if match is not None and match[0].lower().startswith(("first", "initial")):
        single = (match["unit"] or "").lower() in ("move", "step", "one", "cell", "of ")
        if (count := _number(match["n"]) or (1 if single else None)) is not None:
            return count, ""
    if (match := _LISTED_STEPS.search(words)) is not None:
        return int(match["n"] or 1), ""
    if (match := _UP_TO.search(words)) is not None:
        return None, match["cell"]
    return None, ""


_DONE = re.compile(
    r"\b(?:we(?:'re| are|'ve| have|ve|re)? (?:now |both |all |successfully |finally |already )*(?:reached|"
    r"done|finished|arrived|at the goal|made it|did it|solved|completed|there)|goal (?:has been |is |"
    r"was )?(?:now )?(?:reached|achieved)|"
    r"(?:maze|puzzle) (?:is )?(?:solved|complete|completed|done|finished)|(?:task|"
    r"mission) (?:is )?(?:complete|completed|accomplished|done)|reached (?:the )?(?:goal|exit|target|\*)|"
    r"i(?:'m| am) done(?! (?:with|looking|checking|reading|sharing|describing|listing|analy|for now|here with))|"
    r"all done|that's it, done|arrived at (?:the )?goal)\b|^\W*(?:done|finished|solved)\W*$",
    _I,
)
_NOT_DONE = re.compile(
    r"\b(?:until|till|if|once|when|should|will|would|not|haven't|to have|after|before|and then|can be|could|"
    r"then we|'ll|by then|so that|means?|which)\b",
    _I,
)


def says_done(clause: str, *, question: bool) -> bool:
    """The clause says that the goal is reached or that nothing is left to do."""
    match = None if question else _DONE.search(clause)
    return match is not None and not _NOT_DONE.search(clause[max(0, match.start() - 30) : match.end()])
