"""A client as callers are told to write one, and what it does: it sends a request again where the
answer says that this helps, under the same `Idempotency-Key`, and after as long as `Retry-After` says."""

import concurrent.futures
import datetime
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

from stack import client

AT_ONCE = 16
# An idempotency key whose function died is free again after 60 s.
PATIENCE_S = 150
# A message may come again after six minutes, and what the clock was to do after two and a half.
SETTLED_WITHIN_S = 600
ITEMS_A_BATCH = 100
ITEMS_A_PAGE = 200
# What happens to contacts in turns, and the points for it.
EVENTS = [("email.opened", 1), ("email.clicked", 5), ("email.replied", 10), ("pricing_page.visited", 20)]


class Tenant:
    """A tenant, and how often the answers to it said `try again`."""

    def __init__(self):
        self.key, self.retried = os.environ["LEADS_ADMIN_KEY"], 0
        made = self.patient("POST", "/api/v1/admin/tenants", {"name": f"Faults {uuid.uuid4()}"})
        self.slug, self.key = made["slug"], made["api_key"]
        # How many events each contact has, and how often their points count.
        self.rounds, self.worth = 0, 1

    def call(self, method, path, body=None, headers=()):
        """Sends a request once, and gives status, headers and body; 0 when there is no answer."""
        request = urllib.request.Request(os.environ["LEADS_URL"] + path, method=method, headers=dict(headers))
        request.add_header("authorization", f"Bearer {self.key}")
        request.data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read()
            is_ours = error.headers.get("content-type", "").startswith("application/problem+json")
            return error.code, error.headers, json.loads(text) if is_ours else None
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError):
            return 0, {}, None

    def patient(self, method, path, body=None, headers=(), is_done=lambda _: True):
        """Sends a request until it is answered for good."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status, told, answer = self.call(method, path, body, headers)
            if 200 <= status < 300 and is_done(answer):
                return answer
            self.retried += 1
            if answer is None or status < 300:
                # The gateway's own answer: the function died. Or some items of a batch may pass later.
                time.sleep(0.5)
            elif status == 503 or answer["code"] == "in_progress":
                time.sleep(int(told["retry-after"]))
            else:
                sys.exit(f"{method} {path} is answered with {status} {answer}")
        sys.exit(f"{method} {path} was not done in {PATIENCE_S} s")

    def contacts(self):
        found, path = [], f"/api/v1/contacts?limit={ITEMS_A_PAGE}"
        while path:
            page = self.patient("GET", path)
            found += page["items"]
            cursor = page["next_cursor"]
            path = cursor and f"/api/v1/contacts?limit={ITEMS_A_PAGE}&cursor={cursor}"
        return found


def person(n):
    return {"email": f"person-{n}@example.com", "first_name": f"Name {n}"}


def each(act, rows):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, rows))


def once():
    return {"idempotency-key": str(uuid.uuid4())}


def create(tenant, rows):
    each(lambda n: tenant.patient("POST", "/api/v1/contacts", person(n), once()), range(rows))


def update(tenant, rows):
    change = {"company": "Acme"}
    each(lambda n: tenant.patient("PATCH", f"/api/v1/contacts/person-{n}%40example.com", change), range(rows))


def batch(tenant, rows):
    def send(first):
        items = [person(n) for n in range(first, min(first + ITEMS_A_BATCH, rows))]
        told = tenant.patient("POST", "/api/v1/contacts/batch", {"contacts": items}, once(), is_final)
        if told["failed"]:
            sys.exit(f"a batch failed: {told}")

    each(send, range(0, rows, ITEMS_A_BATCH))


def is_final(answer):
    return all(item["status"] < 500 for item in answer["results"])


def events(tenant, rows):
    """Sends events, and waits until they are recorded."""
    send_events(tenant, rows)
    settled(lambda: are_scored(tenant))


def are_scored(tenant):
    return all(contact["score"] == points(tenant, contact) for contact in tenant.contacts())


def send_events(tenant, rows, happened=None):
    """Sends an event for each contact, and all of them once more."""
    tenant.rounds += 1
    happened = happened or f"2026-01-05T08:00:{tenant.rounds:02}.000Z"

    def send(first):
        told = [
            {
                "id": f"event-{tenant.rounds}-{n}",
                "type": EVENTS[n % len(EVENTS)][0],
                "contact": {"email": person(n)["email"]},
                "occurred_at": happened,
            }
            for n in range(first, min(first + ITEMS_A_BATCH, rows))
        ]
        tenant.patient("POST", "/api/v1/events", {"events": told}, (), lambda answer: not answer["rejected"])

    each(send, [*range(0, rows, ITEMS_A_BATCH)] * 2)


def points(tenant, contact):
    """Gives what a contact's score has to be."""
    n = int(contact["email"].removeprefix("person-").split("@")[0])
    return EVENTS[n % len(EVENTS)][1] * tenant.rounds * tenant.worth


def refold(tenant, _):
    """Publishes rules, and waits until everybody is scored by them."""
    publish(tenant)
    settled(lambda: is_refolded(tenant))


def is_refolded(tenant):
    return tenant.patient("GET", "/api/v1/scoring")["refold"]["status"] == "done"


def publish(tenant, _=None, **more):
    """Publishes rules by which everything is worth one more time what it was."""
    tenant.worth += 1
    rules = [
        {"id": kind.replace(".", "_"), "event": kind, "points": points * tenant.worth} for kind, points in EVENTS
    ]
    tenant.patient("PUT", "/api/v1/scoring", {"rules": rules, **more})


def fading(tenant, rows):
    """Makes contacts that lose all their points in a moment, and waits for it to come."""
    batch(tenant, rows)
    publish(tenant, decay={"expire_after_days": 1})
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20 + rows / 25)
    send_events(tenant, rows, (expires - datetime.timedelta(days=1)).isoformat())
    settled(lambda: are_scored(tenant))
    if not are_scored(tenant):
        sys.exit("there are no points that could expire")
    time.sleep(max(0, (expires - datetime.datetime.now(datetime.UTC)).total_seconds()))


def have_faded(tenant):
    return all(contact["score"] == 0 for contact in tenant.contacts())


def listed(tenant, rows, name, **_):
    """Puts everybody on a list."""

    def send(first):
        emails = [person(n)["email"] for n in range(first, min(first + ITEMS_A_BATCH, rows))]
        path = f"/api/v1/lists/{name}/contacts"
        told = tenant.patient("POST", path, {"add": emails}, once(), is_final)
        if told["failed"]:
            sys.exit(f"a list is not changed: {told}")

    each(send, range(0, rows, ITEMS_A_BATCH))


def listed_behind(tenant, rows, name, begin):
    """Has everybody put on a list behind the API, and waits until that is done."""
    asked = {"add": [person(n)["email"] for n in range(rows)], "background": True}
    job = tenant.patient("POST", f"/api/v1/lists/{name}/contacts", asked, once())["id"]
    begin()
    followed = f"/api/v1/lists/{name}/jobs/{job}"
    settled(lambda: tenant.patient("GET", followed)["status"] != "running")
    done = tenant.patient("GET", followed)
    if (done["status"], done["added"], done["failed"]) != ("done", rows, 0):
        sys.exit(f"a change of a list ended otherwise: {done}")


def settled(holds):
    """Waits for what takes effect later; what did not in the end is told by who compares."""
    end = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < end and not holds():
        time.sleep(0.5)


def counted(tenant, rows, path):
    """Counts by the search index, which follows."""
    found = []
    settled(lambda: found.append(tenant.patient("GET", path)["count"]) or found[-1] == rows)
    return found[-1]


def load(tenant, rows, bucket):
    drop(tenant, rows, bucket)
    imported(tenant, rows)


def drop(tenant, rows, bucket):
    """Puts a file into the inbox, past the proxy: what the operator does is not under a fault."""
    file = "email,first name\n" + "".join(f"person-{n}@example.com,Name {n}\n" for n in range(rows))
    client("s3").put_object(Bucket=bucket, Key=f"inbox/{tenant.slug}/faults.csv", Body=file.encode())


def imported(tenant, rows):
    """Waits for the one import of a tenant."""
    imports = []
    end = time.monotonic() + PATIENCE_S + rows / 20
    while time.monotonic() < end:
        time.sleep(0.3)
        imports = tenant.patient("GET", "/api/v1/imports")["items"]
        if imports and imports[0]["status"] == "failed":
            sys.exit(f"the import failed: {imports[0]}")
        if imports and imports[0]["status"] == "done":
            if imports[0]["rows"]["created"] != rows:
                sys.exit(f"the import counts otherwise: {imports[0]}")
            return
    sys.exit(f"the import did not end: {imports}")
