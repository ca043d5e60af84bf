from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from betterguard.addresses import (
    AddressRefused,
    is_loopback,
    key_set_fault,
    parse_address,
    parse_origin,
    parse_preview,
    split_list,
)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        pytest.param("https://app.example", "https://app.example", id="as-it-is"),
        pytest.param("HTTPS://App.Example", "https://app.example", id="case"),
        pytest.param("https://app.example/", "https://app.example", id="slash"),
        pytest.param("https://app.example:443", "https://app.example", id="default-port-https"),
        pytest.param("http://app.example:80", "http://app.example", id="default-port-http"),
        pytest.param("http://localhost:3000", "http://localhost:3000", id="port"),
        pytest.param("http://127.0.0.1:3000", "http://127.0.0.1:3000", id="ip-version-4"),
        pytest.param("http://[::1]:3000", "http://[::1]:3000", id="ip-version-6"),
        pytest.param("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]", id="ip-version-6-short"),
        pytest.param("https://bücher.example", "https://xn--bcher-kva.example", id="idn"),
        pytest.param("https://BÜCHER.example", "https://xn--bcher-kva.example", id="idn-case"),
    ],
)
def test_an_origin_has_one_form(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("app.example", "must begin with http", id="no-scheme"),
        pytest.param("//app.example", "must begin with http", id="no-scheme-slashes"),
        pytest.param("ftp://app.example", "must begin with http", id="other-scheme"),
        pytest.param("null", "must begin with http", id="null"),
        pytest.param("*", "must begin with http", id="star"),
        pytest.param("https://*.app.example", "without a star", id="wildcard"),
        pytest.param("https://app.example/home", r"did you mean https://app.example\?", id="path"),
        pytest.param("https://app.example//", "without a path", id="two-slashes"),
        pytest.param("https://app.example?x=1", "no query", id="query"),
        pytest.param("https://app.example?", "no query", id="empty-query"),
        pytest.param("https://app.example#x", "no fragment", id="fragment"),
        pytest.param("https://ada:pw@app.example", "no user name", id="user-info"),
        pytest.param("https://@app.example", "no user name", id="empty-user-info"),
        pytest.param("https://app.example:65536", "cannot be read", id="port-too-large"),
        pytest.param("https://app.example:", "empty port", id="empty-port"),
        pytest.param("https://app.example:0", "empty port", id="port-zero"),
        pytest.param("https://app.example:x", "cannot be read", id="port-no-number"),
        pytest.param("https://", "no domain name", id="no-host"),
        pytest.param("https://app_1.example", "no domain name", id="underscore"),
        pytest.param("https://-app.example", "no domain name", id="hyphen-first"),
        pytest.param("https://app..example", "no domain name", id="empty-label"),
        pytest.param("https://[::1", "cannot be read", id="open-bracket"),
        pytest.param("https://[::g]", "cannot be read|no IPv6", id="no-ip-version-6"),
        pytest.param("https://app.exa\tmple", "control characters", id="tab"),
        pytest.param("https://app.example\n", "control characters", id="line-feed"),
        pytest.param("https://app.example\x00", "control characters", id="nul"),
        pytest.param("https:\\\\app.example", "backslashes", id="backslashes"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why):
        parse_origin(text)


@given(st.text(max_size=60).map("https://".__add__))
def test_an_origin_is_stable_or_refused(text: str) -> None:
    try:
        origin = parse_origin(text)
    except AddressRefused:
        return
    assert parse_origin(origin) == origin
    assert re.fullmatch(r"https://[a-z0-9.:\[\]-]+", origin)


def test_an_address_keeps_its_path() -> None:
    address = parse_address("https://App.example/auth/")
    assert (address.origin, address.path, str(address)) == (
        "https://app.example",
        "/auth",
        "https://app.example/auth",
    )


@pytest.mark.parametrize(
    ("origin", "matches"),
    [
        pytest.param("https://shop-git-fix-1-acme.vercel.app", True, id="preview"),
        pytest.param("https://shop--acme.vercel.app", False, id="nothing-between"),
        pytest.param("https://shop-x-acme.vercel.app/", False, id="slash"),
        pytest.param("https://shop-x.evil.example/-acme.vercel.app", False, id="other-host"),
        pytest.param("https://shop-x-acmeXvercel.app", False, id="dot"),
    ],
)
def test_a_preview_pattern_stays_in_its_label(origin: str, *, matches: bool) -> None:
    pattern = parse_preview("https://shop-*-acme.vercel.app")
    assert (re.fullmatch(pattern, origin) is not None) is matches


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://*.vercel.app", id="a-whole-label"),
        pytest.param("https://shop-*.vercel.app", id="no-suffix"),
        pytest.param("https://*-acme.vercel.app", id="no-prefix"),
        pytest.param("http://shop-*-acme.vercel.app", id="http"),
        pytest.param("https://shop-*-*-acme.vercel.app", id="two-stars"),
        pytest.param("https://shop-*-acme.app", id="a-whole-domain"),
        pytest.param("https://shop-*-acme.vercel.app/x", id="path"),
        pytest.param("https://shop-.*-acme.vercel.app", id="regular-expression"),
    ],
)
def test_a_pattern_that_lets_others_in_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused, match="one star inside the first label"):
        parse_preview(text)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        pytest.param("a,b", ["a", "b"], id="comma"),
        pytest.param(" a , b ,", ["a", "b"], id="spaces-and-trailing-comma"),
        pytest.param("\"a\", 'b'", ["a", "b"], id="quoted-items"),
        pytest.param('"a, b"', ["a", "b"], id="quoted-whole"),
        pytest.param("a,b,a", ["a", "b"], id="duplicates"),
        pytest.param(" ,, ", [], id="nothing"),
    ],
)
def test_a_comma_list_is_forgiving(text: str, items: list[str]) -> None:
    assert split_list(text) == items


@pytest.mark.parametrize(
    ("url", "allow_http", "fit"),
    [
        pytest.param("https://auth.example/jwks", False, True, id="https"),
        pytest.param("http://localhost:3000/jwks", False, True, id="localhost"),
        pytest.param("http://127.0.0.9/jwks", False, True, id="loopback-4"),
        pytest.param("http://[::1]/jwks", False, True, id="loopback-6"),
        pytest.param("http://auth:3000/jwks", False, False, id="private-network"),
        pytest.param("http://auth:3000/jwks", True, True, id="private-network-allowed"),
        pytest.param("http://localhost.evil.example/jwks", False, False, id="looks-like-loopback"),
    ],
)
def test_keys_come_over_https_or_loopback(url: str, *, allow_http: bool, fit: bool) -> None:
    assert (key_set_fault(parse_address(url), allow_http=allow_http) is None) is fit


@pytest.mark.parametrize(
    "origin", ["http://10.0.0.1", "http://localhos", "http://127.evil.example"]
)
def test_other_hosts_are_not_loopback(origin: str) -> None:
    assert not is_loopback(origin)
