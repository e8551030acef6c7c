// Produce, versions 0-11: from the frame to the logs' queues without a copy, a promise or an object per partition.
//
//   v0-2  may carry old formats, which are refused; v3 brought transactional ids; v7 zstd; v8 record errors;
//   v9    flexible encoding; v10 names the current leader (KIP-951); v11 tells of aborted transactions (KIP-890)
//
// produce-task.ts tells how one request is served.

import type { NativeExchange } from '../../native/exchange.js';
import type { Connection } from '../../network/connection.js';
import type { HotRequest, HotRoute } from '../../network/route.js';
import { StringPool } from '../../protocol/hot/string-pool.js';
import { Admission, type AdmissionOptions } from './admission.js';
import type { CommitDeadlines } from './commit-deadlines.js';
import { ProduceAnswer } from './produce-answer.js';
import { ProduceTask, type ProduceShared } from './produce-task.js';

const FLEXIBLE_FROM = 9;

export interface ProduceOptions extends AdmissionOptions, Pick<ProduceShared, 'inspector' | 'turns' | 'wheel' | 'logger'> {
  readonly native: NativeExchange;
  readonly deadlines: CommitDeadlines;
  readonly resume: (connection: Connection) => void;
  readonly lookAgain: () => void;
}

export class ProduceService implements HotRoute {
  readonly kind = 'hot';
  readonly minVersion = 0;
  readonly maxVersion = 11;
  readonly flexibleFrom = FLEXIBLE_FROM;

  readonly #native: NativeExchange;
  readonly #shared: ProduceShared;
  readonly #indexMask: number;
  /** By slot: a request keeps its slot until its answer is sent, so that there are no more than were ever in flight at once. */
  readonly #tasks: (ProduceTask | undefined)[] = [];

  constructor(options: ProduceOptions) {
    const { native, commands, space, replicas, inspector, turns, wheel, logger, deadlines, resume, lookAgain } = options;
    this.#native = native;
    this.#indexMask = native.slotIndexMask;
    this.#shared = {
      commands, space, replicas, inspector, turns, wheel, logger, resume, lookAgain,
      admission: new Admission(options),
      names: new StringPool(),
      answer: new ProduceAnswer(space, replicas),
      mayWait: () => deadlines.watch(),
    };
  }

  serve(request: HotRequest): boolean {
    const index = request.slot & this.#indexMask;
    return (this.#tasks[index] ??= new ProduceTask(this.#shared)).serve(request);
  }

  /** A completion of kind answerFailed: some of the answer's batches were not appended, or not committed. */
  answerFailed(answer: number): void {
    const { slot, outcomes } = this.#native.failedAnswer(answer);
    this.#tasks[slot & this.#indexMask]!.failed(outcomes);
  }
}
