"""A durable subscriber to Headwater's events, with the official NATS client and the CloudEvents SDK.

    python3 -m venv .venv
    .venv/bin/pip install --require-hashes -r requirements.txt
    .venv/bin/python subscriber.py --name audit --aggregate person

The server remembers how far the subscriber named NAME has come. Stop it, start it again, and it
goes on after the last commit it acknowledged. A commit may come twice (after a crash between the
work and the acknowledgement), so make the work idempotent: every event's id is unique.
"""

import argparse
import asyncio
import json
import os

import nats
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.formats.json import JSONFormat
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy


def decode(body: bytes) -> list[BaseCloudEvent]:
    """One message is one commit: a JSON array of CloudEvents 1.0, in order, all or nothing."""
    return [JSONFormat().read(None, json.dumps(element)) for element in json.loads(body)]


def handle(event: BaseCloudEvent) -> None:
    """Your work goes here. This prints what happened and to whom, not the personal data in it."""
    version = int(event.get_extension("sequence"))
    print(event.get_type(), event.get_subject(), f"version={version}", event.get_id(), flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Follow Headwater's events.")
    parser.add_argument("--url", default=os.environ.get("HEADWATER_NATS", "nats://127.0.0.1:4222"))
    parser.add_argument("--name", required=True, help="the durable consumer's name")
    parser.add_argument("--aggregate", default="*", help="only events of this aggregate type")
    parser.add_argument("--commits", type=int, help="stop after this many commits")
    options = parser.parse_args()

    client = await nats.connect(options.url)
    subscription = await client.jetstream().pull_subscribe(
        f"event.{options.aggregate}.*",
        durable=options.name,
        stream="EVENTS",
        config=ConsumerConfig(
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=30,
            # One commit at a time keeps the order of each aggregate, also when one is delivered again.
            max_ack_pending=1,
        ),
    )
    done = 0
    while options.commits is None or done < options.commits:
        try:
            (message,) = await subscription.fetch(1, timeout=5)
        except nats.errors.TimeoutError:
            continue
        for event in decode(message.data):
            handle(event)
        await message.ack_sync()
        done += 1
    await client.close()


if __name__ == "__main__":
    asyncio.run(main())
