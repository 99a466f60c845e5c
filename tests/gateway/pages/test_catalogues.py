"""Every text of the pages has a translation, and none is left of texts that are gone."""

import re

import pytest
from babel.messages.catalog import Catalog

from gateway.pages.catalogues import LANGUAGES, stored, template_of, untranslated

DOMAINS = ("django", "djangojs")
_SLOT = re.compile(r"%\((\w+)\)")


def _texts(catalog: Catalog) -> set[object]:
    return {(message.context, message.id) for message in catalog if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_catalogue_holds_exactly_the_texts_of_the_sources(language: str, domain: str) -> None:
    assert _texts(stored(language, domain)) == _texts(template_of(domain)), "run python -m gateway.pages.catalogues"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_is_translated_with_the_same_slots(language: str, domain: str) -> None:
    catalog = stored(language, domain)
    assert untranslated(catalog) == []
    for message in catalog:
        if isinstance(message.id, str) and isinstance(message.string, str):
            assert sorted(_SLOT.findall(message.id)) == sorted(_SLOT.findall(message.string)), message.id


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_extraction_finds_texts_of_every_kind_of_source(domain: str) -> None:
    found = {text for _, text in ((message.context, message.id) for message in template_of(domain)) if text}
    expected = {"django": {"Overview", "Round robin", "just now"}, "djangojs": {"Settled.", "just now"}}
    assert expected[domain] <= found
