// ISR changes on their way to the controller (KIP-497).
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { PeerDisconnected, type PeerChannel } from '../../src/network/peer-channel.js';
import type { AlterPartitionRequestInput, AlterPartitionResponseInput } from '../../src/protocol/messages.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import { ControllerAlterPartitionManager } from '../../src/replication/alter-partition-manager.js';
import type { IsrAnswer, IsrChange } from '../../src/replication/isr-change.js';
import { named } from '../support/names.js';
import { quiet, SteppedTime } from '../support/stepped-time.js';

const ID = 'bm90LWEtdG9waWMtaWQtMQ';
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

const change = (topic: string, partition: number, of: Partial<IsrChange> = {}): IsrChange => ({
  topic: named(topic), topicId: topic === 'old' ? NO_ID : ID, partition, leader: 1, leaderEpoch: 3, partitionEpoch: 7, isr: [1, 2], controllerEpoch: 1, ...of,
});

interface Sent {
  readonly message: AlterPartitionRequestInput;
  readonly version: number | undefined;
  answer(answer: AlterPartitionResponseInput): Promise<void>;
  fail(): Promise<void>;
}

function world({ topicIds = true } = {}) {
  const time = new SteppedTime();
  const sent: Sent[] = [];
  const heard: string[] = [];
  let known = true;
  const channel = {
    send: (_codec: unknown, message: AlterPartitionRequestInput, options: { version: number }) => new Promise((resolve, reject) => {
      sent.push({
        message, version: options.version,
        answer: async answer => { resolve({ errorCode: 0, topics: [], ...answer }); await quiet(); },
        fail: async () => { reject(new PeerDisconnected('gone')); await quiet(); },
      });
    }),
  } as unknown as PeerChannel;
  const manager = new ControllerAlterPartitionManager({ brokerId: 1, brokerEpoch: () => 55, controller: () => (known ? channel : undefined), topicIds, timers: time, logger: silentLogger });
  const submit = (of: IsrChange): void => manager.submit(of, (answer: IsrAnswer) => {
    heard.push(`${of.topic}-${of.partition}: ${'committed' in answer ? `${answer.committed.isr.join()} at ${answer.committed.partitionEpoch}` : answer.errorCode}`);
  });
  return { time, sent, heard, manager, submit, knowsController: (does: boolean) => { known = does; } };
}

const answered = (partitionIndex: number, of: object = {}) => ({ partitionIndex, errorCode: 0, leaderId: 1, leaderEpoch: 3, isr: [1, 2], partitionEpoch: 8, ...of });
const of = (partitions: object[], topicName = '', topicId = ID) => ({ topicName, topicId, partitions }) as never;

describe('ISR changes', () => {
  it('of one turn go together; those that come while a request is out go with the next', async () => {
    const { sent, heard, submit } = world();
    submit(change('orders', 0));
    submit(change('orders', 1));
    await quiet();
    submit(change('orders', 2));
    await quiet();
    expect(sent.map(({ message }) => message.topics)).toMatchObject([[{ topicName: 'orders', topicId: ID, partitions: [{ partitionIndex: 0, leaderEpoch: 3, newIsr: [1, 2], partitionEpoch: 7 }, { partitionIndex: 1 }] }]]);
    expect(sent[0]!.message).toMatchObject({ brokerId: 1, brokerEpoch: 55 });
    await sent[0]!.answer({ topics: [of([answered(0), answered(1, { errorCode: ErrorCode.InvalidUpdateVersion })])] });
    expect(heard).toEqual(['orders-0: 1,2 at 8', `orders-1: ${ErrorCode.InvalidUpdateVersion}`]);
    expect(sent[1]!.message.topics).toMatchObject([{ partitions: [{ partitionIndex: 2 }] }]);
  });

  it('of a partition are one at a time: another is not attempted', async () => {
    const { sent, heard, submit } = world();
    submit(change('orders', 0));
    submit(change('orders', 0, { isr: [1, 2, 3] }));
    await quiet();
    expect(heard).toEqual([`orders-0: ${ErrorCode.OperationNotAttempted}`]);
    await sent[0]!.answer({ topics: [of([answered(0)])] });
    submit(change('orders', 0, { isr: [1, 2, 3] }));
    await quiet();
    expect(sent.length).toBe(2);
  });

  it('name topics by their ids only where all have one, and the protocol does', async () => {
    const { sent, heard, submit } = world();
    submit(change('orders', 0));
    await quiet();
    expect(sent[0]!.version).toBe(2);
    await sent[0]!.answer({ topics: [of([answered(0)])] });
    submit(change('old', 0));
    submit(change('orders', 0));
    await quiet();
    expect(sent[1]!.version).toBe(1);
    await sent[1]!.answer({ topics: [of([answered(0)], 'old', NO_ID), of([answered(0)], 'orders', NO_ID)] });
    expect(heard.slice(1)).toEqual(['old-0: 1,2 at 8', 'orders-0: 1,2 at 8']);
    const before = world({ topicIds: false });
    before.submit(change('orders', 0));
    await quiet();
    expect(before.sent[0]!.version).toBe(1);
  });

  it('are said again, a moment later, where the controller is not there, is none any more, or did not know us', async () => {
    const { sent, time, submit, knowsController } = world();
    knowsController(false);
    submit(change('orders', 0));
    await quiet();
    expect(sent.length).toBe(0);
    knowsController(true);
    time.pass(50);
    await sent[0]!.fail();
    for (const errorCode of [ErrorCode.NotController, ErrorCode.StaleBrokerEpoch, ErrorCode.ClusterAuthorizationFailed]) {
      const before = sent.length;
      time.pass(50);
      expect(sent.length).toBe(before + 1);
      await sent.at(-1)!.answer({ errorCode });
    }
  });

  it('that an answer leaves out are said again; what nobody asked is passed over', async () => {
    const { sent, heard, time, submit } = world();
    submit(change('orders', 0));
    submit(change('orders', 1));
    await quiet();
    await sent[0]!.answer({ topics: [of([answered(1), answered(9)]), of([answered(0)], '', NO_ID)] });
    expect(heard).toEqual(['orders-1: 1,2 at 8']);
    expect(sent[1]!.message.topics).toMatchObject([{ partitions: [{ partitionIndex: 0 }] }]);
    await sent[1]!.answer({ topics: [] });
    expect(sent.length).toBe(2);
    time.pass(50);
    expect(sent.length).toBe(3);
  });

  it('are forgotten when the broker stops', async () => {
    const { sent, heard, manager, submit } = world();
    submit(change('orders', 0));
    await quiet();
    manager.close();
    await sent[0]!.answer({ topics: [of([answered(0)])] });
    expect(heard).toEqual([]);
  });
});
