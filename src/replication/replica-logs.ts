// Sees to it that replicas have their logs. What cannot be opened though its directory works (no space, no descriptors) is
// offline, and tried again.

import type { Logger } from '../base/logger.js';
import type { Timer, Timers } from '../base/timers.js';
import { LogDirectoryError, type LogManager } from '../log/log-manager.js';
import { ErrorCode } from '../protocol/errors.js';
import type { Partition } from './partition.js';

export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Between attempts to open logs that could not be opened. */
const RETRY_MS = 5000;

/** What opening a replica's log takes. */
export interface Opening {
  readonly topicId: string;
  readonly isNew: boolean;
}

export interface ReplicaLogsOptions {
  readonly logs: LogManager;
  readonly logger: Logger;
  readonly timers: Timers;
  /** Applies a topic's effective settings to a partition (and to its log). */
  readonly configure: (partition: Partition) => void;
  /** Does something between two requests of the controller. */
  readonly inTurn: (work: () => Promise<void>) => void;
  /** Replicas that could not be opened before can be now: the controller should ask again. */
  readonly onReplicasBack: () => void;
}

export class ReplicaLogs {
  readonly #options: ReplicaLogsOptions;
  /** Offline though their log directory is not. */
  readonly #unopened = new Map<Partition, Opening>();
  #retry: Timer | undefined;

  constructor(options: ReplicaLogsOptions) {
    this.#options = options;
  }

  /** Offline with its directory: until the next start of the broker. */
  isLost(partition: Partition): boolean {
    return partition.offline && !this.#unopened.has(partition);
  }

  /** It is to be deleted. True: it was waiting to be opened, and has nothing that a deletion would have to take away. */
  giveUp(partition: Partition): boolean {
    return this.#unopened.delete(partition);
  }

  /** Where it fails the partition is offline: for good with its directory, otherwise until a later attempt. */
  async open(partition: Partition, opening: Opening): Promise<number> {
    const { logs, logger, configure } = this.#options;
    const { topic, index } = partition;
    const { topicId, isNew } = opening;
    try {
      const log = partition.log ?? (await logs.create(topic, index, topicId, isNew));
      if (log.topicId === ZERO_ID && topicId !== ZERO_ID) await logs.adoptTopicId(log, topicId);
      if (!logs.onlineDirectories.has(log.logDir)) throw new LogDirectoryError(`${log.logDir} has failed`);
      this.#unopened.delete(partition);
      partition.offline = false;
      if (partition.log === undefined) {
        partition.attach(log, logs.checkpointedHighWatermark(topic, index));
        configure(partition);
      }
      return ErrorCode.None;
    } catch (error) {
      if (!this.#unopened.has(partition)) logger.error({ topic, partition: index, error: String(error) }, 'cannot open the log of a replica');
      if (error instanceof LogDirectoryError && error.inconsistentTopicId) return ErrorCode.InconsistentTopicId;
      partition.goOffline();
      if (error instanceof LogDirectoryError) {
        this.#unopened.delete(partition);
      } else {
        this.#unopened.set(partition, opening);
        this.#retryLater();
      }
      return ErrorCode.KafkaStorageError;
    }
  }

  close(): void {
    this.#retry?.cancel();
  }

  #retryLater(): void {
    this.#retry ??= this.#options.timers.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#options.inTurn(() => this.#retryUnopened());
    });
  }

  /** Who leads them is the controller's to say, and it has given them up: it is asked to look again. */
  async #retryUnopened(): Promise<void> {
    let back = 0;
    for (const [partition, opening] of [...this.#unopened]) if ((await this.open(partition, opening)) === ErrorCode.None) back++;
    if (back === 0) return;
    this.#options.logger.info({ replicas: back }, 'replicas that could not be opened before are open');
    this.#options.onReplicasBack();
  }
}
