"""A design request from its creation to the completed design, over NATS or over HTTP.

    .venv/bin/python design_request.py nats --id request-1
    .venv/bin/python design_request.py http --id request-2 --key "$(cat .headwater/key)"

Every command has an id that is made of the request's, so the whole script may be run again: what was
done is answered as it was the first time, and nothing happens twice.
"""

import argparse
import asyncio
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """What the service said instead: an RFC 9457 problem, whose `code` never changes its meaning."""

    def __init__(self, problem: dict) -> None:
        super().__init__(f"{problem['code']}: {problem.get('detail', '')}")
        self.code = problem["code"]


class OverNats:
    """The service behind a NATS connection: commands and queries are requests."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> "OverNats":
        import nats  # Who speaks HTTP needs no client of NATS.

        self.client = await nats.connect(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def command(self, aggregate: str, id: str, name: str, body: dict, once: str) -> dict:
        return await self.ask(f"command.{aggregate}.{id}.{name}", body, {"Command-Id": once})

    async def query(self, projection: str, name: str, params: dict) -> dict:
        return await self.ask(f"query.{projection}.{name}", params)

    async def ask(self, subject: str, body: dict, headers: dict | None = None) -> dict:
        reply = await self.client.request(
            subject, json.dumps(body).encode(), headers=headers, timeout=35
        )
        answer = json.loads(reply.data)
        if (reply.headers or {}).get("Nats-Service-Error-Code"):
            raise Refused(answer)
        return answer


class OverHttp:
    """The same service behind its HTTP face. `urllib` is enough; so is any HTTP client."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url.rstrip("/"), key

    async def __aenter__(self) -> "OverHttp":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def command(self, aggregate: str, id: str, name: str, body: dict, once: str) -> dict:
        path = f"/v1/commands/{aggregate}/{id}/{name}"
        return await asyncio.to_thread(self.ask, path, body, {"Idempotency-Key": once})

    async def query(self, projection: str, name: str, params: dict) -> dict:
        path = f"/v1/{projection}/{name}?{urllib.parse.urlencode(params)}"
        return await asyncio.to_thread(self.ask, path)

    def ask(self, path: str, body: dict | None = None, headers: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=35) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refusal:
            raise Refused(json.load(refusal)) from None


async def drive(service: OverNats | OverHttp, request: str) -> None:
    """From nothing to a completed design, and what the read models tell of it."""

    async def command(aggregate: str, id: str, name: str, /, **body: object) -> dict:
        reply = await service.command(aggregate, id, name, body, once=f"{request}-{name}")
        print(f"{aggregate}/{id} {name}: {reply['status']} version {reply['version']}")
        return reply

    poster = f"poster-{request}"
    await command("product", poster, "create-product", name="Poster", prices={"eur": 4900})
    await command("design", request, "create-request", product_id=poster, design_code="D-7")
    await command("design", request, "answer-question", question_id="colour", text="Green")
    await command("design", request, "submit-request", email="ada@example.org")
    await command("design", request, "quote", amount=4900, currency="eur")

    payment = {"intent_id": "pi_by_hand", "fact": "succeeded", "at": "2026-11-21T12:00:00Z"}
    try:
        body = {**payment, "amount": 1, "currency": "eur"}
        await service.command("design", request, "record-payment", body, once=f"{request}-cheap")
    except Refused as refused:
        print(f"one cent is refused: {refused.code}")
    else:
        raise SystemExit("a poster for one cent")

    await command("design", request, "record-payment", **payment, amount=4900, currency="eur")
    await command("design", request, "start-design")
    done = await command("design", request, "complete-design")

    # Wait until the read model has come as far as the last reply, then read.
    params = {"request_id": request, "after": done["position"]}
    answer = await service.query("design-requests", "current-state", params)
    row = answer["rows"][0]
    print(row["current_status"], row["current_payment_status"], row["total_amount"])
    events = await service.query("design-requests", "events", params)
    print(" ".join(event["event_type"] for event in events["rows"]))


async def main() -> None:
    parser = argparse.ArgumentParser(description="Drive a design request to its end.")
    parser.add_argument("way", choices=["nats", "http"])
    parser.add_argument("--url", help="of the server [default: the one that `headwater dev` starts]")
    parser.add_argument("--key", default=os.environ.get("HEADWATER_KEY"), help="API key, for http")
    parser.add_argument("--id", default="request-1", help="the request's id")
    options = parser.parse_args()
    if options.way == "http" and not options.key:
        sys.exit("give a --key, or HEADWATER_KEY; `headwater dev` leaves one in .headwater/key")
    service = (
        OverNats(options.url or "nats://127.0.0.1:4222")
        if options.way == "nats"
        else OverHttp(options.url or "http://127.0.0.1:8080", options.key)
    )
    try:
        async with service:
            await drive(service, options.id)
    except Refused as refused:
        sys.exit(str(refused))


asyncio.run(main())
