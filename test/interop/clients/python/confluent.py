"""One client family of harness/clients.ts: confluent-kafka, on librdkafka."""

import json
import signal
import threading

from confluent_kafka import Consumer, KafkaException, OFFSET_BEGINNING, Producer, TopicPartition
from contract import LARGEST, Seen, ask, leave_event, main, records, say, topic


def produce():
    produced = 0

    def delivered(error, _message):
        nonlocal produced
        if error is not None:
            raise KafkaException(error)
        produced += 1

    for run in ask["runs"]:
        producer = Producer({
            "bootstrap.servers": ask["bootstrap"], "enable.idempotence": True, "compression.type": run["codec"], "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000, "message.max.bytes": LARGEST,
        })
        for partition, timestamp, key, value, headers in records(run):
            producer.produce(topic, value, key, partition, on_delivery=delivered, timestamp=timestamp, headers=headers)
            producer.poll(0)
        producer.flush()
    say({"produced": produced})


def consumer(group="unused", **more):
    return Consumer({"bootstrap.servers": ask["bootstrap"], "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest", **more})


def batches(reader):
    while True:
        for message in reader.consume(1000, 0.2):
            if message.error():
                raise KafkaException(message.error())
            yield message


def consume():
    seen = Seen()
    reader = consumer(**{"check.crcs": True})
    reader.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(ask["partitions"])])
    for message in batches(reader):
        seen.add(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers())
        if seen.left == 0:
            break
    reader.close()
    seen.report()


def seek():
    reader = consumer()
    reader.assign(reader.offsets_for_times([TopicPartition(topic, p, ask["time"]) for p in range(ask["partitions"])], 30))
    found = {}
    for message in batches(reader):
        found.setdefault(message.partition(), {"offset": message.offset(), "timestamp": message.timestamp()[1], "key": message.key().decode()})
        if len(found) == ask["partitions"]:
            break
    reader.close()
    say({"found": found})


def member():
    leave = leave_event()
    reader = consumer(ask["group"])
    reader.subscribe(
        [topic],
        on_assign=lambda _, partitions: say({"assigned": sorted(p.partition for p in partitions)}),
        on_revoke=lambda _, partitions: say({"assigned": []}),
    )
    while not leave.is_set():
        messages = reader.consume(1000, 0.1)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        if messages:
            reader.commit(asynchronous=False)
            say({"records": [[message.partition(), message.offset()] for message in messages]})
    reader.close()
    say({"left": True})


def endless():
    """For crash.test.ts: numbers, at 4,000 a second, until SIGTERM; tells what became of each as VerifiableProducer does."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    producer = Producer({
        "bootstrap.servers": ask["bootstrap"], "enable.idempotence": True, "compression.type": "zstd", "linger.ms": 5,
        "message.timeout.ms": 600_000, "socket.timeout.ms": 10_000, "reconnect.backoff.max.ms": 200,
    })

    def delivered(error, message):
        said = {"key": message.key().decode(), "value": message.value().decode(), "topic": topic}
        if error is not None:
            print(json.dumps({"name": "producer_send_error", **said, "message": str(error)}), flush=True)
        else:
            print(json.dumps({"name": "producer_send_success", **said, "partition": message.partition(), "offset": message.offset()}), flush=True)

    number = 0
    while not stop.is_set():
        for _ in range(40):
            producer.produce(topic, str(number), str(number % 500), on_delivery=delivered)
            number += 1
        producer.poll(0)
        stop.wait(0.01)
        while len(producer) > 50_000 and not stop.is_set():
            producer.poll(0.1)
    producer.flush(120)


main(produce=produce, consume=consume, seek=seek, member=member, endless=endless)
