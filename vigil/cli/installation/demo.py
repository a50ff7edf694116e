"""The whole system with a proof: five regions, a fake AI provider that fails on cue, and a webhook receiver.

  manage.py demo --once           tell the story while it happens; the exit code is 0 only if it held
  manage.py demo --once --json    the same as one JSON object; progress goes to standard error

Everything runs on this machine, in a temporary folder; no installation is touched. First all regions see the provider
healthy. One region is blinded: no alert. The provider fails: one alert, with the votes. It recovers: one resolve.
Without --once the system then stays up with a few monitors more, so that you can look around.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time

from vigil.demo.director import Director
from vigil.demo.script import Narrator
from vigil.demo.stage import Stage
from vigil.demo.story import broken, tell

_CANCEL_AGAIN_S = 0.5


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="end after the story (about a minute and a half)")
    parser.add_argument("--json", action="store_true", help="print the story as one JSON object on standard output")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs, and print its path")


def run(args: argparse.Namespace) -> int:
    started_ms = time.time_ns() // 1_000_000
    narrator = Narrator(sys.stderr if args.json else sys.stdout, started_ms)
    narrator.begin()
    stage = Stage(keep=args.keep)
    return asyncio.run(_perform(stage, narrator, started_ms, args))


async def _perform(stage: Stage, narrator: Narrator, started_ms: int, args: argparse.Namespace) -> int:
    director = Director(stage, narrator.tell, started_ms)
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            stage.hurry()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    playing = asyncio.create_task(director.play())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            return 130
        await playing
        story = director.story()
        narrator.conclude(story)
        if args.json:
            print(json.dumps(tell(story)), flush=True)
        if not args.once:
            await director.furnish()
            narrator.invite(stage.installation.addresses.base_url, stage.installation.login_link)
            await stopping
        return 1 if broken(story) else 0
    finally:
        # The Redis client swallows a cancellation that meets it while it connects.
        while not playing.done():
            playing.cancel()
            await asyncio.wait({playing}, timeout=_CANCEL_AGAIN_S)
        stopping.cancel()
        await stage.close()
        if args.keep:
            narrator.say(f"Everything it wrote is in {stage.path}")
