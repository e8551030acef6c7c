// What was decided about each partition of one produce request, a row each.

/** Not decided yet; the batch goes to the log. */
export const UNDECIDED = -2;

/** Base offset in an answer that is still to be filled in. No log has it. */
export const PLACEHOLDER = -2;

/** Where nothing is said of the log. */
export const NO_LOG_START = -1;

/** What is known of the inside of a batch: nothing yet; that it is well; that somebody has to look. */
export const UNSEEN = 0;
export const SEEN = 1;
export const WANTED = 2;

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
  /** UNSEEN, SEEN or WANTED. */
  inspected = new Uint8Array(16);
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
      this.inspected = new Uint8Array(room);
      this.final = new Uint8Array(room);
    }
    this.code.fill(UNDECIDED, 0, count);
    this.inspected.fill(0, 0, count);
    this.final.fill(0, 0, count);
    this.message.length = 0;
    this.records.length = 0;
    this.#blamed = 0;
  }

  /** The batch is to be looked into before it is decided about; false where that has happened. */
  wantLook(row: number): boolean {
    if (this.inspected[row] === SEEN) return false;
    this.inspected[row] = WANTED;
    return true;
  }

  refuse(row: number, code: number, logStartOffset = NO_LOG_START, message?: string, records: readonly RecordBlame[] = NONE): void {
    this.code[row] = code;
    this.baseOffset[row] = -1;
    this.logAppendTime[row] = -1;
    this.logStartOffset[row] = logStartOffset;
    if (message !== undefined) this.message[row] = message;
    if (records.length === 0) return;
    const told = this.#blamed + records.length > MOST_BLAMED ? records.slice(0, 1) : records;
    this.#blamed += told.length;
    this.records[row] = told;
  }

  settle(row: number, baseOffset: number, logAppendTime: number, logStartOffset: number): void {
    this.end(row, 0, baseOffset, logAppendTime, logStartOffset);
  }

  /** What became of an append: of one that was written and then failed to be committed, Kafka tells where it is all the same. */
  end(row: number, code: number, baseOffset: number, logAppendTime: number, logStartOffset: number): void {
    this.code[row] = code;
    this.baseOffset[row] = baseOffset;
    this.logAppendTime[row] = logAppendTime;
    this.logStartOffset[row] = logStartOffset;
  }

  /** What must outlive a wait: what was looked at, and what is final. Answers how to put it back after a reset. */
  keep(): (again: ProduceRows) => void {
    const count = this.#count;
    const [code, inspected, final] = [this.code.slice(0, count), this.inspected.slice(0, count), this.final.slice(0, count)];
    const [baseOffset, logAppendTime, logStartOffset] = [this.baseOffset.slice(0, count), this.logAppendTime.slice(0, count), this.logStartOffset.slice(0, count)];
    const [message, records] = [[...this.message], [...this.records]];
    return again => {
      again.inspected.set(inspected);
      for (let row = 0; row < count; row++) {
        if (final[row] === 0) continue;
        if (code[row] !== 0) again.refuse(row, code[row]!, logStartOffset[row], message[row], records[row]);
        again.end(row, code[row]!, baseOffset[row]!, logAppendTime[row]!, logStartOffset[row]!);
        again.final[row] = 1;
      }
    };
  }
}

const NONE: readonly RecordBlame[] = [];
