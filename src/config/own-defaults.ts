// Where our defaults differ from Kafka's, and why. Everything else is in keys/, as Kafka has it.

/** Of every broker. */
const ALWAYS: Readonly<Record<string, string>> = {
  // Kafka's /tmp/kafka-logs does not survive a reboot.
  'log.dir': './data/logs',
  // Kafka's 50 overflows when some thousand clients come back at once, and then they wait for seconds.
  'socket.listen.backlog.size': '1024',
  // Kafka's 102400 makes a producer of large batches wait for the broker every tenth of a batch: a third more CPU per byte.
  // The system's own size grows with the connection that needs it.
  'socket.receive.buffer.bytes': '-1',
  // Kafka's 102400 wakes the broker ten times for a fetch of a megabyte.
  'socket.send.buffer.bytes': '-1',
};

/** Of a broker that brings its own coordination: one machine by definition, so what Kafka's quickstart file sets. */
const ALONE: Readonly<Record<string, string>> = {
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
};

export function ownDefaults(embedded: boolean): ReadonlyMap<string, string> {
  return new Map(Object.entries(embedded ? { ...ALWAYS, ...ALONE } : ALWAYS));
}
