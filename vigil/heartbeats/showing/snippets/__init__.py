"""Snippets: code to ping a heartbeat, for languages and schedulers; one file each. Pure.

`URL` in a file stands for the heartbeat's address. Python files end in .txt, so that tools ignore them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy. `language` is its language, `file` its name in this folder."""

    name: str
    title: str
    language: str
    file: str

    def for_address(self, address: str) -> str:
        """The text with `address` in place."""
        return resources.files(__name__).joinpath(self.file).read_text("utf-8").replace("URL", address)


_ALL = (
    Snippet("vigil-ping", "vigil-ping, around any command", "sh", "vigil-ping.sh"),
    Snippet("curl", "curl, with the exit code and the output", "sh", "curl.sh"),
    Snippet("python", "Python with httpx", "python", "python.py.txt"),
    Snippet("python-async", "Python with httpx, async", "python", "python-async.py.txt"),
    Snippet("celery", "Celery, by signals", "python", "celery.py.txt"),
    Snippet("airflow", "Airflow, by callbacks of a DAG", "python", "airflow.py.txt"),
    Snippet("prefect", "Prefect, by state hooks", "python", "prefect.py.txt"),
    Snippet("dagster", "Dagster, by run status sensors", "python", "dagster.py.txt"),
    Snippet("temporal", "Temporal, as an activity around a workflow", "python", "temporal.py.txt"),
    Snippet("kubernetes", "Kubernetes CronJob", "yaml", "kubernetes.yaml"),
    Snippet("github-actions", "GitHub Actions", "yaml", "github-actions.yaml"),
    Snippet("systemd", "systemd service", "ini", "systemd.service"),
    Snippet("crontab", "crontab", "crontab", "crontab.txt"),
    Snippet("powershell", "PowerShell", "powershell", "powershell.ps1"),
    Snippet("node", "Node", "javascript", "node.mjs"),
)

SNIPPETS: dict[str, Snippet] = {snippet.name: snippet for snippet in _ALL}
