"""Claims that requests share cannot be changed by one of them."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.testing.tokens import encode_json
from betterguard.tokens.jws import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = {"a": {"b": [1, {"c": 2}]}, "d": 1}
FLAT = {"d": 1}


def parsed(value: dict[str, Any]) -> dict[str, Any]:
    return parse_json_object(encode_json(value))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.__setitem__("x", 1), id="set"),
        pytest.param(lambda d: d.__delitem__("d"), id="delete"),
        pytest.param(lambda d: d.__ior__({"x": 1}), id="update-in-place"),
        pytest.param(lambda d: d.update(x=1), id="update"),
        pytest.param(lambda d: d.clear(), id="clear"),
        pytest.param(lambda d: d.pop("d"), id="pop"),
        pytest.param(lambda d: d.popitem(), id="popitem"),
        pytest.param(lambda d: d.setdefault("x", 1), id="setdefault"),
    ],
)
@pytest.mark.parametrize("part", [lambda d: d, lambda d: d["a"], lambda d: d["a"]["b"][1]])
def test_no_change(part: Callable[[Any], Any], change: Callable[[Any], Any]) -> None:
    value = parsed(VALUE)
    with pytest.raises(TypeError, match="read-only"):
        change(part(value))
    assert json.dumps(value) == json.dumps(VALUE)


def test_no_change_of_a_flat_object() -> None:
    with pytest.raises(TypeError, match="read-only"):
        parsed(FLAT)["d"] = 2


def test_no_change_of_an_array() -> None:
    assert parsed({"a": [1, [2]]}) == {"a": (1, (2,))}


def test_object_of_objects_without_arrays() -> None:
    with pytest.raises(TypeError, match="read-only"):
        parsed({"a": {"b": {}}})["a"]["b"]["c"] = 1


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda value: pickle.loads(pickle.dumps(value)), id="pickle"),  # noqa: S301 - the test's own
        pytest.param(dict, id="dict"),
    ],
)
def test_copy_may_change(copied: Callable[[Any], Any]) -> None:
    copied_value = copied(parsed(VALUE))
    copied_value["x"] = 1
    assert copied_value["x"] == 1
