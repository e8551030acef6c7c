// The end of a run: both brokers stop, their files are held against each other, and each starts on what the other left
// and is asked again.

import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCheckpoint } from '../../src/log/checkpoint-file.js';
import { decodeSnapshot } from '../../src/log/producer-snapshot.js';
import { compareSteps, diff, type Difference, type Sides } from './compare.js';
import type { Conversation } from './conversation.js';
import { batchesOf, MadeUp, normal } from './normal.js';
import type { Pair } from './pair.js';
import { Player } from './play.js';
import { prepare } from './prepare.js';
import { Bindings } from './symbols.js';

/** A conversation whose topics were left for the end. */
export interface Kept {
  readonly conversation: Conversation;
  readonly prefix: string;
}

const CHECKPOINTS = ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', 'log-start-offset-checkpoint'];

export async function endgame(pair: Pair, kept: readonly Kept[]): Promise<Difference[]> {
  await pair.down();
  const differences: Difference[] = [];
  const { ours, kafka } = pair.grounds;
  for (const { prefix } of kept) {
    const made = { ours: new MadeUp(0, '', prefix), kafka: new MadeUp(0, '', prefix) };
    const files = { ours: await filesOf(ours.dataDirectory, made.ours), kafka: await filesOf(kafka.dataDirectory, made.kafka) };
    differences.push(...diff(files.ours, files.kafka).map(each => ({ at: 'files', step: undefined, ...each, answers: files })));
  }
  pair.exchange();
  await pair.up();
  const facts = await prepare(pair);
  for (const { conversation, prefix } of kept) {
    const bindings = { ours: new Bindings(prefix), kafka: new Bindings(prefix) };
    const players = { ours: new Player(pair.ports.ours, bindings.ours), kafka: new Player(pair.ports.kafka, bindings.kafka) };
    const made: Sides<MadeUp> = {
      ours: new MadeUp(pair.ports.ours, facts.ours.clusterId, prefix), kafka: new MadeUp(pair.ports.kafka, facts.kafka.clusterId, prefix),
    };
    const [heardOurs, heardKafka] = await Promise.all([players.ours.play(conversation.epilogue), players.kafka.play(conversation.epilogue)]);
    made.ours.learn(bindings.ours.history);
    made.kafka.learn(bindings.kafka.history);
    const asked = compareSteps(conversation.epilogue, { ours: heardOurs, kafka: heardKafka }, made);
    differences.push(...asked.map(each => ({ ...each, at: `exchanged data directories, seed ${conversation.seed}, question ${Number(each.at) + 1}` })));
    await Promise.all([players.ours.close(), players.kafka.close()]);
  }
  return differences;
}

/** Everything that a conversation left in a data directory, decoded. */
async function filesOf(directory: string, made: MadeUp): Promise<object> {
  const found: [string, unknown][] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (!name.startsWith(made.prefix) || !/-\d+$/.test(name)) continue;
    for (const file of (await readdir(join(directory, name))).sort()) found.push([`${name}/${file}`, decoded(file, await readFile(join(directory, name, file)), made)]);
  }
  for (const name of CHECKPOINTS) {
    const path = join(directory, name);
    const lines = existsSync(path) ? decodeCheckpoint(path, await readFile(path, 'utf8')) : [];
    found.push([name, lines.filter(([topic]) => topic?.startsWith(made.prefix) === true).map(line => line.join(' ')).sort()]);
  }
  return Object.fromEntries(found);
}

function decoded(file: string, bytes: Buffer, made: MadeUp): unknown {
  if (file.endsWith('.log')) return batchesOf(bytes, made);
  if (file.endsWith('.timeindex')) return entries(bytes, 12, at => normal(Number(bytes.readBigInt64BE(at)), made, undefined) + ` ${bytes.readInt32BE(at + 8)}`);
  if (file.endsWith('.index')) return entries(bytes, 8, at => `${bytes.readInt32BE(at)} ${bytes.readInt32BE(at + 4)}`);
  if (file.endsWith('.snapshot')) return normal(decodeSnapshot(bytes).map(producerFacts).sort((a, b) => a.producerId - b.producerId), made, undefined);
  return normal(bytes.toString('utf8'), made, undefined);
}

function entries(bytes: Buffer, size: number, each: (at: number) => string): string[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => each(index * size));
}

function producerFacts(entry: ReturnType<typeof decodeSnapshot>[number]): { producerId: number } {
  const { producerId, epoch, lastSequence, lastOffset, lastOffsetDelta, lastTimestamp, coordinatorEpoch, transactionStart } = entry;
  return { producerId, epoch, lastSequence, lastOffset, lastOffsetDelta, lastTimestamp, coordinatorEpoch, transactionStart } as { producerId: number };
}
