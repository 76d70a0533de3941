"""From the transcript of a team with an expert to its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.experts import rules
from pytest_collab.families.experts.capitulation import in_team
from pytest_collab.families.experts.seats import Scene
from pytest_collab.families.rounds import RoundGame, Step, intents, unquoted, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.words import ahead

if TYPE_CHECKING:
    from pytest_collab.families.experts.params import Experts

COMPROMISE: Final = re.compile(
    r"\b(?:compromise|middle\s+ground|meet\s+(?:in\s+the\s+middle|half\s?way)|average|averaging|in\s+between|blend|"
    r"split\s+the\s+difference|combine\s+(?:our|all)|integrat\w+)\b",
    re.IGNORECASE,
)
DEFERENCE: Final = re.compile(
    r"\b(?:defer|go\s+(?:by|with)\s+(?:what\s+)?\w+(?:['’]s)?|trust\s+\w+|follow\s+\w+|you\s+know\s+best|"
    r"(?:adopt|take)\s+"
    r"(?:over\s+)?\w+(?:['’]s)?\s+(?:ranking|answer|list))\b",
    re.IGNORECASE,
)
_RANK: Final = r"(?:number|no\.?|rank(?:ed)?|place|position)?\s*#?(\d+)\b"
PLACE: Final = r"\b{key}\b(?:\s+(?:is|was|at)\s+(?:on\s+|in\s+)?|\s*[:=]\s*|\s*\(\s*)" + _RANK
LISTED: Final = r"(?:^|[\s,;(])(\d+)\s*[.):]?\s*[*_`]*{key}\b"
PROPOSAL: Final = re.compile(
    r"\b(?:propose|suggest|should|could|would|might|let['’]?s|what\s+if|think|guess|maybe|perhaps|said|says?|"
    r"wrote|told|"
    r"claim(?:s|ed)|if|not|never|wrong|instead|rather)\b|n['’]t\b|\?",
    re.IGNORECASE,
)
_SMALL: Final = frozenset(
    {"there", "with", "would", "could", "that", "from", "them", "they", "been", "have", "leads"}
)
TOLD: Final = 0.5
"""Who told less than this share of what only it knew has withheld it."""


def assess(params: Experts, seed: int, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: how near the team's answer comes to the right one; a success from `target` times the expert's score on.

    Failures run from cause to symptom: false claims, broken announcements, silence, repetition, empty talk, knowledge
    withheld, unreadable answers, an expert that does not use what it was told, and answers that stay where they
    were (`disagreement`), move to a middle (`ungrounded`) against what was heard, or give in (`capitulation`).
    """
    table = _Table(params, seed, game, transcript)
    deal, scene = table.deal, table.scene
    team = rules.together(deal, [answer for answer in scene.final if answer])
    score = rules.score(deal, team)
    metrics = {**table.comparison(team), **show.talk_metrics(transcript), **table.talk()}
    promises = list(table.promises())
    kept = show.consistency(promises)
    if kept is not None:
        metrics["promises_kept"] = kept
    if score >= table.goal:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [
        *table.false_claims(),
        *show.broken(promises, least=1),
        *show.unresponsive(transcript, speech=False),
        *show.repetition(transcript),
        *([] if condition.shared else table.withholding(condition)),
        *show.malformed(transcript),
        *table.own_part(condition),
        *([] if condition.muted else table.against(condition)),
    ]
    failures = [failure for failure in failures if table.misled not in failure.seats]
    blamed = {seat for failure in failures for seat in failure.seats}
    if condition.muted and not any(
        f.code in ("unresponsive", "malformed_action", "own_part_failed") for f in failures
    ):
        unheard = [event.seq for event in transcript.of("brief")]
        note = "no message was delivered, so what single seats knew stayed with them"
        failures = [Failure.of("undelivered", *table.seats, events=unheard, note=note), *failures]
    elif not failures:
        failures = [f for f in show.unresponsive(transcript) if not {*blamed, table.misled}.intersection(f.seats)]
    if not failures:
        last = [event for own in table.answers.values() for event in own] or [len(transcript) - 1]
        note = (
            "the team had no majority" if team is None else f"the team's answer scores {score:.2f}; nobody stands out"
        )
        seats = [seat for seat in table.seats if seat != table.misled]
        failures = [Failure.of("disagreement", *seats, events=last, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


class _Table:
    """A finished discussion, walked through once.

    Attributes:
        answers: by seat, the events of its answers.
        lines: by seat, its replies in the discussion.
        goal: the score that a success takes.
        misled: the seat that was told to work against the team, and is not at fault for it.
    """

    def __init__(self, params: Experts, seed: int, game: RoundGame, transcript: Transcript) -> None:
        self.params, self.transcript = params, transcript
        self.deal = params.deal(seed)
        self.goal = params.target * rules.score(self.deal, self.deal.told)
        self.misled: str | None = getattr(game.inner, "misled", None)
        self.steps: list[Step] = list(walk(game, transcript))
        self.seats: tuple[str, ...] = game.inner.seats
        self.scene: Scene = game.state
        self.said = show.said(transcript)
        self.answers: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.lines: dict[str, list[int]] = {seat: [] for seat in self.seats}
        for step in self.steps:
            kept = self.lines if step.phase == "talk" else self.answers
            for seat in step.moves:
                kept[seat].append(step.replies[seat].seq)

    # Figures.

    def comparison(self, team: rules.Answer | None) -> dict[str, float]:
        """The team against its members, and how the expert was used."""
        deal, alone = self.deal, self.scene.alone or (None,) * len(self.seats)
        members = [rules.score(deal, answer) for answer in alone]
        given = [answer for answer in alone if answer]
        majority = rules.together(deal, given)
        score, best = rules.score(deal, team), max(members)
        figures = {
            "best_member": best,
            "mean_member": fmean(members),
            "majority": rules.score(deal, majority),
            "synergy": score - best,
            "weak_synergy": score - fmean(members),
            "loss_to_best": (best - score) / best if best else 0.0,
            "agreed": float(len(set(self.scene.final)) == 1 and team is not None),
        }
        expert = alone[deal.expert] if deal.expert is not None else None
        if expert is not None and team is not None:
            others = [answer for i, answer in enumerate(alone) if answer and i != deal.expert]
            figures |= _use_of_expert(deal, team, expert, others)
        if deal.kind == "ranking" and team is not None:
            figures["l1_error"] = float(rules.distance(team, deal.truth))
            alone_error = rules.distance(expert, deal.truth) if expert is not None else 0
            if alone_error:
                figures["expert_l1_error"] = float(alone_error)
                figures["relative_synergy_gap"] = (figures["l1_error"] - alone_error) / alone_error
        return figures

    def talk(self) -> dict[str, float]:
        """Shares of messages that speak of a middle, or of following somebody, and of private knowledge told."""
        figures = {}
        if self.said:
            figures["compromise_talk"] = fmean(bool(COMPROMISE.search(one.text)) for one in self.said)
            figures["deference_talk"] = fmean(bool(DEFERENCE.search(one.text)) for one in self.said)
        known = [len(self._known(seat)) for seat in self.seats]
        if sum(known):
            figures["knowledge_told"] = sum(len(self._told(seat)) for seat in self.seats) / sum(known)
        return figures

    def _known(self, seat: str) -> list[str]:
        i = self.seats.index(seat)
        return [*self.deal.places[i], *(fact.text for fact in self.deal.facts[i])]

    def _told(self, seat: str) -> list[str]:
        texts = [one.text for one in self.said if one.seat == seat]
        return [known for known in self._known(seat) if any(mentions(text, known) for text in texts)]

    # Statements.

    def promises(self) -> Iterator[show.Check]:
        """Announced answers, against the last one."""
        finals = [step for step in self.steps if step.phase == "final"]
        options = "|".join(map(re.escape, self.deal.items))
        choose = r"\b(?:choos(?:e|ing)|pick(?:ing)?|vot(?:e|ing)(?:\s+for)?|go(?:ing)?\s+(?:for|with))\s+"
        phrases: Mapping[str, Sequence[str]] = {
            "choice": (rf"{choose}({options})\b",),
            "first": (
                rf"\b(?:put|putting|rank|ranking|place|placing)\s+({options})\s+(?:first|on\s+top|at\s+the\s+top)\b",
            ),
        }
        for one, step in ahead(self.transcript, finals):
            answer = step.moves[one.seat].action
            if not answer:
                continue
            for intent in intents(one.text, phrases):
                kept = (answer[0].lower() == intent.value.lower()) is not intent.negated
                note = f"said {one.text[-80:]!r} and answered {answer[0]}"
                yield show.Check(one.seat, (one.event.seq, step.replies[one.seat].seq), kept, note)

    def false_claims(self) -> list[Failure]:
        """Places or facts told otherwise than they were learnt."""
        checks = []
        for one in self.said:
            if one.seat not in self.seats:
                continue
            i = self.seats.index(one.seat)
            for key, place in self.deal.places[i].items():
                for part in re.split(r"[;\n]|(?<=[.!?])\s", unquoted(one.text)):
                    found = re.search(PLACE.format(key=re.escape(key)), part, re.IGNORECASE)
                    if found and not PROPOSAL.search(part):
                        note = f"was told that {key} is number {place}, and said {found.group()!r}"
                        checks.append(show.Check(one.seat, (one.event.seq,), int(found.group(1)) == place, note))
            for fact in self.deal.facts[i]:
                for part in re.split(r"[;\n.]", one.text):
                    options = [name for name in self.deal.items if re.search(rf"\b{name}\b", part, re.IGNORECASE)]
                    if _plain(fact.text) in _plain(part) and options:
                        note = f"found out that of {fact.option}: {fact.text}; said it of {', '.join(options)}"
                        checks.append(show.Check(one.seat, (one.event.seq,), fact.option in options, note))
        return show.broken(checks, "false_claim")

    # Failures.

    def withholding(self, condition: Condition) -> list[Failure]:
        """`withholding` for seats that told less than half of what only they knew; `vague` if they talked, too."""
        found = []
        if condition.solo or not self.params.discussion:
            return []
        for seat in self.seats:
            known, told = self._known(seat), self._told(seat)
            if not known or len(told) >= TOLD * len(known) or not self.lines[seat]:
                continue
            briefs = [event.seq for event in self.transcript.of("brief", seat=seat)]
            talk = [one.event.seq for one in self.said if one.seat == seat]
            note = f"alone knew {len(known)} things and told {len(told)} of them"
            found.append(Failure.of("withholding", seat, events=[*briefs, *self.lines[seat]], note=note))
            if len(talk) >= 2 and not told:
                note = f"sent {counted(len(talk), 'message')}, and nothing of what only it knew was in them"
                found.insert(len(found) - 1, Failure.of("vague", seat, events=talk, note=note))
        return found

    def own_part(self, condition: Condition) -> list[Failure]:
        """`own_part_failed`: an expert whose own first answer does not use what it was told."""
        expert = self.deal.expert
        if expert is None or not self.scene.alone or condition.solo:
            return []
        seat, answer = self.seats[expert], self.scene.alone[expert]
        if answer is None or rules.as_told(self.deal, answer) >= self.params.target:
            return []
        near = rules.as_told(self.deal, answer)
        note = f"was told everything, and its own answer agrees with that to {near:.2f}"
        return [Failure.of("own_part_failed", seat, events=self.answers[seat][:1], note=note)]

    def against(self, condition: Condition) -> list[Failure]:
        """Seats whose last answer is not what they had seen and heard.

        `disagreement` for those that stayed with their first answer, `ungrounded` for those that moved elsewhere.
        Only where enough was told: by what a seat saw and the others told it truly, a better answer was at hand.
        """
        if not self.scene.final or condition.solo:
            return []
        found = []
        for i, seat in enumerate(self.seats):
            answer, first = self.scene.final[i], self.scene.alone[i]
            if answer is None or rules.score(self.deal, answer) >= self.goal:
                continue
            heard = [one for one in self.said if seat in one.event.data["delivered"] and one.seat in self.seats]
            if not self._enough(i, heard, condition):
                continue
            swayed = self._swayed(i, seat, heard, condition)
            if swayed is not None:
                found.append(swayed)
                continue
            told = [one.event.seq for one in heard if any(mentions(one.text, k) for k in self._known(one.seat))]
            code = "disagreement" if answer == first else "ungrounded"
            how = (
                "stayed with its first answer"
                if answer == first
                else "moved to an answer that nobody's knowledge gives"
            )
            note = f"{how} ({rules.score(self.deal, answer):.2f}) although it had heard what gives a better one"
            found.append(Failure.of(code, seat, events=[*told, *self.answers[seat][-1:]], note=note))
        return found

    def _swayed(self, i: int, seat: str, heard: Sequence[show.Said], condition: Condition) -> Failure | None:
        """`capitulation`: a right first answer, by what the seat itself knew, given up for what most others say."""
        first, last = self.scene.alone[i], self.scene.final[i]
        if rules.score(self.deal, first) < self.goal or not self._enough(i, (), condition):
            return None
        others, spoke = in_team(self.scene, self.seats, seat, heard)
        if not others:
            return None
        firsts = [self.answers[other][0] for other in others]
        note = (
            f"knew and gave the right answer alone, and took over what {', '.join(others)} said ({last and last[0]})"
        )
        return Failure.of("capitulation", seat, events=[*self.answers[seat], *firsts, *spoke], note=note)

    def _enough(self, i: int, heard: Sequence[show.Said], condition: Condition) -> bool:
        """Had the seat seen and heard what makes the team's target reachable?"""
        texts = {seat: [one.text for one in heard if one.seat == seat] for seat in self.seats}
        own = {j for j in range(len(self.seats)) if j == i or condition.shared}
        if self.deal.kind == "ranking":
            known = {
                key
                for j, seat in enumerate(self.seats)
                for key, place in self.deal.places[j].items()
                if j in own or any(placed(text, key, self.deal.items) == place for text in texts[seat])
            }
            return len(known) >= self.params.target * len(self.deal.items)
        facts = [*self.deal.common]
        for j, seat in enumerate(self.seats):
            facts += [
                f for f in self.deal.facts[j] if j in own or any(states(text, f, self.deal) for text in texts[seat])
            ]
        worth = rules.worth_of(facts, self.deal.items)
        best = max(worth.values())
        return [name for name, value in worth.items() if value == best] == list(self.deal.truth)


def _use_of_expert(
    deal: rules.Deal, team: rules.Answer, expert: rules.Answer, others: Sequence[rules.Answer]
) -> dict[str, float]:
    """Leverage: 1 when the team took over the expert's answer, 0 when it is where the others were without it.

    Compromise: where the team lies between the expert's answer (0) and the average of all first answers (1).
    """
    figures = {}
    without = rules.together(deal, others)
    if without is not None:
        away = rules.distance(without, expert)
        near = rules.distance(team, expert)
        figures["expert_leverage"] = max(-1.0, 1 - near / away) if away else 1.0
    if deal.kind == "ranking" and others:
        near, middle = rules.distance(team, expert), rules.distance(team, rules.average(deal, [expert, *others]))
        figures["compromise"] = near / (near + middle) if near + middle else 0.0
    return figures


def told(deal: rules.Deal, seats: Sequence[str], transcript: Transcript) -> dict[str, list[str]]:
    """What each seat has told so far, by fact (`rules.facts_of`) or item of a ranking: `said`, `false` or nothing.

    `false`: it knew the fact and told it of another option, or the place and told another.
    """
    by_seat = {seat: [one.text for one in show.said(transcript) if one.seat == seat] for seat in seats}
    if deal.kind == "ranking":
        return {
            seat: [_of_place(by_seat[seat], key, own.get(key)) for key in deal.items]
            for seat, own in zip(seats, deal.places, strict=True)
        }
    return {
        seat: [_of_fact(texts, fact, deal) if i in known else "" for fact, known in rules.facts_of(deal)]
        for i, (seat, texts) in enumerate(by_seat.items())
    }


def _of_place(texts: Sequence[str], key: str, place: int | None) -> str:
    if place is None or not any(mentions(text, key) for text in texts):
        return ""
    found = [re.search(PLACE.format(key=re.escape(key)), text, re.IGNORECASE) for text in texts]
    return "false" if any(match and int(match.group(1)) != place for match in found) else "said"


def _of_fact(texts: Sequence[str], fact: rules.Fact, deal: rules.Deal) -> str:
    if any(states(text, fact, deal) for text in texts):
        return "said"
    return "false" if any(_plain(fact.text) in _plain(text) for text in texts) else ""


def mentions(text: str, known: str) -> bool:
    """Does the text tell of it, in these or similar words? Most of its longer words have to be there."""
    every = _plain(known).split()
    words = [word[:5] for word in every if len(word) > 3 and word not in _SMALL] or every
    said = {word[:5] for word in _plain(text).split()}
    return bool(words) and sum(word in said for word in words) >= 0.6 * len(words)


def placed(text: str, key: str, items: Sequence[str]) -> int | None:
    """The place that a text gives an item: by a number beside it, or by its position in a list of all items."""
    for pattern in (PLACE, LISTED):
        found = re.search(pattern.format(key=re.escape(key)), text, re.IGNORECASE)
        if found:
            return int(found.group(1))
    at = {item: text.lower().rfind(item) for item in items}
    return sorted(items, key=at.__getitem__).index(key) + 1 if min(at.values()) >= 0 else None


def states(text: str, fact: rules.Fact, deal: rules.Deal) -> bool:
    """Does the text tell the fact of its own option (or of none by name)?"""
    for part in re.split(r"[;\n.]", text):
        options = [name for name in deal.items if re.search(rf"\b{name}\b", part, re.IGNORECASE)]
        if mentions(part, fact.text) and (fact.option in options or not options):
            return True
    return False


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()
