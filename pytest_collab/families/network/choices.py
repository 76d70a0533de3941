"""Choices that were announced and not kept, or made against what a neighbour had announced."""

from __future__ import annotations

from pytest_collab.episode.outcome import Failure
from pytest_collab.families.network.flow import Case, Told
from pytest_collab.families.network.rules import NO, YES, Answer
from pytest_collab.families.rounds import evidence as show


class Choices:
    """The failures of a case that follow from what its seats said that they would answer."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def _own_claims(self) -> dict[int, tuple[Answer, Told]]:
        """By node, what it last said that it chooses."""
        claims: dict[int, tuple[Answer, Told]] = {}
        for one in self.case.flow.told:
            for fact in one.facts:
                if fact.what == "choice" and fact.about == self.case.deal.names[one.node]:
                    assert not isinstance(fact.value, tuple)
                    claims[one.node] = (fact.value, one)
        return claims

    def broken_promises(self) -> list[Failure]:
        """Announced choices, against the answer."""
        checks = []
        for node, (choice, one) in self._own_claims().items():
            answer = self.case.answers[node]
            if answer is None or node not in self.case.answered or self._left_alone(node, choice):
                continue
            note = f"said {one.said.text[-80:]!r} and answered {answer}"
            events = (one.said.event.seq, self.case.reply(node))
            checks.append(show.Check(self.case.seats[node], events, choice == answer, note))
        return show.broken(checks, least=1)

    def _left_alone(self, node: int, choice: Answer) -> bool:
        """In a matching: the one that the node wanted to pair with went with somebody else."""
        if self.case.deal.kind != "matching" or choice not in self.case.deal.names:
            return False
        return self.case.answers[self.case.deal.names.index(str(choice))] != self.case.deal.names[node]

    def disagreement(self, blamed: set[str]) -> list[Failure]:
        """Of neighbours whose choices do not fit, those who had heard the other's before they made theirs known."""
        found = []
        claims = self._own_claims()
        for node in self.case.result.wrong:
            seat = self.case.seats[node]
            for other in self._clashing(node):
                claim = claims.get(other)
                if claim is None or self.case.answers[other] != claim[0] or self.case.seats[other] in blamed:
                    continue
                first = self._read_of(node, self.case.deal.names[other], claim[0])
                mine = claims.get(node)
                if first is None or node not in self.case.answered or (mine and mine[1].round <= first.round):
                    continue
                note = (
                    f"had read that {self.case.deal.names[other]} answers {claim[0]}, and answered "
                    f"{self.case.answers[node]} all the same"
                )
                events = [first.said.event.seq, self.case.reply(node)]
                found.append(Failure.of("disagreement", seat, events=events, note=note))
                break
        return found

    def _read_of(self, node: int, name: str, choice: Answer) -> Told | None:
        """The first message to the node that tells of somebody's choice."""
        for one in self.case.flow.told:
            for fact in one.facts:
                if node in one.to and fact.what == "choice" and fact.about == name and fact.value == choice:
                    return one
        return None

    def _clashing(self, node: int) -> list[int]:
        """Nodes whose answer does not go with that of `node`."""
        deal, answers, mine = self.case.deal, self.case.answers, self.case.answers[node]
        if deal.kind == "leader":
            return [other for other in range(deal.nodes) if other != node and answers[other] == YES == mine]
        near = deal.near[node]
        if deal.kind == "colouring":
            return [other for other in near if answers[other] == mine]
        if deal.kind == "cover":
            return [other for other in near if answers[other] == NO == mine]
        return [other for other in near if deal.names[other] == mine and answers[other] != deal.names[node]]
