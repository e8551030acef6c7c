import { bytes, integers, isFields, object, parse } from './json.js';
import { scalaMutableOrder } from '../../base/java-order.js';

export type Assignment = ReadonlyMap<number, readonly number[]>;

/** /brokers/topics/<topic>. `partitions` names all replicas, also those that are being added or removed. */
export interface TopicAssignment {
  /** Undefined for topics older than KIP-516. */
  readonly topicId: string | undefined;
  readonly partitions: Assignment;
  readonly addingReplicas: Assignment;
  readonly removingReplicas: Assignment;
}

/** Version 3. */
export function encodeTopic(topic: { readonly topicId?: string | undefined; readonly partitions: Assignment; readonly addingReplicas?: Assignment; readonly removingReplicas?: Assignment }): Buffer {
  const fields = {
    version: 3,
    partitions: assignment(topic.partitions),
    adding_replicas: assignment(topic.addingReplicas ?? new Map()),
    removing_replicas: assignment(topic.removingReplicas ?? new Map()),
    ...(topic.topicId === undefined ? {} : { topic_id: topic.topicId }),
  };
  return bytes(object(fields, keys => scalaMutableOrder(keys, 4)));
}

export function decodeTopic(data: Uint8Array): TopicAssignment {
  const fields = parse(data);
  const topicId = fields['topic_id'];
  return {
    topicId: typeof topicId === 'string' ? topicId : undefined,
    partitions: readAssignment(fields['partitions']),
    addingReplicas: readAssignment(fields['adding_replicas']),
    removingReplicas: readAssignment(fields['removing_replicas']),
  };
}

function assignment(partitions: Assignment) {
  const filled = [...partitions].map(([partition, replicas]) => [String(partition), replicas] as const);
  return object(new Map(filled), keys => scalaMutableOrder(keys));
}

function readAssignment(value: unknown): Map<number, number[]> {
  if (!isFields(value)) return new Map();
  return new Map(Object.entries(value).map(([partition, replicas]) => [Number(partition), integers(replicas, partition)]));
}
