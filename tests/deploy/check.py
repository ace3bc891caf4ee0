#!/usr/bin/env python3
"""Checks of a deployed stack what the end-to-end suite cannot: it has no more than a URL and keys.

usage: check.py KEY=value ...    the outputs of the stack; LEADS_URL and LEADS_ADMIN_KEY in the environment
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

from stack import client

ORIGIN = "https://app.example.com"
outputs = dict(pair.split("=", 1) for pair in sys.argv[1:])


def call(method, path, key=None, body=None, headers=()):
    request = urllib.request.Request(os.environ["LEADS_URL"] + path, method=method, headers=dict(headers))
    if key:
        request.add_header("authorization", f"Bearer {key}")
    if body is not None:
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def check(name, holds, told):
    print(f"{'ok' if holds else 'FAILED'}: {name}" + ("" if holds else f": {told}"))
    if not holds:
        sys.exit(1)


def waiting(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=outputs[queue], AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


status, _, body = call("POST", "/api/v1/admin/tenants", os.environ["LEADS_ADMIN_KEY"], {"name": "Inbox"})
tenant = json.loads(body)
key = tenant["api_key"]

client("s3").put_object(
    Bucket=outputs["BucketName"],
    Key=f"inbox/{tenant['slug']}/my leads + more.csv",
    Body="Email,Name\njane@example.com,Jane\n".encode(),
)
deadline = time.monotonic() + 60
imports = []
while time.monotonic() < deadline and not (imports and imports[0]["status"] in ("done", "failed")):
    time.sleep(0.2)
    imports = json.loads(call("GET", "/api/v1/imports", key)[2])["items"]
found = imports and (imports[0]["status"], imports[0]["filename"], imports[0]["rows"]["created"])
check("a file dropped under inbox/ is imported", found == ("done", "my leads + more.csv", 1), imports)

asked = {"origin": ORIGIN, "access-control-request-method": "PATCH", "access-control-request-headers": "if-match"}
status, headers, _ = call("OPTIONS", "/api/v1/contacts/x", headers=asked)
check("the API answers a preflight", headers.get("access-control-allow-origin") == ORIGIN, (status, dict(headers)))

ttl = client("dynamodb").describe_time_to_live(TableName=outputs["ConfigTableName"])["TimeToLiveDescription"]
check("what expires goes", (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires"), ttl)

for queue in ["RangeQueueUrl", "RangeDeadLettersUrl", "NotificationDeadLettersUrl", "RefoldDeadLettersUrl"]:
    check(f"{queue} is empty", waiting(queue) == 0, waiting(queue))
