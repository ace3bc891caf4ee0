#!/usr/bin/env python3
"""Imports a file under one fault after another and prints what became of its rows.

usage: faults.py PROXY BUCKET    LEADS_URL and LEADS_ADMIN_KEY in the environment
"""

import json
import os
import sys
import time
import urllib.request

from stack import client

ROWS = 400
PROXY, BUCKET = sys.argv[1:]


def fault(service, operation, times, **what):
    return {"service": service, "operation": operation, "times": times, **what}


def busy(code, status=400):
    return {"error": {"code": code, "status": status}}


FAULTS = {
    "none": [],
    "tables throttle writes": [fault("dynamodb", "PutItem", 5, **busy("ProvisionedThroughputExceededException"))],
    "tables fail to write": [fault("dynamodb", "PutItem", 5, **busy("InternalServerError", 500))],
    "writes are cut off": [fault("dynamodb", "PutItem", 2, reset=True)],
    "tables throttle reads": [fault("dynamodb", "BatchGetItem", 2, **busy("ThrottlingException"))],
    "slots are throttled": [fault("dynamodb", "UpdateItem", 2, **busy("ThrottlingException"))],
    "the queue fails": [fault("sqs", "SendMessageBatch", 2, **busy("InternalError", 500))],
}


def send(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def api(method, path, key, body=None):
    data = None if body is None else json.dumps(body).encode()
    return send(os.environ["LEADS_URL"] + path, method, data, {"authorization": f"Bearer {key}"})


def rules(rules):
    send(f"{PROXY}/_microburst/rules", "POST", b"[]", {"content-type": "application/json"})
    send(f"{PROXY}/_microburst/rules", "POST", json.dumps(rules).encode(), {"content-type": "application/json"})


def fired():
    found = send(f"{PROXY}/_microburst/fired")
    return len(found if isinstance(found, list) else found.get("fired", []))


def imported(slug, key):
    # Through the inbox: a presigned link would lead through the proxy, and be signed for its port.
    file = "email,name\n" + "".join(f"person-{n}@example.com,Name {n}\n" for n in range(ROWS))
    client("s3").put_object(Bucket=BUCKET, Key=f"inbox/{slug}/faults.csv", Body=file.encode())
    deadline = time.monotonic() + 60
    job = None
    while time.monotonic() < deadline:
        for job in api("GET", "/api/v1/imports", key)["items"]:
            if job["status"] in ("done", "failed"):
                return job
        time.sleep(0.2)
    sys.exit(f"the import did not end: {job}")


def stored(key):
    emails, path = [], "/api/v1/contacts?limit=200"
    while path:
        page = api("GET", path, key)
        emails += [contact["email"] for contact in page["items"]]
        cursor = page["next_cursor"]
        path = cursor and f"/api/v1/contacts?limit=200&cursor={cursor}"
    return emails


failed = False
print("fault | fired | sent | stored | lost | doubled")
for name, of_it in FAULTS.items():
    tenant = api("POST", "/api/v1/admin/tenants", os.environ["LEADS_ADMIN_KEY"], {"name": "Faults"})
    key = tenant["api_key"]
    before = fired()
    rules(of_it)
    job = imported(tenant["slug"], key)
    rules([])
    count = fired() - before
    emails = stored(key)
    lost, doubled = ROWS - len(set(emails)), len(emails) - len(set(emails))
    print(f"{name} | {count} | {ROWS} | {len(emails)} | lost {lost} | doubled {doubled}", flush=True)
    failed |= bool(lost or doubled) or job["rows"]["created"] != ROWS or (bool(of_it) and count == 0)
sys.exit(failed)
