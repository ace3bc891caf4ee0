"""The rules of the fault proxy: which calls it fails, and how."""

import json
import urllib.request


def error(code, status):
    return {"error": {"code": code, "status": status}}


RESET = {"reset": True}
CUT = {"response": {"abort_frac": 0.5}}
SLOW = {"latency": 300}
TABLES = {
    "throttled": error("ProvisionedThroughputExceededException", 400),
    "500": error("InternalServerError", 500),
    "reset": RESET,
    "cut": CUT,
}
FILES = {
    "throttled": error("SlowDown", 503),
    "500": error("InternalError", 500),
    "reset": RESET,
    "cut": CUT,
}


def now_and_then(service, what):
    """One call in ten: what the SDK tries again is seldom tried a third time."""
    return {"service": service, "sequence": [1, 9], **what}


def in_a_row(service, times, what, **where):
    """So many calls that the SDK gives up."""
    return {"service": service, "times": times, **where, **what}


class Proxy:
    """The proxy, and how often it failed a call."""

    def __init__(self, url):
        self.url = f"{url}/_microburst/rules"
        self.fired = 0

    def fail(self, *rules):
        """Puts rules in the place of those before."""
        with urllib.request.urlopen(self.url, timeout=60) as answer:
            listed = json.loads(answer.read())
        listed = listed if isinstance(listed, list) else listed["rules"]
        self.fired += sum(rule["fired_count"] for rule in listed)
        # What is sent is added to what is there; nothing takes all of it away.
        for body in ([], list(rules)):
            data = json.dumps(body).encode()
            request = urllib.request.Request(self.url, data, {"content-type": "application/json"})
            urllib.request.urlopen(request, timeout=60).read()

    def heal(self):
        self.fail()
