"""Settings: every one documented, the sources in their order, and combinations that cannot work refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from catalog.index_options import IndexOptions
from settings import SOCKET_PATH_LIMIT, Settings, SettingsError, as_markdown, without_password


@pytest.fixture(autouse=True)
def _away_from_real_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RUIJI_{name.upper()}", raising=False)
    monkeypatch.delenv("RUIJI_CONFIG", raising=False)


def test_every_setting_has_a_line_of_help() -> None:
    table = as_markdown()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", ")")), name
        assert f"`RUIJI_{name.upper()}`" in table


def test_the_readmes_table_is_the_generated_one() -> None:
    readme = Path(__file__).resolve().parent.parent / "README.md"
    assert as_markdown() in readme.read_text(encoding="utf-8"), "run: make readme"


def test_the_table_tells_nothing_of_this_machine() -> None:
    assert str(Path.home()) not in as_markdown()


def test_environment_beats_dotenv_beats_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruiji.toml").write_text("port = 1001\nchunk_files = 11\nmax_upload_mb = 3\n")
    (tmp_path / ".env").write_text("RUIJI_PORT=1002\nRUIJI_CHUNK_FILES=12\n")
    monkeypatch.setenv("RUIJI_PORT", "1003")
    found = Settings()
    assert (found.port, found.chunk_files, found.max_upload_mb) == (1003, 12, 3)


def test_the_toml_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('lease_s = 7.0\nallowed_hosts = ["pictures.local"]\n')
    monkeypatch.setenv("RUIJI_CONFIG", str(tmp_path / "other.toml"))
    assert Settings().lease_s == 7.0
    assert Settings().allowed_hosts == ["pictures.local"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(ValidationError, match="loopback"):
        Settings(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_is_accepted(host: str) -> None:
    assert Settings(host=host).host == host


def test_a_broker_elsewhere_needs_a_database_that_can_be_shared(tmp_path: Path) -> None:
    remote = "redis://10.0.0.5:6379/0"
    with pytest.raises(SettingsError, match="RUIJI_DATABASE_URL"):
        Settings(home=tmp_path, broker_url=remote).check()
    with pytest.raises(SettingsError, match="RUIJI_INDEX_URL"):
        Settings(home=tmp_path, broker_url=remote, database_url="postgresql://db/ruiji").check()
    Settings(
        home=tmp_path,
        broker_url=remote,
        database_url="postgresql://db/ruiji",
        index_url="http://milvus:19530",
        artifacts_url="s3://bucket/ruiji",
    ).check()
    Settings(home=tmp_path, broker_url="redis://127.0.0.1:6379/0").check()


def test_milvus_address_certificate_and_type_have_to_go_together(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.touch()
    Settings(home=tmp_path, index_url="https://root:secret@milvus/own", index_ca=there, index_type="DISKANN").check()
    for given, said in (
        ({"index_url": "milvus:19530"}, "RUIJI_INDEX_URL: .*http://host:19530"),
        ({"index_url": "http://milvus", "index_ca": there}, "RUIJI_INDEX_CA.*https"),
        ({"index_url": "https://milvus", "index_ca": tmp_path / "none"}, "RUIJI_INDEX_CA.*no file"),
        ({"index_type": "HNSW"}, "RUIJI_INDEX_TYPE.*RUIJI_INDEX_URL"),
    ):
        with pytest.raises(SettingsError, match=said):
            Settings(home=tmp_path, **given).check()
    with pytest.raises(ValidationError):
        Settings(home=tmp_path, index_type="BEST")


def test_index_settings_arrive_as_they_were_given(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, index_consistency="Strong", index_shards=4, index_replicas=2, index_mmap=True)
    assert settings.index_options() == IndexOptions(consistency="Strong", shards=4, replicas=2, mmap=True)


def test_a_password_in_an_address_is_not_shown() -> None:
    assert without_password("https://root:p@ss@milvus:19530/own") == "https://root:***@milvus:19530/own"
    assert without_password("http://milvus:19530/a@b") == "http://milvus:19530/a@b"


def test_a_long_home_gets_a_short_socket(tmp_path: Path) -> None:
    home = tmp_path / ("a" * 120)
    settings = Settings(home=home)
    assert len(bytes(settings.socket_path)) <= SOCKET_PATH_LIMIT
    assert settings.socket_path == Settings(home=home).socket_path
    assert settings.socket_path != Settings(home=tmp_path / ("b" * 120)).socket_path
    assert Settings(home=tmp_path / "s").socket_path == tmp_path / "s" / "run" / "valkey.sock"


def test_the_embedded_index_says_how_to_start_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(SettingsError, match="ruiji up"):
        settings.resolved_index_url()
    settings.run_folder.mkdir()
    settings.port_file.write_text("19531")
    assert settings.resolved_index_url() == "http://127.0.0.1:19531"


@pytest.mark.parametrize("scheme", ["file", "local", "http", "simplecache", "zip", "s3::file", ""])
def test_only_object_stores_can_be_allowed_as_sources(scheme: str) -> None:
    with pytest.raises(ValidationError, match="object store"):
        Settings(source_schemes=["s3", scheme])


@pytest.mark.parametrize("address", ["minio:9000", "ftp://minio", "http://key:secret@minio:9000", "http://"])
def test_an_s3_server_is_an_address_without_a_login(address: str) -> None:
    with pytest.raises(ValidationError, match="AWS_ACCESS_KEY_ID"):
        Settings(s3_endpoint=address)
    assert Settings(s3_endpoint="http://minio:9000").s3_endpoint == "http://minio:9000"
