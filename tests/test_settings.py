"""Settings are checked at start, all at once, in words that say what to do and show no secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from ml_connector.errors import ConfigurationError
from ml_connector.settings import load, make_data_dir


def test_without_any_setting_everything_lies_in_one_folder(tmp_path: Path) -> None:
    settings = load({"MLC_DATA_DIR": str(tmp_path)}, folder=tmp_path)
    assert settings.is_sqlite
    assert settings.database_url == f"sqlite:///{tmp_path}/ml-connector.db"
    assert settings.inbox_url == f"sqlite:///{tmp_path}/inbox.db"
    assert settings.master_key_file == tmp_path / "master.key"
    assert (settings.chart_max_age_s, settings.lease_s, settings.call_timeout_s) == (600, 60, 40)
    assert settings.allow_insecure_hosts == ()


def test_a_variable_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    (tmp_path / "ml-connector.toml").write_text('port = 9000\nlog_format = "json"\n')
    settings = load({"MLC_PORT": "9001"}, folder=tmp_path)
    assert (settings.port, settings.log_format, settings.host) == (9001, "json", "127.0.0.1")


def test_a_named_file_is_read_instead_of_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "ml-connector.toml").write_text("port = 9000\n")
    (tmp_path / "other.toml").write_text('allow_insecure_hosts = ["http://127.0.0.1:7000"]\n')
    settings = load({"MLC_CONFIG": str(tmp_path / "other.toml")}, folder=tmp_path)
    assert settings.port == 8080
    assert settings.allow_insecure_hosts == ("http://127.0.0.1:7000",)


def test_hosts_in_a_variable_are_split_at_commas(tmp_path: Path) -> None:
    settings = load({"MLC_ALLOW_INSECURE_HOSTS": "http://127.0.0.1:1, http://[::1]:2,"}, folder=tmp_path)
    assert settings.allow_insecure_hosts == ("http://127.0.0.1:1", "http://[::1]:2")
    inside = load({"MLC_ALLOW_PRIVATE_HOSTS": "https://Shop.Internal/, http://10.0.0.5:8080"}, folder=tmp_path)
    assert inside.allow_private_hosts == ("https://shop.internal", "http://10.0.0.5:8080")


def test_on_postgresql_the_inbox_is_in_the_main_database(tmp_path: Path) -> None:
    settings = load({"MLC_DATABASE_URL": "postgresql://mlc:pw@db/ledger", "MLC_INBOX_URL": ""}, folder=tmp_path)
    assert not settings.is_sqlite
    assert settings.inbox_url is None


def test_what_does_not_concern_us_is_left_alone(tmp_path: Path) -> None:
    assert load({"PORT": "1", "HOME": "/", "mlc_port": "2"}, folder=tmp_path).port == 8080


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MLC_PROT": "1"}, "There is no setting MLC_PROT. Did you mean MLC_PORT?"),
        ({"MLC_COLOUR": "red"}, "Known are: data_dir, database_url"),
        ({"MLC_PORT": "x", "MLC_LOG_LEVEL": "LOUD"}, "MLC_PORT is 'x'.*MLC_LOG_LEVEL is 'LOUD'"),
        ({"MLC_PORT": "0"}, "MLC_PORT is '0'"),
        ({"MLC_DATABASE_URL": "mysql://u:CANARY@h/d"}, "must begin with sqlite:/// or postgresql://"),
        ({"MLC_DATABASE_URL": "sqlite://"}, "must name a file"),
        ({"MLC_DATABASE_URL": "sqlite:///:memory:"}, "must name a file"),
        ({"MLC_DATABASE_URL": "sqlite:////a.db", "MLC_INBOX_URL": "sqlite:////a.db"}, "other than the main database"),
        ({"MLC_DATABASE_URL": "postgresql://h/d", "MLC_INBOX_URL": "sqlite:///CANARY"}, "MLC_INBOX_URL is for SQLite"),
        ({"MLC_ALLOW_INSECURE_HOSTS": "http://10.0.0.1"}, "only http:// on this machine"),
        ({"MLC_ALLOW_INSECURE_HOSTS": "http://127.0.0.1.example.com"}, "only http:// on this machine"),
        ({"MLC_ALLOW_INSECURE_HOSTS": "http://127.0.0.1:80/path"}, "only http:// on this machine"),
        ({"MLC_ALLOW_INSECURE_HOSTS": "http://127.0.0.1@example.com"}, "only http:// on this machine"),
        ({"MLC_ALLOW_PRIVATE_HOSTS": "10.0.0.5"}, "no address such as https://10.0.0.5"),
        ({"MLC_ALLOW_PRIVATE_HOSTS": "https://10.0.0.5/shop"}, "no address such as https://10.0.0.5"),
        ({"MLC_ALLOW_PRIVATE_HOSTS": "https://u:p@10.0.0.5"}, "no address such as https://10.0.0.5"),
        ({"MLC_PUBLIC_URL": "http://connector.example.com"}, "must begin with https://"),
        ({"MLC_PUBLIC_URL": "https://connector.example.com/"}, "without a slash"),
        ({"MLC_CALL_TIMEOUT_S": "60"}, "MLC_CALL_TIMEOUT_S must be less than MLC_LEASE_S"),
        ({"MLC_CHART_MAX_AGE_S": "601"}, "MLC_CHART_MAX_AGE_S is '601'"),
        ({"MLC_METRICS_TOKEN": "CANARY"}, "MLC_METRICS_TOKEN: .*at least 16"),
        ({"MLC_CONFIG": "nowhere.toml"}, "nowhere.toml cannot be read: No such file"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_in_words(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load(environment, folder=tmp_path)
    assert caught.value.fix
    assert "CANARY" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port = ", "is not TOML"),
        ('prot = "1"', "no setting prot in .*Did you mean MLC_PORT"),
        ('port = "x"', "port in .*ml-connector.toml is 'x'"),
        ('master_key = "v1:CANARY"', "holds the master key.*MLC_MASTER_KEY_FILE"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "ml-connector.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load({}, folder=tmp_path)
    assert "CANARY" not in str(caught.value)


def test_a_loopback_address_may_be_public_without_https(tmp_path: Path) -> None:
    assert load({"MLC_PUBLIC_URL": "http://127.0.0.1:8080"}, folder=tmp_path).public_url == "http://127.0.0.1:8080"


def test_printed_settings_show_no_secret(tmp_path: Path) -> None:
    environment = {
        "MLC_DATABASE_URL": "postgresql://mlc:CANARY@db/x", "MLC_MASTER_KEY": "v1:CANARY",
        "MLC_METRICS_TOKEN": "CANARY-CANARY-CANARY",
    }  # fmt: skip
    settings = load(environment, folder=tmp_path)
    assert "CANARY" not in repr(settings)
    assert "CANARY" not in str(settings)
    assert settings.master_key is not None
    assert settings.master_key.get_secret_value() == "v1:CANARY"


def test_settings_do_not_change_while_running(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load({}, folder=tmp_path).port = 1


def test_the_data_folder_is_made_closed_to_others(tmp_path: Path) -> None:
    settings = load({"MLC_DATA_DIR": str(tmp_path / "new")}, folder=tmp_path)
    make_data_dir(settings)
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert list(settings.data_dir.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be written.*MLC_DATA_DIR"):
        make_data_dir(load({"MLC_DATA_DIR": str(tmp_path / "file" / "below")}, folder=tmp_path))
