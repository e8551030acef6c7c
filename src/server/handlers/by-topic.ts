/** Rows of single partitions, by their topics in the order in which these appear first. */
export function byTopic<Row extends { readonly topic: string }>(rows: Iterable<Row>): Map<string, Row[]> {
  const topics = new Map<string, Row[]>();
  for (const row of rows) {
    const some = topics.get(row.topic);
    if (some === undefined) topics.set(row.topic, [row]);
    else some.push(row);
  }
  return topics;
}

/** Of a partition that is named twice the last counts. */
export function lastOfEach<Row extends { readonly topic: string; readonly partition: number }>(rows: Iterable<Row>): Row[] {
  return [...new Map([...rows].map(row => [`${row.topic} ${row.partition}`, row])).values()];
}

/** What Kafka says with NOT_CONTROLLER where there is room for it. */
export const NOT_THE_CONTROLLER = 'This is not the correct controller for this cluster.';
