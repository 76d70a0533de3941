"""The built-in players of dilemmas: strategies that remember one round, and players with a planted fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.dilemma.memory import MEMORY_ONE
from pytest_collab.families.dilemma.prices import MARKET
from pytest_collab.families.rounds import Player, Say, cast_of


class Partner(Player):
    """Tit for tat: cooperates first, then does what the other did; delegates to a mediator and signs a contract that
    make cooperation safe, and proposes such ones."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.known: dict[str, bool] = {}

    def say(self, request: Request) -> Say:
        view = request.view
        phase, payoffs = view["phase"], view["payoffs"]
        if phase == "design":
            return Say((self.design(view),))
        if phase == "vote":
            return Say((f"APPROVE: {', '.join(self.approved(view)) or 'none'}",))
        if phase == "sign":
            return Say((f"SIGN: {'yes' if self.fair(view['chosen'], payoffs) else 'no'}",))
        if phase == "choose":
            return Say((f"PARTNER: {', '.join(self.partners(view)) or 'nobody'}",))
        if phase == "punish":
            return Say(("PUNISH: nobody",))
        action = self.action(view)
        if phase == "talk":
            return Say((), ((None, f"I will choose {view['shown'].get(action, action)}."),))
        return Say.action(view["shown"].get(action, action))

    def partners(self, view: Mapping[str, Any]) -> list[str]:
        """Whom it would play with: all but who did not cooperate when it last played; its last partner first."""
        me, last = self.seat.name, self.records(view)
        met = next((group for group in reversed(self.met(view)) if me in group), ())
        fair = [other for other in self.seat.seats if other != me and last.get(other, True)]
        return sorted(fair, key=lambda other: other not in met)

    def met(self, view: Mapping[str, Any]) -> list[list[str]]:
        """The pairs of the last round."""
        return list(view["past"][-1]["groups"]) if view["past"] else []

    def records(self, view: Mapping[str, Any]) -> dict[str, bool]:
        """By seat that has played, whether it cooperated when it last did."""
        for round_ in view["past"]:
            for group in round_["groups"]:
                self.known |= {name: view["payoffs"].cooperates(round_[name]) for name in group}
        return self.known

    def action(self, view: Mapping[str, Any]) -> str:
        """What it plays."""
        payoffs = view["payoffs"]
        if view["mediator"] is not None and self.fair(view["mediator"], payoffs):
            return "delegate"
        return str(self.answer(self.seen(view), payoffs))

    def answer(self, seen: str | None, payoffs: Any) -> str:
        """Its choice after what it saw last: the action least like cooperation; None when it saw nothing.

        Of prices it sets the one that is best against the other's last: it competes.
        """
        if payoffs.highest is not None:
            return str(payoffs.tempt) if seen is None else f"{MARKET.answer([float(seen)]):.3f}"
        return str(payoffs.cooperate) if seen is None else seen

    def seen(self, view: Mapping[str, Any]) -> str | None:
        """The worst that those of its group did in the last round."""
        if not view["past"]:
            return None
        order, others = view["payoffs"].actions, [other for other in view["group"] if other != self.seat.name]
        last = next((round_ for round_ in reversed(view["past"]) if all(round_[one] for one in others)), None)
        if last is None:
            return None
        did = [last[other] for other in others]
        if view["payoffs"].highest is not None:
            return str(min(did, key=float))
        return (
            str(min(did, key=order.index))
            if view["payoffs"].cooperate == order[-1]
            else str(max(did, key=order.index))
        )

    def design(self, view: Mapping[str, Any]) -> str:
        """A mediator that cooperates when all delegate, or a contract that makes the tempting action pay nothing."""
        payoffs, shown = view["payoffs"], view["shown"]
        if view["mechanism"] == "mediation":
            played = [payoffs.tempt] * (payoffs.places - 1) + [payoffs.cooperate]
            return "MEDIATOR: " + ", ".join(f"{n}={shown[action]}" for n, action in enumerate(played, 1))
        fine = 2 * max(payoffs.together)
        amounts = {action: 0 if action == payoffs.cooperate else -fine for action in payoffs.actions}
        return "CONTRACT: " + ", ".join(f"{shown[action]}={amount:g}" for action, amount in amounts.items())

    def approved(self, view: Mapping[str, Any]) -> list[str]:
        """Those whose design makes cooperation safe."""
        return [name for name, design in view["designs"].items() if self.fair(design, view["payoffs"])]

    def fair(self, design: Any, payoffs: Any) -> bool:
        """Cooperates if all delegate; or pays nobody for anything, and takes nothing for cooperation."""
        if isinstance(design, tuple):
            return bool(design[-1] == payoffs.cooperate)
        if design is None:
            return False
        return bool(all(amount <= 0 for amount in design.values()) and design[payoffs.cooperate] == 0)


class Generous(Partner):
    """Tit for tat that forgives one time in three."""

    def answer(self, seen: str | None, payoffs: Any) -> str:
        told = super().answer(seen, payoffs)
        return str(payoffs.cooperate) if self.random.random() < 1 / 3 else told


class Grim(Partner):
    """Cooperates until somebody does not, and never again."""

    wronged = False

    def answer(self, seen: str | None, payoffs: Any) -> str:
        self.wronged = self.wronged or (seen is not None and not payoffs.cooperates(seen))
        return str(payoffs.tempt if self.wronged else payoffs.cooperate)


class Extorter(Partner):
    """Press and Dyson's extortion (doi 10.1073/pnas.1206569109), factor 3 (`memory.MEMORY_ONE`): of what there is
    beyond mutual defection it is paid three times as much as the other, whatever that one does."""

    mine: str | None = None

    def answer(self, seen: str | None, payoffs: Any) -> str:
        strategy = MEMORY_ONE["extorter"]
        if seen is None or self.mine is None:
            chance = strategy.first
        else:
            chance = strategy.after[payoffs.cooperates(self.mine), payoffs.cooperates(seen)]
        self.mine = payoffs.cooperate if self.random.random() < chance else payoffs.tempt
        return str(self.mine)


class Unconditional(Partner):
    """Cooperates, whatever others do."""

    def answer(self, seen: str | None, payoffs: Any) -> str:
        return str(payoffs.cooperate)


class Colluder(Unconditional):
    """Takes the action that is best for all, and asks the others to: with prices, a cartel."""

    def say(self, request: Request) -> Say:
        if request.view["phase"] == "talk":
            price = request.view["payoffs"].cooperate.upper()
            return Say((), ((None, f"Let us all choose {price} from now on. I will choose {price}."),))
        return super().say(request)


class Chooser(Unconditional):
    """Cooperates with whom it plays, and plays no more with who did not: it leaves, and does not pay back."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.left: set[str] = set()

    def partners(self, view: Mapping[str, Any]) -> list[str]:
        self.left |= {name for name, fair in self.records(view).items() if not fair}
        return [other for other in super().partners(view) if other not in self.left]


class Hermit(Unconditional):
    """Would play with nobody."""

    def partners(self, view: Mapping[str, Any]) -> list[str]:
        return []


class FreeRider(Partner):
    """Takes the tempting action, always, and neither delegates nor signs; would play with anybody."""

    def partners(self, view: Mapping[str, Any]) -> list[str]:
        return [other for other in self.seat.seats if other != self.seat.name]

    def action(self, view: Mapping[str, Any]) -> str:
        return str(view["payoffs"].tempt)

    def fair(self, design: Any, payoffs: Any) -> bool:
        return False

    def say(self, request: Request) -> Say:
        return Say() if request.view["phase"] == "talk" else super().say(request)


class PromiseBreaker(FreeRider):
    """Promises to cooperate and takes the tempting action."""

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "talk":
            return Say((), ((None, f"I will choose {view['shown'][view['payoffs'].cooperate]}."),))
        return super().say(request)


class Random(Partner):
    """Chooses at random, designs included."""

    def action(self, view: Mapping[str, Any]) -> str:
        payoffs = view["payoffs"]
        if payoffs.highest is not None:
            return f"{self.random.uniform(MARKET.cost, float(payoffs.cooperate)):.2f}"
        return str(self.random.choice(payoffs.actions))

    def fair(self, design: Any, payoffs: Any) -> bool:
        return self.random.random() < 0.5

    def say(self, request: Request) -> Say:
        return Say() if request.view["phase"] == "talk" else super().say(request)


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    generous=Generous,
    grim=Grim,
    extorter=Extorter,
    unconditional=Unconditional,
    chooser=Chooser,
    hermit=Hermit,
    colluder=Colluder,
    free_rider=FreeRider,
    promise_breaker=PromiseBreaker,
)
