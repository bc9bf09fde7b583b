"""A security module process whose keys are in hardware: what starts it, what stops the start."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from sts.errors import FileInvalid, IssueLimitReached
from sts.security_module import IssuedToken, IssueRequest
from tests.custody import conftest as custody
from tests.custody.conftest import HERE
from tests.custody.prism.fake import PASSWORD, USER, Listening, TokenService, Trouble
from tests.custody.prism.test_facts import ALL
from tests.custody.test_elsewhere import METER, NO_KEY, credit
from tests.support import certificates
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.counters import Limits
from vending_api.kit.errors import SecurityModuleUnavailable
from vending_api.security_module import security_module_of
from vending_api.settings import Settings, SettingsInvalid, load_settings

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = [IssueRequest(METER, credit())]


@pytest.fixture
def settings(listening: Listening, tmp_path: Path) -> Settings:
    (tmp_path / "facts.toml").write_text(ALL)
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    return Settings(
        prism_address=f"tcp://127.0.0.1:{listening.port}",
        prism_user=USER,
        prism_password_file=password,
        prism_keys_file=tmp_path / "facts.toml",
    )


def test_a_module_in_hardware_is_asked_through_the_process_that_counts(
    settings: Settings, path: Path, service: TokenService
) -> None:
    module = security_module_of(settings)
    with (
        custody.serving(path, module=module, limits=Limits(tokens_a_day=2)),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
    ):
        assert elsewhere.facts() == HERE.facts()
        assert elsewhere.issue(REQUEST) == HERE.issue(REQUEST)
        elsewhere.issue([IssueRequest(NO_KEY, credit())])
        made, refused = elsewhere.issue(REQUEST * 2)
        assert isinstance(made, IssuedToken)
        assert isinstance(refused, IssueLimitReached)
    assert len(service.made) == 2
    module.close()  # type: ignore[attr-defined]  # hardware has connections


def test_hardware_that_is_gone_means_that_nothing_was_sold(
    settings: Settings, path: Path, service: TokenService, listening: Listening
) -> None:
    module = security_module_of(settings)
    with custody.serving(path, module=module), closing(SecurityModuleElsewhere(path)) as elsewhere:
        listening.break_all()
        service.finds_results = False
        service.troubles += [Trouble("sign_in", is_lost_before=True)] * 9
        with capture_logs() as logs, pytest.raises(SecurityModuleUnavailable):
            elsewhere.issue(REQUEST)
        assert "request_failed" not in [one["event"] for one in logs]
        service.troubles.clear()
        assert elsewhere.issue(REQUEST) == HERE.issue(REQUEST)
    module.close()  # type: ignore[attr-defined]  # as above


def _changed(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


def test_a_wrong_password_stops_the_start_and_is_not_told(settings: Settings) -> None:
    assert settings.prism_password_file is not None
    settings.prism_password_file.write_text("not the password at all")
    with pytest.raises(SettingsInvalid, match="VENDING_PRISM_USER") as refused:
        security_module_of(settings)
    assert "not the password at all" not in repr((refused.value, vars(refused.value)))


def test_a_password_that_others_may_read_stops_the_start(settings: Settings) -> None:
    assert settings.prism_password_file is not None
    settings.prism_password_file.chmod(0o640)
    with pytest.raises(FileInvalid, match="others may read it"):
        security_module_of(settings)


def test_an_address_at_which_nobody_answers_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsInvalid, match=r"no token service answers at tcp://127\.0\.0\.1:1"):
        security_module_of(_changed(settings, prism_address="tcp://127.0.0.1:1"))


def test_a_file_without_certificates_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    tls = _changed(settings, prism_address="tls://127.0.0.1:1")
    for name in ("facts.toml", "nothing"):
        with pytest.raises(SettingsInvalid, match="VENDING_PRISM_CA_FILE"):
            security_module_of(_changed(tls, prism_ca_file=tmp_path / name))
    certificate, _ = certificates.pair(tmp_path)
    with pytest.raises(SettingsInvalid, match="no token service answers"):
        security_module_of(_changed(tls, prism_ca_file=certificate))


def test_a_missing_package_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise ModuleNotFoundError("no", name="thriftpy2")

    monkeypatch.setattr("vending_api.security_module.import_module", absent)
    with pytest.raises(SettingsInvalid, match=r"needs thriftpy2.*sts-vending\[prism\]"):
        security_module_of(settings)


GOOD = {
    "PRISM_ADDRESS": "tls://module.example.org:9443",
    "PRISM_USER": "vending",
    "PRISM_PASSWORD_FILE": "password",
    "PRISM_KEYS_FILE": "facts.toml",
}


def _loaded(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> Settings:
    for name, value in {**GOOD, **values}.items():
        if value is not None:
            monkeypatch.setenv(f"VENDING_{name}", value)
    return load_settings()


def test_hardware_takes_the_place_of_a_key_file(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _loaded(monkeypatch)
    assert settings.keys_file is None
    assert settings.prism_realm == "local"


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9090", "tcp://[::1]:9090", "tls://10.0.0.7:1"]
)
def test_an_address_has_a_scheme_a_host_and_a_port(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    assert _loaded(monkeypatch, PRISM_ADDRESS=address).prism_address == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRISM_ADDRESS", "tcp://10.0.0.7:9090"),
        ("PRISM_ADDRESS", "http://127.0.0.1:9090"),
        ("PRISM_ADDRESS", "tls://module.example.org"),
        ("PRISM_ADDRESS", "tls://:9443"),
        ("PRISM_ADDRESS", "tls://module.example.org:99999"),
        ("PRISM_ADDRESS", "tls://a@module.example.org:9443"),
        ("PRISM_ADDRESS", "tls://module.example.org:9443/path"),
        ("PRISM_USER", None),
        ("PRISM_PASSWORD_FILE", None),
        ("PRISM_KEYS_FILE", None),
        ("KEYS_FILE", "keys.sealed"),
        ("DEMO", "true"),
    ],
)
def test_what_does_not_go_together_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    with pytest.raises(SettingsInvalid, match="VENDING_PRISM_"):
        _loaded(monkeypatch, **{name: value})
