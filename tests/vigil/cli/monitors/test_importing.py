"""The command `import litellm`: the plan as a table, and how it asks for what it needs."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from vigil.cli.errors import CommandError
from vigil.cli.monitors import importing
from vigil.monitors.models import Composite, Monitor, Region

FAKE_KEY = "obviously-fake-key-555555"
CONFIG = f"""
model_list:
  - model_name: chat
    litellm_params: {{model: openai/gpt-x, api_key: os.environ/OPENAI_API_KEY}}
  - model_name: backup
    litellm_params: {{model: groq/llama-x, api_key: {FAKE_KEY}}}
  - model_name: local
    litellm_params: {{model: ollama/llama3, api_base: "http://10.0.0.5:11434"}}
router_settings:
  fallbacks: [{{chat: [backup, ghost]}}]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", FAKE_KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    # The tests have a database already.
    monkeypatch.setattr(importing, "connect", lambda data_dir: None)


def ran(*words: str) -> int:
    parser = argparse.ArgumentParser()
    importing.add(parser)
    return importing.run(parser.parse_args(words))


def test_the_plan_is_a_table(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("litellm", config, "--dry-run") == 0
    assert capsys.readouterr().out == (
        "MONITOR  ADDRESS                KEY FROM                MODELS\n"
        "groq     the provider's own     GROQ_API_KEY (NOT SET)  llama-x\n"
        "ollama   http://10.0.0.5:11434  none                    llama3\n"
        "openai   the provider's own     OPENAI_API_KEY (set)    gpt-x\n"
        "\n"
        "CHAINS\n"
        "  chat: openai (OPENAI_API_KEY)  then  backup: groq (GROQ_API_KEY)\n"
        "\n"
        "WARNINGS\n"
        "  backup: the key in the file is not used; it is read from GROQ_API_KEY\n"
        "  chat: falls back on 'ghost', which is not in model_list: dangling\n"
        "  backup: no fallback at all\n"
        "  local: no fallback at all\n"
    )


def test_the_plan_for_scripts_names_keys_and_never_holds_one(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("litellm", config, "--dry-run", "--json") == 0
    shown = capsys.readouterr().out
    told = json.loads(shown)
    assert FAKE_KEY not in shown
    assert [one["key_set"] for one in told["monitors"]] == [False, False, True]
    assert told["chains"][0]["fallbacks"] == [{"group": "backup", "monitors": ["groq (GROQ_API_KEY)"]}]


def test_a_missing_key_is_named_and_nothing_is_written(db: None, config: str) -> None:
    with pytest.raises(CommandError, match="set GROQ_API_KEY"):
        ran("litellm", config)
    assert not Monitor.objects.exists()


def test_it_writes_monitors_and_chains_and_the_second_time_nothing(
    db: None, config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for slug in ("eu", "us"):
        Region.objects.create(slug=slug, domain=slug)
    monkeypatch.setenv("GROQ_API_KEY", FAKE_KEY)
    assert ran("litellm", config, "--regions", "eu") == 0
    first = capsys.readouterr()
    assert first.out.count("created") == 3
    assert FAKE_KEY not in first.out + first.err
    assert {monitor.regions.get().slug for monitor in Monitor.objects.exclude(kind="composite")} == {"eu"}
    assert Composite.objects.get().monitor.name == "LiteLLM: chat"
    # What is there needs no key any more.
    monkeypatch.delenv("GROQ_API_KEY")
    assert ran("litellm", config, "--json") == 0
    assert {one["became"] for one in json.loads(capsys.readouterr().out)["done"]} == {"unchanged"}


def test_f13_something_skipped_is_exit_1_and_a_missing_address_is_named(
    db: None, config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", FAKE_KEY)
    params = "{model: azure/x, api_base: os.environ/SOME_BASE, api_key: os.environ/K}"
    more = f"  - {{model_name: az, litellm_params: {params}}}\n"
    Path(config).write_text(CONFIG.replace("model_list:\n", "model_list:\n" + more, 1))
    with pytest.raises(CommandError, match="set K, SOME_BASE: keys and addresses are taken from the environment"):
        ran("litellm", config)
    assert not Monitor.objects.exists()
    Path(config).write_text(CONFIG.replace("model_list:\n", "model_list:\n" + more.replace("azure/x", "voyage/x"), 1))
    assert ran("litellm", config) == 1
    assert "skipped  az: the provider 'voyage' has no preset" in capsys.readouterr().out


def test_a_region_that_is_not_there_is_named(db: None, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", FAKE_KEY)
    with pytest.raises(CommandError, match="there is no region 'nowhere'"):
        ran("litellm", config, "--regions", "nowhere")


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot read"):
        ran("litellm", str(tmp_path / "none.yaml"), "--dry-run")


def test_included_files_are_part_of_the_configuration(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.yaml").write_text(
        "model_list:\n  - {model_name: more, litellm_params: {model: mistral/mistral-x}}\n"
        "environment_variables: {MISTRAL_API_KEY: obviously-fake}\n"
        "include: [deeper.yaml]\n"
    )
    Path(config).write_text(CONFIG + "include: [more.yaml]\n")

    assert ran("litellm", config, "--dry-run", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert {"openai", "groq", "ollama", "mistral"} == {one["preset"] for one in shown["monitors"]}
    assert any("`include` in an included file" in warning for warning in shown["warnings"])
    assert any(warning.startswith("environment_variables in the file are not used") for warning in shown["warnings"])


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("include: [absent.yaml]", "cannot read"),
        ("include: more.yaml", "`include` is a list of file names"),
        ("include: [words.yaml]", "the included file words.yaml is not a mapping"),
        ("include: [" + ", ".join(["words.yaml"] * 51) + "]", "more than 50 files"),
    ],
)
def test_an_include_that_cannot_be_followed_is_refused(config: str, tmp_path: Path, written: str, problem: str) -> None:
    (tmp_path / "words.yaml").write_text("just words")
    Path(config).write_text(f"{CONFIG}{written}\n")

    with pytest.raises(CommandError, match=problem):
        ran("litellm", config, "--dry-run")
