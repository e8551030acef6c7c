// What was decided about each partition of one produce request, a row each.

/** Not decided yet; the batch goes to the log. */
export const UNDECIDED = -2;

/** Base offset in an answer that is still to be filled in. No log has it. */
export const PLACEHOLDER = -2;

/** Records told of in one answer. Beyond, one of each batch. */
const MOST_BLAMED = 5000;

/** A record of a batch that is to blame for its refusal. */
export interface RecordBlame {
  readonly index: number;
  readonly message: string;
}

export class ProduceRows {
  /** UNDECIDED, or the error code the partition is answered with. */
  code = new Int16Array(16);
  baseOffset = new Float64Array(16);
  logAppendTime = new Float64Array(16);
  logStartOffset = new Float64Array(16);
  /** Decided by what happened to the batch, not by the state of the partition: no second look may overturn it. */
  final = new Uint8Array(16);
  readonly message: (string | undefined)[] = [];
  /** Those that are to blame, where records are. */
  readonly records: (readonly RecordBlame[] | undefined)[] = [];
  #blamed = 0;
  #count = 0;

  /** Starts over with `count` rows. */
  reset(count: number): void {
    this.#count = count;
    if (count > this.code.length) {
      const room = Math.max(count, this.code.length * 2);
      this.code = new Int16Array(room);
      this.baseOffset = new Float64Array(room);
      this.logAppendTime = new Float64Array(room);
      this.logStartOffset = new Float64Array(room);
      this.final = new Uint8Array(room);
    }
    this.code.fill(UNDECIDED, 0, count);
    this.final.fill(0, 0, count);
    this.message.length = 0;
    this.records.length = 0;
    this.#blamed = 0;
  }

  refuse(row: number, code: number, message?: string, records: readonly RecordBlame[] = NONE): void {
    this.code[row] = code;
    this.baseOffset[row] = -1;
    this.logAppendTime[row] = -1;
    this.logStartOffset[row] = -1;
    if (message !== undefined) this.message[row] = message;
    if (records.length === 0) return;
    const told = this.#blamed + records.length > MOST_BLAMED ? records.slice(0, 1) : records;
    this.#blamed += told.length;
    this.records[row] = told;
  }

  settle(row: number, baseOffset: number, logAppendTime: number, logStartOffset: number): void {
    this.code[row] = 0;
    this.baseOffset[row] = baseOffset;
    this.logAppendTime[row] = logAppendTime;
    this.logStartOffset[row] = logStartOffset;
  }

  /** What must outlive a wait: what is final. Answers how to put it back after a reset. */
  keep(): (again: ProduceRows) => void {
    const count = this.#count;
    const [code, final] = [this.code.slice(0, count), this.final.slice(0, count)];
    const [baseOffset, logAppendTime, logStartOffset] = [this.baseOffset.slice(0, count), this.logAppendTime.slice(0, count), this.logStartOffset.slice(0, count)];
    const [message, records] = [[...this.message], [...this.records]];
    return again => {
      for (let row = 0; row < count; row++) {
        if (final[row] === 0) continue;
        if (code[row] === 0) again.settle(row, baseOffset[row]!, logAppendTime[row]!, logStartOffset[row]!);
        else again.refuse(row, code[row]!, message[row], records[row]);
        again.final[row] = 1;
      }
    };
  }
}

const NONE: readonly RecordBlame[] = [];
