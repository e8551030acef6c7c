"""One client family of harness/clients.ts: kafka-python, which is Python all the way down."""

from contract import LARGEST, Seen, ask, leave_event, main, records, say, topic
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition


def produce():
    produced = 0
    for run in ask["runs"]:
        codec = None if run["codec"] == "none" else run["codec"]
        producer = KafkaProducer(bootstrap_servers=ask["bootstrap"], acks="all", enable_idempotence=True, compression_type=codec, linger_ms=5, max_request_size=LARGEST)
        sent = [producer.send(topic, value, key, headers, partition, timestamp) for partition, timestamp, key, value, headers in records(run)]
        for acknowledged in sent:
            acknowledged.get(60)
            produced += 1
        producer.close()
    say({"produced": produced})


def consumer(**more):
    return KafkaConsumer(bootstrap_servers=ask["bootstrap"], enable_auto_commit=False, auto_offset_reset="earliest", **more)


def partitions():
    return [TopicPartition(topic, p) for p in range(ask["partitions"])]


def batches(reader):
    while True:
        for batch in reader.poll(1000, max_records=5000).values():
            yield from batch


def consume():
    seen = Seen()
    reader = consumer()
    reader.assign(partitions())
    reader.seek_to_beginning()
    for record in batches(reader):
        seen.add(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
        if seen.left == 0:
            break
    reader.close()
    seen.report()


def seek():
    reader = consumer()
    reader.assign(partitions())
    for partition, at in reader.offsets_for_times({p: ask["time"] for p in partitions()}).items():
        reader.seek(partition, at.offset)
    found = {}
    for record in batches(reader):
        found.setdefault(record.partition, {"offset": record.offset, "timestamp": record.timestamp, "key": record.key.decode()})
        if len(found) == ask["partitions"]:
            break
    reader.close()
    say({"found": found})


class Tell(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        say({"assigned": sorted(p.partition for p in assigned)})

    def on_partitions_revoked(self, revoked):
        say({"assigned": []})


def member():
    leave = leave_event()
    reader = consumer(group_id=ask["group"])
    reader.subscribe([topic], listener=Tell())
    while not leave.is_set():
        # A poll that ends while it joins again for newly learnt metadata loses its assignment for good (seen in 3.0.12: the join
        # completes behind it, and need_rejoin() no longer asks for it). That metadata comes 100 ms after subscribing; a poll of
        # 100 ms ends just then.
        polled = [record for batch in reader.poll(1000).values() for record in batch]
        if polled:
            reader.commit()
            say({"records": [[record.partition, record.offset] for record in polled]})
    reader.close()
    say({"left": True})


main(produce=produce, consume=consume, seek=seek, member=member)
