"""What answers tell browsers and caches, and that the documentation still works."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx2
import pytest

from tests.support.http import PLAIN, get, message, point_of_sale, serving
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, trust_env=False, timeout=60, verify=PLAIN) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/api/options", 200),
        ("GET", "/api/user", 401),
        ("GET", "/api/docs", 200),
        ("GET", "/paystack/return", 404),
        ("POST", "/paystack/webhook", 401),
        ("POST", f"{ELECTRUM_PATH}/tokenPurchases/1", 401),
        ("GET", f"{ELECTRUM_PATH}/docs", 200),
        ("GET", f"{ELECTRUM_PATH}/openapi.json", 200),
    ],
)
def test_every_answer_is_guarded(
    browser: httpx2.Client, method: str, path: str, status: int
) -> None:
    answer = browser.request(method, path)
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value]
    (caching,) = answer.headers.get_list("Cache-Control")
    assert "no-store" in caching
    (policy,) = answer.headers.get_list("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "Strict-Transport-Security" not in answer.headers


def test_no_cache_keeps_a_token(address: str) -> None:
    with point_of_sale(f"{address.rstrip('/')}{ELECTRUM_PATH}") as till:
        body = message()
        sold = till.post(f"/tokenPurchases/{body['id']}", json=body)
    assert sold.status_code == 201
    assert sold.headers["Cache-Control"] == "no-store"


def test_a_page_keeps_the_headers_that_it_has(browser: httpx2.Client) -> None:
    page = browser.get("/paystack/return")
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    consumers = browser.get("/api/options")
    assert consumers.headers["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("base", ["/api", ELECTRUM_PATH])
def test_the_documentation_runs_under_its_policy_and_nothing_else_does(
    browser: httpx2.Client, base: str
) -> None:
    page = browser.get(f"{base}/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["connect-src"] == "'self'"
    (script,) = re.findall(rb"<script>(.*?)</script>", page.content, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert f"'sha256-{digest}'" in policy["script-src"].split()
    sources = {
        "script-src": re.findall(r'<script src="(\S+?)"', page.text),
        "style-src": re.findall(r'rel="stylesheet" href="(\S+?)"', page.text),
        "img-src": re.findall(r'rel="shortcut icon" href="(\S+?)"', page.text),
    }
    for kind, (source,) in sources.items():
        assert urljoin(source, "/").rstrip("/") in policy[kind].split()
    assert f"url: '{base}/openapi.json'" in script.decode()
    assert browser.get(f"{base}/openapi.json").status_code == 200


def test_a_service_that_speaks_tls_asks_for_it_from_now_on(
    sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.pem"
    # It is a matter of the application, whoever ends TLS before this one.
    with serving(sqlite_url, tls_cert=file, tls_key=file) as address:
        answer = get(f"{address}/openapi.json")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
