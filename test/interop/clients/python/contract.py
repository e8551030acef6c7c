"""What both Python client families share: the workload of harness/workload.ts, and how to talk with harness/clients.ts."""

import hashlib
import json
import sys
import threading

ask = json.loads(sys.argv[1])
topic = ask["topic"]


def say(event):
    print(json.dumps(event), flush=True)


values = json.load(open(ask["values"])) if "values" in ask else None
LARGEST = 32_000_000 if values else 1_000_000


def value_of(i):
    return values[i % len(values)] if values else f"value-{i}-{'x' * (i % 100)}"


def records(run):
    """(partition, timestamp, key, value, headers) of each record of a run."""
    for i in range(run["first"], run["first"] + run["count"]):
        headers = [("n", str(i).encode())] if i % 10 == 0 else []
        yield i % ask["partitions"], ask["startTime"] + i, f"key-{i}".encode(), value_of(i).encode(), headers


class Seen:
    """Count and digest of what was read, by partition."""

    def __init__(self):
        self.left = ask["count"]
        self.digests = {p: hashlib.sha256() for p in range(ask["partitions"])}
        self.counts = {p: 0 for p in self.digests}

    def add(self, partition, offset, timestamp, key, value, headers):
        n = next((v.decode() for k, v in headers or [] if k == "n"), "-")
        self.digests[partition].update(f"{offset} {timestamp} {key.decode()} {value.decode()} {n}\n".encode())
        self.counts[partition] += 1
        self.left -= 1

    def report(self):
        say({"partitions": {p: {"count": self.counts[p], "digest": self.digests[p].hexdigest()} for p in self.digests}})


def leave_event():
    """Set once the test says "leave", or is gone."""
    event = threading.Event()

    def read():
        for line in sys.stdin:
            if line.strip() == "leave":
                break
        event.set()

    threading.Thread(target=read, daemon=True).start()
    return event


def main(**commands):
    commands[ask["do"]]()
