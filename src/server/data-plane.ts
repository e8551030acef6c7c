// The native exchange and what works on it directly: dispatch, produce, fetch. Separate from the broker so that what a
// produce or a fetch needs can be seen, and one day moved, as a whole.

import { availableParallelism } from 'node:os';
import type { Clock } from '../base/clock.js';
import { failure } from '../base/failure.js';
import { invariant } from '../base/invariant.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Resolver } from '../base/resolver.js';
import { TimerWheel } from '../base/timer-wheel.js';
import type { Timers } from '../base/timers.js';
import { TurnQueue } from '../base/turn-queue.js';
import type { BrokerConfig } from '../config/broker-config.js';
import type { LogManager } from '../log/log-manager.js';
import { Commands } from '../native/commands.js';
import { CompletionField, CompletionKind, type NativeExchange } from '../native/exchange.js';
import { Jobs } from '../native/jobs.js';
import { loadAddon } from '../native/addon.js';
import { Dispatcher } from '../network/dispatcher.js';
import { LocalWire } from '../network/local-wire.js';
import { SocketWire } from '../network/socket-wire.js';
import { ResponseSpace } from '../network/response-space.js';
import type { HotRoute, Routes } from '../network/route.js';
import { Purgatory } from '../replication/purgatory.js';
import type { ReplicaManager } from '../replication/replica-manager.js';
import type { ReplicaSelector } from '../replication/replica-selector.js';
import type { ReplicaQuota } from '../replication/replication-quota.js';
import { FetchService } from './fetch/fetch-service.js';
import { FetchSessions } from './fetch/fetch-sessions.js';
import { CommitDeadlines } from './produce/commit-deadlines.js';
import { Inspector } from './produce/inspector.js';
import { ProduceService } from './produce/produce-service.js';
import type { TopicConfigs } from './topics/topic-configs.js';

/** Received and unanswered bytes where queued.max.request.bytes sets no bound: Kafka's -1 would be none. */
const QUEUED_BYTES = 64 << 20;
/** Beside those, what answers and requests under way may take. */
const ANSWER_BYTES = 64 << 20;
const LARGEST_ARENA = 0x7fff0000;
const LARGEST_FRAME = 0x7fffffff;
/** Until answers that the arena had no room for are tried again. */
const RETRY_MS = 5;
const MAX_IN_FLIGHT = 256;
const MAX_QUEUED_RESPONSE_BYTES = 4 << 20;

/**
 * Kafka's default of three threads is for machines with more cores. On two of them, each thread more costs a request
 * half a context switch; whoever sets the number gets it.
 */
function networkThreads(config: BrokerConfig): number {
  const configured = config.number('num.network.threads');
  return config.settings.isSet('num.network.threads') ? configured : Math.max(1, Math.min(configured, availableParallelism() >> 1));
}

/** A fetch answer passes its limit by its first batch, which was a request once. */
export function largestPeerAnswer(config: BrokerConfig): number {
  return Math.min(config.number('replica.fetch.response.max.bytes') + config.number('socket.request.max.bytes'), LARGEST_FRAME);
}

export interface DataPlaneSeams {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly resolve: Resolver;
  readonly logger: Logger;
}

export interface Served {
  readonly logs: LogManager;
  readonly replicas: ReplicaManager;
  readonly topicConfigs: TopicConfigs;
  readonly routes: (produce: HotRoute, fetch: HotRoute) => Routes;
  /** replica.selector.class */
  readonly selectReplica: ReplicaSelector | undefined;
  /** What followers that lag may be given. */
  readonly quota: ReplicaQuota;
}

export class DataPlane {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly jobs: Jobs;
  readonly wheel: TimerWheel;
  readonly turns: TurnQueue;
  readonly purgatory: Purgatory;
  /** To other brokers, and to this one. */
  readonly wire: SocketWire;
  readonly localWire: LocalWire;
  readonly #seams: DataPlaneSeams;
  #dispatcher: Dispatcher | undefined;
  #produce: ProduceService | undefined;
  #logs: LogManager | undefined;
  #closed = false;

  constructor(seams: DataPlaneSeams) {
    const { config } = seams;
    this.#seams = seams;
    const maxRequestBytes = config.number('socket.request.max.bytes');
    const configured = config.number('queued.max.request.bytes');
    const queuedMaxBytes = configured > 0 ? configured : Math.max(QUEUED_BYTES, maxRequestBytes);
    const { Exchange } = loadAddon();
    this.native = new Exchange({
      networkThreads: networkThreads(config),
      logThreads: config.number('num.io.threads'),
      // Address space, not memory: room for the budget, one request beyond it, answers, and what other brokers answer us.
      arenaBytes: Math.min(queuedMaxBytes + maxRequestBytes + ANSWER_BYTES + largestPeerAnswer(config), LARGEST_ARENA),
      maxRequestBytes,
      queuedMaxBytes,
      maxInFlight: MAX_IN_FLIGHT,
      maxQueuedResponseBytes: MAX_QUEUED_RESPONSE_BYTES,
      connectionsMaxIdleMs: config.number('connections.max.idle.ms'),
      maxConnections: config.number('max.connections'),
      sendBufferBytes: config.number('socket.send.buffer.bytes'),
      receiveBufferBytes: config.number('socket.receive.buffer.bytes'),
      onWake: () => this.#wake(),
    });
    this.commands = new Commands(this.native);
    this.space = new ResponseSpace(this.native, this.commands);
    this.jobs = new Jobs(this.native);
    this.wheel = new TimerWheel(seams.clock, seams.timers);
    this.turns = new TurnQueue(seams.clock, seams.timers, seams.logger);
    this.purgatory = new Purgatory(() => this.#drainSoon());
    this.wire = new SocketWire({ native: this.native, commands: this.commands, space: this.space, resolve: seams.resolve, flush: () => this.flush() });
    this.localWire = new LocalWire(() => {
      invariant(this.#dispatcher !== undefined, 'nobody serves yet');
      return this.#dispatcher;
    }, config.listeners.controlPlane);
  }

  /** Logs can be opened from here on: their completions are settled. */
  attachLogs(logs: LogManager): void {
    this.#logs = logs;
  }

  /** Connections are heard from here on, and completions settled. Their requests wait until open(). */
  serve({ logs, replicas, topicConfigs, routes, selectReplica, quota }: Served): void {
    const { config, clock, timers, random, logger } = this.#seams;
    const { native, commands, space, jobs, wheel, turns } = this;
    const inspector = new Inspector({
      jobs, clock, logger, arena: space.bytes,
      timestampBounds: topic => {
        const { messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs } = topicConfigs.of(topic);
        return { beforeMs: messageTimestampBeforeMaxMs, afterMs: messageTimestampAfterMaxMs };
      },
    });
    const produce = new ProduceService({
      native, commands, space, replicas, inspector, turns, wheel, logger,
      deadlines: new CommitDeadlines(native, commands, timers),
      resume: connection => this.#dispatcher!.done(connection),
      lookAgain: () => this.#dispatcher!.drain(),
    });
    const sessions = new FetchSessions(() => config.number('max.incremental.fetch.session.cache.slots'), clock, random);
    const fetch = new FetchService({
      native, commands, space, replicas, sessions, wheel, turns, logger, selectReplica, quota,
      maxBytes: () => config.number('fetch.max.bytes'),
      done: connection => this.#dispatcher!.done(connection),
      lookAgain: () => this.#dispatcher!.drain(),
    });
    this.#produce = produce;
    this.#logs = logs;
    this.#dispatcher = new Dispatcher({
      native, commands, space, turns, logger,
      peers: this.wire,
      routes: routes(produce, fetch),
      listeners: config.listeners.bind.map(({ listener }) => listener),
      settle: count => this.#settle(count),
      served: () => this.purgatory.drain(),
      soon: retry => void timers.after(RETRY_MS, () => { if (!this.#closed) retry(); }),
    });
    this.#dispatcher.drain();
  }

  /** Requests are answered from here on. */
  open(): void {
    if (!this.#closed) this.#dispatcher?.open();
  }

  /** Hands commands over that were given outside a drain. */
  flush(): void {
    if (this.#dispatcher === undefined) this.commands.flush();
    else this.#dispatcher.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.wheel.close();
    this.turns.close();
    this.commands.close();
    this.native.close();
  }

  /** What moved outside of a drain: by the controller's word, by a timer. */
  #drainSoon(): void {
    if (this.#dispatcher?.draining !== true) queueMicrotask(() => this.#wake());
  }

  #wake(): void {
    if (this.#closed) return;
    if (this.#dispatcher !== undefined) this.#dispatcher.drain();
    else this.#settle(Math.floor(this.native.poll() / 65536));
  }

  /** What goes wrong with one completion keeps none of the others from those who wait for them. */
  #settle(count: number): void {
    for (let index = 0; index < count; index++) {
      const at = index * CompletionField.size;
      try {
        this.#settleOne(at);
      } catch (error) {
        const { completions } = this.native;
        const [kind, log] = [completions[at + CompletionField.kind], completions[at + CompletionField.log]];
        this.#seams.logger.error({ kind, log, error: failure(error) }, 'a completion of native code could not be settled');
      }
    }
  }

  #settleOne(at: number): void {
    const { completions } = this.native;
    const logs = this.#logs;
    const log = completions[at + CompletionField.log]!;
    switch (completions[at + CompletionField.kind]) {
      case CompletionKind.appended:
        logs?.byIndex(log)?.appended(
          completions[at + CompletionField.code]!, completions[at + CompletionField.cookie]!, completions[at + CompletionField.baseOffset]!,
          completions[at + CompletionField.lastOffset]!, completions[at + CompletionField.timestamp]!, completions[at + CompletionField.generation]!,
          completions[at + CompletionField.leaderEpoch]!,
        );
        break;
      case CompletionKind.answerFailed:
        this.#produce?.answerFailed(completions[at + CompletionField.cookie]!);
        break;
      case CompletionKind.rolled:
        logs?.rolled(log, completions[at + CompletionField.baseOffset]!);
        break;
      case CompletionKind.flushed:
        logs?.byIndex(log)?.flushed(completions[at + CompletionField.baseOffset]!);
        break;
      case CompletionKind.job:
        this.jobs.settle(completions, at);
        break;
      default:
        logs?.broken(log);
    }
  }
}
