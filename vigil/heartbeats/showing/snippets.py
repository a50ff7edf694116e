"""How a job calls, in the languages and schedulers of the field: a text each, with its own address in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PLACEHOLDER = "https://vigil.example.com/ping/CODE"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy; `URL` stands for the address. `language` is what it is written in."""

    name: str
    title: str
    language: str
    text: str

    def for_address(self, address: str) -> str:
        return self.text.replace("URL", address)


_ALL = (
    Snippet("vigil-ping", "vigil-ping, around any command", "sh", "vigil-ping URL -- python embed.py --all\n"),
    Snippet(
        "curl",
        "curl, with the exit code and the output",
        "sh",
        """rid=$(cat /proc/sys/kernel/random/uuid)
curl -fsS -m 10 --retry 5 -o /dev/null "URL/start?rid=$rid" || true
output=$(python embed.py 2>&1); code=$?
printf '%s' "$output" | tail -c 10000 |
    curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- "URL/$code?rid=$rid" || true
""",
    ),
    Snippet(
        "python",
        "Python with httpx",
        "python",
        """import httpx

def tell(what: str = "", **facts: object) -> None:
    try:
        httpx.post("URL" + what, json=facts, timeout=10)
    except httpx.HTTPError as error:
        print("Vigil was not told:", error)

tell("/start")
try:
    items, tokens, cost = run()
except Exception as error:
    tell("/fail", error=str(error))
    raise
tell(items=items, tokens=tokens, cost=cost, model="text-embedding-3-small")
""",
    ),
    Snippet(
        "python-async",
        "Python with httpx, async",
        "python",
        """import httpx

async def tell(what: str = "", **facts: object) -> None:
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            await client.post("URL" + what, json=facts)
    except httpx.HTTPError as error:
        print("Vigil was not told:", error)

async def main() -> None:
    await tell("/start")
    try:
        items, tokens, cost = await run()
    except Exception as error:
        await tell("/fail", error=str(error))
        raise
    await tell(items=items, tokens=tokens, cost=cost)
""",
    ),
    Snippet(
        "celery",
        "Celery, by signals",
        "python",
        """import httpx
from celery.signals import task_failure, task_prerun, task_success

PINGS = {"jobs.embed": "URL"}

def tell(sender: object, what: str, rid: str, **facts: object) -> None:
    address = PINGS.get(getattr(sender, "name", ""))
    if address:
        try:
            httpx.post(f"{address}{what}?rid={rid}", json=facts, timeout=10)
        except httpx.HTTPError as error:
            print("Vigil was not told:", error)

@task_prerun.connect
def started(sender=None, task_id="", **_):
    tell(sender, "/start", task_id)

@task_success.connect
def succeeded(sender=None, **_):
    tell(sender, "", sender.request.id)

@task_failure.connect
def failed(sender=None, task_id="", exception=None, **_):
    tell(sender, "/fail", task_id, error=str(exception))
""",
    ),
    Snippet(
        "airflow",
        "Airflow, by callbacks of a DAG",
        "python",
        """import httpx
from airflow.decorators import dag
from pendulum import datetime

def tell(what):
    def callback(context):
        try:
            httpx.post(f"URL{what}?rid={context['dag_run'].id}", timeout=10)
        except httpx.HTTPError as error:
            print("Vigil was not told:", error)
    return callback

@dag(schedule="0 2 * * *", start_date=datetime(2026, 1, 1), catchup=False,
     on_success_callback=tell(""), on_failure_callback=tell("/fail"))
def nightly_summaries():
    ...

nightly_summaries()
""",
    ),
    Snippet(
        "prefect",
        "Prefect, by state hooks",
        "python",
        """import httpx
from prefect import flow

def tell(what):
    def hook(flow, flow_run, state):
        try:
            httpx.post(f"URL{what}?rid={flow_run.id}", content=str(state.message or ""), timeout=10)
        except httpx.HTTPError as error:
            print("Vigil was not told:", error)
    return hook

@flow(on_running=[tell("/start")], on_completion=[tell("")], on_failure=[tell("/fail")], on_crashed=[tell("/fail")])
def embed():
    ...
""",
    ),
    Snippet(
        "dagster",
        "Dagster, by run status sensors",
        "python",
        """import httpx
from dagster import DagsterRunStatus, run_status_sensor

def tell(context, what):
    try:
        httpx.post(f"URL{what}?rid={context.dagster_run.run_id}", timeout=10)
    except httpx.HTTPError as error:
        context.log.warning(f"Vigil was not told: {error}")

@run_status_sensor(run_status=DagsterRunStatus.STARTED)
def tell_started(context):
    tell(context, "/start")

@run_status_sensor(run_status=DagsterRunStatus.SUCCESS)
def tell_success(context):
    tell(context, "")

@run_status_sensor(run_status=DagsterRunStatus.FAILURE)
def tell_failure(context):
    tell(context, "/fail")
""",
    ),
    Snippet(
        "temporal",
        "Temporal, as an activity around a workflow",
        "python",
        """from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    import httpx

@activity.defn
async def tell(what: str) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        (await client.post(f"URL{what}?rid={activity.info().workflow_run_id}")).raise_for_status()

@workflow.defn
class Embed:
    @workflow.run
    async def run(self) -> None:
        wait = {"start_to_close_timeout": timedelta(seconds=30)}
        await workflow.execute_activity(tell, "/start", **wait)
        try:
            ...  # the work
        except Exception:
            await workflow.execute_activity(tell, "/fail", **wait)
            raise
        await workflow.execute_activity(tell, "", **wait)
""",
    ),
    Snippet(
        "kubernetes",
        "Kubernetes CronJob",
        "yaml",
        """apiVersion: batch/v1
kind: CronJob
metadata:
  name: embed
spec:
  schedule: "0 * * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: embed
              image: registry.example.com/embed:1
              command: [/bin/sh, -c]
              args:
                - |
                  curl -fsS -m 10 --retry 5 -o /dev/null "URL/start?rid=$HOSTNAME" || true
                  python embed.py; code=$?
                  curl -fsS -m 10 --retry 5 -o /dev/null "URL/$code?rid=$HOSTNAME" || true
                  exit $code
""",
    ),
    Snippet(
        "github-actions",
        "GitHub Actions",
        "yaml",
        """name: embed
on:
  schedule:
    - cron: "0 * * * *"
jobs:
  embed:
    runs-on: ubuntu-latest
    steps:
      - run: curl -fsS -m 10 --retry 5 -o /dev/null "URL/start?rid=${{ github.run_id }}" || true
      - run: python embed.py
      - if: success()
        run: curl -fsS -m 10 --retry 5 -o /dev/null "URL?rid=${{ github.run_id }}" || true
      - if: failure() || cancelled()
        run: curl -fsS -m 10 --retry 5 -o /dev/null "URL/fail?rid=${{ github.run_id }}" || true
""",
    ),
    Snippet(
        "systemd",
        "systemd service",
        "ini",
        """[Unit]
Description=Embed new documents

[Service]
Type=oneshot
ExecStartPre=-/usr/bin/curl -fsS -m 10 --retry 5 -o /dev/null URL/start?rid=${INVOCATION_ID}
ExecStart=/usr/bin/python3 /srv/embed/embed.py
ExecStopPost=-/usr/bin/curl -fsS -m 10 --retry 5 -o /dev/null URL/${EXIT_STATUS}?rid=${INVOCATION_ID}
""",
    ),
    Snippet(
        "crontab",
        "crontab",
        "crontab",
        "0 * * * * /srv/embed/embed.sh; curl -fsS -m 10 --retry 5 -o /dev/null URL/$?\n",
    ),
    Snippet(
        "powershell",
        "PowerShell",
        "powershell",
        """$rid = [guid]::NewGuid()
try { Invoke-RestMethod -Uri "URL/start?rid=$rid" -TimeoutSec 10 | Out-Null } catch { Write-Warning $_ }
$output = (& python embed.py 2>&1 | Out-String)
$code = $LASTEXITCODE
try {
    Invoke-RestMethod -Uri "URL/${code}?rid=$rid" -Method Post -Body $output -TimeoutSec 10 | Out-Null
} catch { Write-Warning $_ }
exit $code
""",
    ),
    Snippet(
        "node",
        "Node",
        "javascript",
        """const tell = (what = "", facts = {}) =>
  fetch("URL" + what, {
    method: "POST",
    body: JSON.stringify(facts),
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => console.warn("Vigil was not told:", error.message));

await tell("/start");
try {
  const { items, tokens, cost } = await run();
  await tell("", { items, tokens, cost, model: "text-embedding-3-small" });
} catch (error) {
  await tell("/fail", { error: String(error) });
  throw error;
}
""",
    ),
)

SNIPPETS: dict[str, Snippet] = {snippet.name: snippet for snippet in _ALL}
