"""A visit to the page that notices what a person would not: refused scripts, errors in the console."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
NOTICE_VIOLATIONS = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
CONSOLE_ECHO = "Failed to load resource"


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass(kw_only=True)  # without slots: Playwright writes on the object whose methods listen
class Visit:
    """One page, and all that went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, place: str) -> None:
        """Open a place of the page, as `#/failures`, and wait for its heading."""
        self.page.goto(f"{self.url}/{place}")
        self.page.locator("h1").wait_for()

    def expect_refusal(self, *refusals: str) -> None:
        """Say which refused requests belong to the test: `404 /image`."""
        self.expected.extend(refusals)

    def picture(self, name: str) -> None:
        """Keep a screenshot as build output, for a person to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def violations(self) -> Sequence[str]:
        """Return what the content security policy refused."""
        return list(self.page.evaluate("window.violations"))

    def hear(self, message: ConsoleMessage) -> None:
        """Note errors and warnings of the console; refused requests are noted with their address instead."""
        if message.type in {"error", "warning"} and CONSOLE_ECHO not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def see(self, response: Response) -> None:
        """Note a refused request."""
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")

    def unexpected(self) -> list[str]:
        """Return the complaints that no test announced."""
        return [
            complaint
            for complaint in self.complaints
            if not any(all(word in complaint for word in refusal.split()) for refusal in self.expected)
        ]


def visit(context: BrowserContext, url: str) -> Visit:
    """Open a tab that is watched."""
    context.add_init_script(NOTICE_VIOLATIONS)
    made = Visit(page=context.new_page(), url=url)
    made.page.on("console", made.hear)
    made.page.on("response", made.see)
    made.page.on("pageerror", lambda error: made.complaints.append(f"exception: {error}"))
    return made
