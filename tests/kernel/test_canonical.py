"""One byte form for one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel import canonical
from governance.kernel.errors import Invalid

_text = st.text(st.characters(exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-canonical.MAX_INT, canonical.MAX_INT) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=20,
)


def test_keys_are_sorted_and_nothing_is_escaped_that_need_not_be() -> None:
    assert canonical.encode({"b": [1, True, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,true,null]}'.encode()


@given(value=st.dictionaries(_text, _json, max_size=5))
def test_what_is_encoded_is_decoded_to_the_same(value: dict[str, object]) -> None:
    assert canonical.decode(canonical.encode(value).decode()) == value


@pytest.mark.parametrize(
    "value",
    [{"a": 1.5}, {"a": 2**53}, {"a": float("nan")}, {"a": "\ud800"}, {"\ud800": 1}, {1: "a"}, {"a": b"x"}, {"a": {1}}],
)
def test_what_languages_disagree_on_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        canonical.encode(value)


def test_deep_nesting_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(Invalid):
        canonical.encode(deep)


@pytest.mark.parametrize(
    "text",
    [
        *('{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"a":1.0}', '{"a":NaN}', '{"a":01}', '{"a":"\\u0061"}'),
        *("[1]", "1", "", "{", '{"a":1} ', '{"a":1e2}', "[" * 100_000),
    ],
)
def test_any_other_form_is_not_decoded(text: str) -> None:
    with pytest.raises(Invalid):
        canonical.decode(text)
