"""Keeps locale/ in step with the texts of the pages: `python -m gateway.pages.catalogues` writes what is missing."""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh_Hans",)
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
PYTHON = ("gateway/pages", "governance/settings.py")
TEMPLATES, SCRIPTS = "templates", "static/src"


def path_of(language: str, domain: str) -> Path:
    """Where a catalogue is kept."""
    return ROOT / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def template_of(domain: str) -> Catalog:
    """Every text of a domain, as the sources have it now: `django` is pages, `djangojs` is scripts."""
    catalog = Catalog(project="governor", charset="utf-8", fuzzy=False)
    for name, line, message, context in _script_texts() if domain == "djangojs" else _page_texts():
        catalog.add(message, locations=[(name, line)], context=context)
    return catalog


def stored(language: str, domain: str) -> Catalog:
    """The catalogue as it is kept; empty when there is none yet."""
    path = path_of(language, domain)
    if not path.exists():
        return Catalog(locale=language, domain=domain, project="governor", header_comment="#", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def update(language: str, domain: str) -> list[str]:
    """Write the catalogue anew from the sources and return the texts that have no translation yet."""
    catalog = stored(language, domain)
    catalog.update(template_of(domain), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    path = path_of(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, catalog, sort_output=True, omit_header=False, include_lineno=False, ignore_obsolete=True, width=120
        )
    return untranslated(catalog)


def untranslated(catalog: Catalog) -> list[str]:
    """The texts without a translation."""
    left = [message.id for message in catalog if not _done(message)]
    return [text for text in (each if isinstance(each, str) else each[0] for each in left) if text]


def _done(message: Message) -> bool:
    return bool(message.string) and all(message.string or ())


Text = tuple[str, int, str | tuple[str, ...], str | None]


def _page_texts() -> Iterator[Text]:
    for source in PYTHON:
        root = ROOT / source
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            yield from _texts("python", path, path.read_text())
    for path in sorted((ROOT / TEMPLATES).rglob("*.html")):
        # templatize leaves calls of gettext among filler: no Python, but tokens all the same.
        yield from _texts("javascript", path, templatize(path.read_text()))


def _script_texts() -> Iterator[Text]:
    for path in sorted((ROOT / SCRIPTS).rglob("*.ts")):
        if "gen" not in path.parts:
            yield from _texts("javascript", path, path.read_text())


def _texts(method: str, path: Path, text: str) -> Iterator[Text]:
    name = str(path.relative_to(ROOT))
    for line, message, _comments, context in extract(method, io.BytesIO(text.encode()), keywords=KEYWORDS):
        yield name, line, message, context


def main() -> None:
    """Update every catalogue and name what is left to translate."""
    for language in LANGUAGES:
        for domain in ("django", "djangojs"):
            for text in update(language, domain):
                print(f"{language} {domain}: {text}")  # noqa: T201  (this is a command)


if __name__ == "__main__":
    main()
