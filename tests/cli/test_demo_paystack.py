"""`vending demo --paystack` shows a purchase online, from the order to the token."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.support.processes import COMMAND, environment

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_shows_one_token_for_one_payment(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--paystack", "--once", "--port", "0"],
        cwd=tmp_path,
        # What is configured here belongs to the real installation, and is not used.
        env=environment(VENDING_PAYSTACK_SECRET_KEY="sk_live_real", VENDING_SMTP_HOST="mail.test"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "first time: accepted",
        "second time: refused",
        "200: 1 token, as before",
        "NGN 5,200.00 in = 5,000.00 vended + 200.00 charges",
        "0 differences",
    ):
        assert words in done.stdout
    assert "sk_test_" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
