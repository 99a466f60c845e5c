"""The pages that people start from lead everywhere."""

import re

from tests.architecture.tree import ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_every_decision_is_in_the_index_under_its_title() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    titles = {page.name: page.read_text().splitlines()[0].removeprefix("# ") for page in pages}
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    assert [line for line in index.splitlines() if line.startswith("- ")] == [
        f"- [{title}]({name})" for name, title in titles.items()
    ]


def test_every_link_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken
