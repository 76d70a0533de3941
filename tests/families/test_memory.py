"""One memory for all seats, and lessons of teams before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.cli import main
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError
from pytest_collab.families.alem.memory import located
from pytest_collab.families.kitchen import Kitchen, KitchenFamily
from pytest_collab.families.maze import Maze
from pytest_collab.families.rounds.memory import LONGEST, MOST, false_claims, figures, read_entry, taken_out
from pytest_collab.families.task import make_task
from pytest_collab.families.taskfile import read_task
from pytest_collab.measure.gaps import gap
from pytest_collab.measure.reader import frame_of
from pytest_collab.testing import play_episode

FAMILY = KitchenFamily()
SHARED = "memory:shared"


class Acts(Agent):
    """Gives its answers one after the other, and the last one from then on; keeps what it was asked."""

    name = "acts"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def reply(self, request: Request) -> Reply:
        self.asked.append(request.conversation[-1].text)
        return Reply(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def entries(transcript: Transcript) -> list[tuple[str | None, dict[str, Any]]]:
    return [(event.seat, event.data) for event in transcript.of("memory")]


@pytest.mark.parametrize(
    ("text", "rest", "found"),
    [
        ("ACTION: wait(1)\nMEMORY: fact/x = 3", "ACTION: wait(1)", [("fact", "x", "3")]),
        (
            "- **MEMORY:** goals/First Thing = egg\nACTION: wait(1)",
            "ACTION: wait(1)",
            [("goal", "first thing", "egg")],
        ),
        ("<action>Do</action><memory>fact/a = 1\ndoing/b =</memory>", "<action>Do</action>", None),
        ("MESSAGE: a = b, from memory: all of it", "MESSAGE: a = b, from memory: all of it", []),
        ("memory: nothing in particular", "", [None]),
        ("MEMORY: opinion/a = b", "", [None]),
    ],
)
def test_entries_are_read_as_lines_and_as_tags(text: str, rest: str, found: list[Any] | None) -> None:
    kept, entries = taken_out(text)
    assert kept.strip() == rest
    assert list(map(read_entry, entries)) == (
        found if found is not None else [("fact", "a", "1"), ("doing", "b", "")]
    )


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader_of_entries(text: str) -> None:
    kept, entries = taken_out(text)
    assert len(kept) <= len(text)
    for one in map(read_entry, entries):
        assert one is None or (one[0] in ("fact", "goal", "doing", "lesson") and len(one[2]) <= LONGEST)


def test_all_read_and_write_one_memory_and_the_transcript_says_who_wrote_over_whom() -> None:
    chef = Acts("ACTION: wait(1)\nMEMORY: goal/first = an egg\nMEMORY: fact/pot = empty", "ACTION: wait(1)")
    helper = Acts(
        "ACTION: wait(2)", "ACTION: wait(1)\nMEMORY: goal/first = a carrot\nMEMORY: fact/pot =", "ACTION: wait(20)"
    )
    played = play_episode(Kitchen(level=1), [chef, helper], SHARED)
    assert "The shared memory is empty." in helper.asked[0]
    assert "first = an egg (cook a, step 0)" in helper.asked[1]
    assert "first = a carrot (cook b, step 2)" in chef.asked[3]
    assert "pot" not in chef.asked[3].split("Step ")[0]
    seats = [seat for seat, _ in entries(played.transcript)]
    assert seats == ["a", "a", "b", "b"]
    changed, erased = (data for _, data in entries(played.transcript)[2:])
    assert changed["over"] == {"seat": "a", "text": "an egg"}
    assert (erased["text"], erased["over"]["text"]) == ("", "empty")
    figures = {key: value for key, value in played.episode.metrics.items() if key.startswith("memory")}
    assert figures == {
        "memory_writes": 4, "memory_replaced": 2, "memory_erased": 1, "memory_false": 0, "memory_acted_on": 0
    }  # fmt: skip
    told = [event.data["text"] for event in played.transcript.of("brief")]
    assert all("share one memory" in text for text in told)


def test_a_full_memory_says_so_and_what_is_replaced_at_once_reaches_nobody() -> None:
    many = "\n".join(f"MEMORY: fact/{number} = so" for number in range(MOST + 1))
    chef = Acts(f"ACTION: wait(1)\n{many}", "ACTION: wait(20)")
    helper = Acts("ACTION: wait(1)\nMEMORY: fact/0 = otherwise", "ACTION: wait(20)")
    played = play_episode(Kitchen(level=1), [chef, helper], SHARED)
    assert f"`fact/{MOST}` was not kept" in chef.asked[1]
    assert "was not kept" not in helper.asked[1]
    first = played.transcript.of("memory")[0].data
    assert (first["name"], first["delivered"]) == ("0", [])


def test_cooks_that_only_write_into_the_memory_serve_every_level() -> None:
    for level in range(1, 7):
        played = play_episode(Kitchen(level=level), ["partner"], SHARED)
        assert played.episode.success
        assert not played.transcript.of("message")


FAULTS = {
    (0, "silent"): {"withholding"},
    (0, "vague"): {"vague"},
    (0, "confabulator"): {"false_claim"},
    (0, "promise_breaker"): {"broken_commitment"},
    (0, "hoarder"): {"own_part_failed"},
    (1, "deaf"): {"unresponsive"},
    (1, "nop"): {"unresponsive"},
    (1, "stubborn"): {"ungrounded"},
    (1, "confabulator"): {"false_claim"},
    (1, "promise_breaker"): {"broken_commitment"},
}


def test_planted_faults_come_back_at_their_seats_when_all_that_is_said_is_in_the_memory() -> None:
    failed, missed = 0, []
    for (at, name), codes in FAULTS.items():
        for level, seed in ((1, 0), (3, 1), (4, 2), (5, 3)):
            team = [name, "partner"] if at == 0 else ["partner", name]
            episode = play_episode(Kitchen(level=level), team, SHARED, seed).episode
            if episode.success:
                continue
            failed += 1
            found = [(failure.code, failure.seats) for failure in episode.failures]
            assert all(set(seats) == {"ab"[at]} for _, seats in found), (name, at, found)
            missed += [] if any(code in codes for code, _ in found) else [(name, at, level, found)]
    assert failed >= 36
    assert len(missed) <= 0.05 * failed, missed


def test_a_false_recipe_in_the_memory_is_shown_with_what_the_other_fetched_for_it() -> None:
    played = play_episode(Kitchen(level=3), ["confabulator", "partner"], SHARED, 1)
    failure = played.episode.failures[0]
    assert (failure.code, failure.seats) == ("false_claim", ("a",))
    proof = [(played.transcript[seq].kind, played.transcript[seq].seat) for seq in failure.events]
    assert ("memory", "a") in proof
    assert ("reply", "b") in proof
    assert all(
        "pickup" in played.transcript[seq].data["text"]
        for seq in failure.events
        if proof and played.transcript[seq].seat == "b"
    )


def test_who_goes_for_what_a_false_entry_says_is_no_blunderer() -> None:
    item = Kitchen(level=1).order(0).ingredients[0]  # type: ignore[union-attr]
    chef = Acts(f"ACTION: wait(1)\nMEMORY: goal/1 = {item}", f"ACTION: pickup({item}, counter)")
    lies = f"MEMORY: fact/counter1 = {item}\nMEMORY: fact/counter2 = {item}"
    played = play_episode(Kitchen(level=1), [chef, Acts(f"ACTION: wait(1)\n{lies}", "ACTION: wait(1)")], SHARED)
    codes = {failure.code: failure for failure in played.episode.failures}
    assert codes["false_claim"].seats == ("b",)
    assert {played.transcript[seq].seat for seq in codes["false_claim"].events} == {"a", "b"}
    assert "illegal_move" not in codes


def test_lessons_are_frozen_into_the_task_and_told_to_every_seat(tmp_path: Path) -> None:
    (tmp_path / "lessons.txt").write_text(
        "# from a warm-up\n- The chef names all it needs at once.\n\nBring the dish last.\n"
    )
    file = tmp_path / "taught.collab.yaml"
    file.write_text("family: kitchen\nparams: {level: 1, lessons: lessons.txt}\nconditions: [team, 'memory:list']\n")
    task = read_task(file)
    assert task.params.lessons == ("The chef names all it needs at once.", "Bring the dish last.")  # type: ignore[attr-defined]
    plain = make_task("taught", Kitchen(level=1))
    same = make_task("taught", Kitchen(level=1, lessons=task.params.lessons))  # type: ignore[attr-defined]
    (tmp_path / "lessons.txt").write_text("Bring the dish first.\n")
    assert len({task.hash, plain.hash, read_task(file).hash}) == 3
    assert same.hash == task.hash
    briefs = {}
    for condition in ("team", "memory:list"):
        played = play_episode(task.params, ["partner"], condition)
        briefs[condition] = [event.data["text"] for event in played.transcript.of("brief")]
        assert played.transcript.start["params"]["lessons"] == list(task.params.lessons)  # type: ignore[attr-defined]
    assert all("- Bring the dish last." in text for text in briefs["memory:list"])
    assert not any("Bring the dish" in text for text in briefs["team"])


def test_a_task_without_lessons_is_the_task_that_it_was() -> None:
    assert "lessons" not in FAMILY.identity(Kitchen(level=1))


@pytest.mark.parametrize(
    ("params", "condition", "told"),
    [
        (Kitchen(), "memory:list", "has no lessons"),
        (Kitchen(), "memory:graph", "memory:shared and memory:list"),
        (Kitchen(), "memory", "memory:shared or memory:list"),
        (Maze(), "memory:shared", "no condition 'memory'"),
    ],
)
def test_a_memory_that_cannot_be_is_refused_with_the_reason(params: Any, condition: str, told: str) -> None:
    with pytest.raises(TaskError, match=told):
        make_task("wrong", params, conditions=[condition])


@pytest.mark.parametrize(
    ("lessons", "told"),
    [
        ("nowhere.txt", "cannot be read"),
        (["x"] * 51, "more than 50"),
        (["x" * 301], "longer than 300"),
    ],
)
def test_lessons_that_cannot_be_told_are_refused(lessons: Any, told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Kitchen(lessons=lessons)


def note(transcript: Transcript, seat: str, text: str, **more: Any) -> int:
    path = {"topic": "fact", "name": "water", "text": text, "when": "step 1", "delivered": ["a"]}
    return transcript.add("memory", seat, **path, **more).seq


def test_a_false_entry_is_its_writers_once_another_seat_has_acted_on_it() -> None:
    transcript = Transcript()
    wrong = note(transcript, "b", "(x=1, y=2)", so=False)
    note(transcript, "c", "(x=3, y=4)", so=True)
    assert false_claims(transcript) == []  # one slip that nobody followed
    went = transcript.add("memory", "a", acted_on="fact/water", written_by="b").seq
    failure = false_claims(transcript)[0]
    assert (failure.code, failure.seats, failure.events) == ("false_claim", ("b",), (wrong, went))
    assert figures(transcript)["memory_acted_on"] == 1
    for number in range(2):
        note(transcript, "c", f"(x={number}, y=4)", so=False)
    assert [one.seats for one in false_claims(transcript)] == [("b",), ("c",)]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("water", "(x=12, y=20)", ("water", (20, 12))),
        ("nearest", "two trees at (12, 20), near the start", ("tree", (20, 12))),
        ("table", "x=3, y=4", ("table", (4, 3))),
        ("water", "no water at (12, 20)", None),
        ("iron", "iron and coal at (1, 2)", None),
        ("iron", "from (1, 2) to (3, 4)", None),
        ("camp", "(1, 2)", None),
    ],
)
def test_facts_are_read_where_they_name_one_thing_and_one_place(name: str, text: str, found: Any) -> None:
    assert located(name, text) == found


def test_lessons_are_collected_from_a_run_as_a_file_that_a_task_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory.create(tmp_path / "run")
    chef = Acts(
        "ACTION: wait(1)\nMEMORY: lesson/1 = Ask for all at once.\nMEMORY: lesson/2 = Wrong.", "ACTION: wait(20)"
    )
    helper = Acts("ACTION: wait(2)", "ACTION: wait(1)\nMEMORY: lesson/2 = Bring the dish last.", "ACTION: wait(20)")
    played = play_episode(Kitchen(level=1), [chef, helper], SHARED, 7)
    run.add(played.episode, played.transcript)
    assert main(["lessons", str(run.path), "--output", str(tmp_path / "lessons.txt")]) == 0
    text = (tmp_path / "lessons.txt").read_text()
    assert text.startswith("# from ")
    assert " 7\n" in text
    file = tmp_path / "taught.collab.yaml"
    file.write_text("family: kitchen\nparams: {lessons: lessons.txt}\nconditions: ['memory:list']\n")
    assert read_task(file).params.lessons == ("Ask for all at once.", "Bring the dish last.")  # type: ignore[attr-defined]
    assert main(["lessons", str(run.path), "--family", "alem"]) == 2
    assert "has no episode of alem under memory:shared; play some with" in capsys.readouterr().err
    other = RunDirectory.create(tmp_path / "other")
    played = play_episode(Kitchen(level=1), ["partner"], SHARED)
    other.add(played.episode, played.transcript)
    assert main(["lessons", str(other.path)]) == 2
    assert "nobody wrote any in its 1 episode under memory:shared" in capsys.readouterr().err


def test_the_value_of_a_memory_is_success_with_it_less_success_without() -> None:
    episodes = []
    for seed in range(4):
        for condition in ("team", SHARED):
            name = "silent" if condition == "team" and seed % 2 else "partner"
            episode = play_episode(Kitchen(level=1), [name, "partner"], condition, seed).episode
            episodes.append(episode.model_copy(update={"team": ("x", "y"), "task": "t"}))
    estimate = gap(frame_of(episodes), "value_of_memory").estimate
    assert (estimate.value, estimate.n) == (0.5, 4)
