"""One client family of harness/clients.ts: confluent-kafka, on librdkafka."""

from confluent_kafka import Consumer, KafkaException, OFFSET_BEGINNING, Producer, TopicPartition
from contract import Seen, ask, leave_event, main, records, say, topic


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
            "queue.buffering.max.messages": 1_000_000,
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


main(produce=produce, consume=consume, seek=seek, member=member)
