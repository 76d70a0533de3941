"""The page in a real browser: every kind of page, hostile text, accessibility, keys."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from pytest_collab.cli.serve import server
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.report.html import write_report
from pytest_collab.report.story import headline
from tests.report.conftest import HOSTILE, TEAMS, dinner_run, shared_repository_run

pytestmark = pytest.mark.slow


@contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A page; fails when it logs an error, or asks for anything outside itself."""
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    origin = url.split("#")[0]
    page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else complaints.append(r.url))
    page.goto(url)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def report(dinner: RunDirectory) -> str:
    return write_report(dinner, baseline=dinner.path).as_uri()


def heading(page: Any, text: str) -> None:
    page.locator("h1:visible", has_text=text).first.wait_for()


def visit(page: Any, url: str, route: str) -> None:
    """Go to a page of the report, and wait until it is what is shown."""
    page.goto(f"{url}{route or '#/'}")
    page.wait_for_function(
        """() => {
            const view = document.getElementById("view");
            if (["", "#/"].includes(location.hash)) return view.hidden;
            return !view.hidden && view.dataset.shown === location.hash;
        }"""
    )


def test_every_page_is_reached_by_clicking(browser: Any, report: str) -> None:
    with opened(browser, report) as page:
        heading(page, "Whether it is worse than run cannot be told")
        page.get_by_role("link", name="Teams", exact=True).click()
        heading(page, "Who works with whom")
        assert page.locator("table.matrix").first.locator("tbody td").count() == 4
        page.get_by_role("link", name="Baseline", exact=True).click()
        heading(page, "Against the baseline")
        page.get_by_role("link", name="Tasks", exact=True).click()
        heading(page, "Tasks")
        page.get_by_role("link", name="dinner", exact=True).click()
        heading(page, "dinner")
        page.locator("table.seeds a.coordination_failure").first.click()
        heading(page, "dinner · team")
        assert page.locator(".event.evidence").count() > 0
        assert page.locator(".scene img").evaluate("i => i.complete && i.naturalWidth > 0")
        assert page.get_by_role("heading", name="Who knew what").is_visible()
        page.get_by_role("link", name="Episodes", exact=True).click()
        heading(page, "Episodes")
        page.get_by_label("outcome").select_option("success")
        page.wait_for_url("**outcome=success")
        assert set(page.locator("#view tbody tr td:first-child .chip").all_inner_texts()) == {"success"}
        page.get_by_role("button", name="Clear").click()
        page.wait_for_function("!location.hash.includes('outcome')")
        first = page.locator("#view tbody tr").first
        assert first.locator(".chip").first.inner_text() != "success", "what failed comes first"
        assert first.locator(".note-of").inner_text()
        page.get_by_role("button", name="Turns").click()
        page.wait_for_url("**sort=turns")
        turns = [int(text) for text in page.locator("#view tbody tr td:nth-child(9)").all_inner_texts()]
        assert turns == sorted(turns)
        assert len(set(turns)) > 1


def test_what_is_not_in_the_page_is_told_with_the_command_that_shows_it(
    browser: Any, dinner: RunDirectory, tmp_path: Path
) -> None:
    url = write_report(dinner, tmp_path / "page.html", seconds=-1.0).as_uri()
    failed = next(episode for episode in dinner.record().episodes() if not episode.success)
    with opened(browser, url) as page:
        visit(page, url, f"#/episode/{quote(failed.id)}")
        told = page.locator("#view").inner_text()
        assert f"collab show {dinner.path} {failed.id}" in told
        assert headline(failed)[:100] in told
        assert failed.failures[0].note in told
        assert failed.transcript in told
        assert all(usage.agent in told for usage in failed.usage.values())


def test_dialogue_and_picture_step_together_by_keys(browser: Any, report: str) -> None:
    with opened(browser, f"{report}#/episode/dinner-team-stubborn+partner-s0") as page:
        heading(page, "dinner · team")
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        last = page.locator(".scene img").get_attribute("src")
        turn = page.locator(".turn.now h3").inner_text()
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        assert page.locator(".turn.now h3").inner_text() != turn
        assert page.locator(".scene img").get_attribute("src") != last
        page.keyboard.press("f")
        assert "evidence" in page.evaluate("document.activeElement.className")
        page.keyboard.press("n")
        page.wait_for_url(lambda url: "stubborn+partner-s0" not in url)
        page.keyboard.press("d")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_words_in_pictures_are_legible(browser: Any, report: str) -> None:
    url = f"{report}#/episode/dinner-team-stubborn+partner-s0"
    with opened(browser, url, viewport={"width": 1440, "height": 900}) as page:
        heading(page, "dinner · team")
        picture = page.locator(".scene img")
        picture.wait_for()
        smallest = picture.evaluate(
            """i => {
                const svg = decodeURIComponent(i.src.slice(i.src.indexOf(",") + 1));
                const sizes = [...svg.matchAll(/font-size="([0-9.]+)"/g)].map((m) => Number(m[1]));
                return Math.min(...sizes) * i.getBoundingClientRect().width / i.naturalWidth;
            }"""
        )
        assert smallest >= 11
        assert picture.bounding_box()["width"] >= 480


def test_the_time_line_is_a_slider_that_the_address_follows(browser: Any, report: str) -> None:
    with opened(browser, f"{report}#/episode/dinner-team-stubborn+partner-s0") as page:
        heading(page, "dinner · team")
        line = page.get_by_role("slider", name="Turn")
        last = int(line.get_attribute("aria-valuemax"))
        assert int(line.get_attribute("aria-valuenow")) == last
        assert page.locator(".track-of .flag").count() > 0
        line.press("Home")
        assert line.get_attribute("aria-valuetext") == "before the first turn"
        line.press("ArrowRight")
        assert page.locator(".turn.now h3").inner_text() == "Turn 1"
        page.wait_for_function("() => location.hash.includes('?at=')")
        box = line.bounding_box()
        page.mouse.click(box["x"] + box["width"] * (last - 0.5 + 0.1) / (last + 1), box["y"] + 20)
        assert int(line.get_attribute("aria-valuenow")) == last - 1
        box = line.bounding_box()  # the turn was scrolled into sight
        page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 2, box["y"] + 20, steps=3)
        page.mouse.up()
        assert line.get_attribute("aria-valuenow") == "0"
        line.press("End")
        page.wait_for_function("() => !location.hash.includes('?at=0')")
        line.press(" ")
        assert page.get_by_role("button", name="Pause").is_visible()
        page.wait_for_function("() => document.querySelector('.timeline').getAttribute('aria-valuenow') === '1'")
        page.get_by_role("button", name="Pause").click()
        line.press("End")
        page.wait_for_timeout(200)
        address = page.evaluate("location.hash")
        with opened(browser, report + address) as again:
            heading(again, "dinner · team")
            assert again.get_by_role("slider").get_attribute("aria-valuenow") == str(last)


def test_an_episode_leads_to_its_seed_elsewhere_and_can_be_copied(browser: Any, report: str) -> None:
    with opened(browser, f"{report}#/episode/dinner-team-stubborn+partner-s0") as page:
        heading(page, "dinner · team")
        page.evaluate("window.copied = ''; navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        assert page.locator(".sentence").inner_text().startswith("Failed at turn")
        same = page.get_by_role("navigation", name="The same seed")
        assert "in the baseline: coordination failure" in same.inner_text()
        assert same.get_by_role("link").count() == len(TEAMS) - 1 + 2
        page.get_by_role("button", name="Copy as Markdown").click()
        page.wait_for_function("() => window.copied")
        copied = page.evaluate("window.copied")
        assert copied.startswith("### coordination failure: dinner · team")
        assert "What proves it:" in copied
        assert "collab show " in copied
        same.get_by_role("link", name="solo partner").click()
        heading(page, "dinner · solo")


def test_a_long_message_is_folded_around_what_proves_the_failure(browser: Any, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    transcript = Transcript()
    transcript.add("start", family="hostile_pictures", params={}, seats=["a", "b"])
    transcript.add("prompt", "a", turn=0, phase="talk", inbox=[], text="go")
    text = "Some words. " * 500 + "The bridge at (4, 7) is open. " + "Some words. " * 500
    said = transcript.add("message", "a", to=["b"], text=text, delivered=["b"], dropped={})
    failure = Failure.of("false_claim", "a", events=[said.seq], note="a said that (4, 7) is open")
    run.add(
        Episode(
            id="long",
            family="hostile_pictures",
            task="t",
            condition="team",
            team=("x", "y"),
            seed=0,
            outcome=Outcome.COORDINATION,
            score=0.0,
            failures=(failure,),
            turns=1,
            transcript="transcripts/long.jsonl",
        ),
        transcript,
    )
    url = write_report(run).as_uri()
    with opened(browser, url) as page:
        visit(page, url, "#/episode/long")
        assert page.locator(".event.evidence mark").inner_text() == "(4, 7)"
        assert len(page.locator(".event.evidence").inner_text()) < 1500
        assert page.locator(".proof button").inner_text() == "#2 a: … The bridge at (4, 7) is open. …"
        page.get_by_role("button", name="Show all").click()
        assert len(page.locator(".event.evidence").inner_text()) > 10_000
        assert page.locator(".event.evidence mark").count() == 1


def test_nothing_that_agents_wrote_is_executed(browser: Any, hostile: RunDirectory) -> None:
    url = write_report(hostile).as_uri()
    with opened(browser, url) as page:
        for route in [
            "",
            "#/teams",
            "#/tasks",
            "#/episodes",
            *(f"#/episode/attack-{n}" for n in range(len(HOSTILE))),
        ]:
            visit(page, url, route)
            if route.startswith("#/episode/"):
                page.locator(".event.evidence").wait_for()
                page.get_by_label("show every event").check()
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            page.wait_for_function("document.readyState === 'complete'")
            assert page.evaluate("window.owned") is None
            assert page.locator("iframe, base, object, embed, main script, main style").count() == 0
            assert page.locator("main img:not([src^='data:image/svg+xml'])").count() <= 1
        visit(page, url, "#/episode/attack-0")
        assert HOSTILE[0] in page.locator(".event.evidence").inner_text()
        visit(page, url, f"#/episode/attack-{len(HOSTILE) - 1}")
        said = page.locator(".event.evidence").inner_text()
        assert "⟨U+202E⟩␀␛[31mred<plaintext>" in said, "what would turn the text round, or is not seen, is marked"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(shared_repository_run(tmp_path_factory.mktemp("repository") / "run")).as_uri()


def test_two_pieces_of_work_stand_side_by_side_with_their_merge_and_tests(browser: Any, repository: str) -> None:
    with opened(browser, repository) as page:
        visit(page, repository, "#/episode/repository-partner%2Boverwriter")
        tests = page.get_by_role("region", name="Tests").locator("tbody tr")
        assert [row.locator("th").inner_text() for row in tests.all()] == ["double", "triple"]
        assert tests.first.locator(".chip").first.inner_text() == "pass"
        merge = page.locator(".merge").first
        assert merge.locator(".chip").inner_text() == "conflicts"
        assert merge.locator("h4").first.inner_text().startswith("calc.py")
        ours, base, theirs = merge.locator(".sides").first.locator("pre").all()
        assert "calc" in base.inner_text()
        assert "doubles" not in base.inner_text()
        assert "doubles" in ours.locator(".differs").all_inner_texts()[0]
        assert "doubles" not in theirs.inner_text()
        works = page.locator(".sides > .card")
        assert works.count() == 2
        first, second = (works.nth(i).bounding_box() for i in range(2))
        assert first["y"] == second["y"]
        assert first["x"] < second["x"]
        assert 'return "calc, doubles"' in works.first.locator(".diff .add").all_inner_texts()[0]
        page.get_by_role("button", name="merge (naive): conflicts in calc.py").first.click()
        assert "evidence" in page.evaluate("document.activeElement.className")


def test_nothing_is_wider_than_a_telephone_and_print_hides_the_controls(browser: Any, repository: str) -> None:
    with opened(browser, repository, viewport={"width": 390, "height": 800}) as page:
        for route in ["", "#/tasks", "#/episodes", "#/episode/repository-partner%2Boverwriter"]:
            visit(page, repository, route)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, route
        page.emulate_media(media="print")
        assert not page.locator(".bar").is_visible()
        assert page.locator(".merge").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_issue(browser: Any, report: str, repository: str, scheme: str) -> None:
    root = Path(__file__).parents[2]
    places = [root / ".ci/axe/node_modules/axe-core/axe.min.js", root / "node_modules/axe-core/axe.min.js"]
    named = os.environ.get("AXE_CORE")
    found = next((path for path in ([Path(named)] if named else places) if path.is_file()), None)
    if found is None:
        pytest.skip("no axe-core: npm install --prefix .ci/axe axe-core, or set AXE_CORE to axe.min.js")
    pages = {
        report: ["", "#/teams", "#/tasks", "#/task/philosophers/dinner", "#/episodes", "#/compare"],
        repository: ["", "#/episode/repository-partner%2Boverwriter"],
    }
    pages[report].append("#/episode/dinner-team-stubborn+partner-s0")
    for url, routes in pages.items():
        with opened(browser, url, color_scheme=scheme, bypass_csp=True) as page:
            page.evaluate(found.read_text(encoding="utf-8"))
            for route in routes:
                visit(page, url, route)
                result = page.evaluate("axe.run()")
                serious = [
                    (v["id"], v["nodes"][0]["html"][:200])
                    for v in result["violations"]
                    if v["impact"] in ("serious", "critical")
                ]
                assert serious == [], route


def test_a_run_in_progress_is_followed(browser: Any, tmp_path: Path) -> None:
    whole = dinner_run(tmp_path / "whole", TEAMS[:2], seeds=1)
    plays = whole.record().plays
    growing = RunDirectory.create(tmp_path / "growing")
    growing.add(plays[0], whole.transcript(plays[0]))
    with server(growing) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{serving.server_address[1]}/"
        with opened(browser, f"{url}#/episode/{plays[0].id}") as page:
            heading(page, "dinner")
            growing.add(plays[1], whole.transcript(plays[1]))
            page.get_by_text("1 more episode played").wait_for()
            page.get_by_role("button", name="Show").click()
            heading(page, "dinner")
            page.get_by_role("link", name="Episodes", exact=True).click()
            page.get_by_text("2 of 2 episodes").wait_for()
        serving.shutdown()
        thread.join()


def test_only_this_machine_is_served(tmp_path: Path) -> None:
    run = dinner_run(tmp_path / "run", TEAMS[:1], seeds=1)
    with server(run) as serving:
        assert serving.server_address[0] == "127.0.0.1"
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        port = serving.server_address[1]
        state = json.load(urlopen(f"http://127.0.0.1:{port}/state"))
        assert state == {"episodes": 2, "planned": None, "finished": True}
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(f"http://127.0.0.1:{port}/", headers={"Host": f"evil.example:{port}"}))
        serving.shutdown()
        thread.join()
