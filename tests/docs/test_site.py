"""The site in a real browser: what readers type into the search is found, and what they copy can be run."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow  # the site is built once for both


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, built from this checkout."""
    pytest.importorskip("material", reason="no mkdocs-material: pip install 'pytest-collab[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Any]:
    """A page in Chromium that may read what was copied."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or set CHROMIUM to one")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        context.set_default_timeout(20_000)
        yield context.new_page()
        browser.close()


def test_an_option_is_found_as_it_is_printed(site: str, page: Any) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(site)
    page.locator(".md-search__input").click()
    page.keyboard.type("--collab-max-cost")
    page.get_by_text("matching documents").first.wait_for()
    found = page.locator(".md-search-result__item").all_inner_texts()
    assert any(text.startswith("Options") for text in found[:3]), found[:3]
    assert page.locator(".md-search__input").input_value() == "--collab-max-cost"
    assert complaints == []


def test_a_copy_button_copies_commands_and_nothing_else(site: str, page: Any) -> None:
    page.goto(f"{site}tutorial/")
    session = page.locator("div.highlight", has=page.get_by_text("runs/echo")).first
    session.hover()
    session.locator("[data-clipboard-target]").first.click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('pytest'))")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied == [
        "pytest tasks -q --tb=no --agents=partner,echo --collab-teams=partner+echo --collab-run-dir=runs/echo",
        "echo $?",
    ]
