// What was decided about each partition of one produce request, a row each.

/** Not decided yet, or to be decided again. */
export const UNDECIDED = -2;

/** The batch was given to its log: what becomes of it stands in the answer when that is sent. */
export const SUBMITTED = -3;

/** Base offset in an answer that is still to be filled in. No log has it. */
export const PLACEHOLDER = -2;

/** Where nothing is said of the log. */
export const NO_LOG_START = -1;

/** What is known of the inside of a batch: nothing yet; that it is well; that somebody has to look. */
export const UNSEEN = 0;
export const SEEN = 1;
export const WANTED = 2;

/** Rows that there is room for from the beginning, and at most between requests. */
const FEW = 8;
const KEPT = 256;
/** Records told of in one answer. Beyond, one of each batch. */
const MOST_BLAMED = 5000;

/** A record of a batch that is to blame for its refusal. */
export interface RecordBlame {
  readonly index: number;
  readonly message: string;
}

export class ProduceRows {
  /** UNDECIDED, SUBMITTED, or the error code the partition is answered with. */
  code = new Int16Array(FEW);
  baseOffset = new Float64Array(FEW);
  logAppendTime = new Float64Array(FEW);
  logStartOffset = new Float64Array(FEW);
  /** UNSEEN, SEEN or WANTED. */
  inspected = new Uint8Array(FEW);
  /** What was decided last of a row that is UNDECIDED: whether it may go to its log, or what it waits for (Verdict). */
  verdict = new Uint8Array(FEW);
  /** 1: a failure in the log before it took the batch down, so that others may wait for it to be decided again. */
  anew = new Uint8Array(FEW);
  /** The request has waited as long as it may (timeout.ms). */
  isLate = false;
  readonly message: (string | undefined)[] = [];
  /** Those that are to blame, where records are. */
  readonly records: (readonly RecordBlame[] | undefined)[] = [];
  #blamed = 0;

  /** Starts over with `count` rows. */
  reset(count: number): void {
    if (count > this.code.length || (this.code.length > KEPT && count <= KEPT)) {
      const room = Math.max(count, FEW);
      this.code = new Int16Array(room);
      this.baseOffset = new Float64Array(room);
      this.logAppendTime = new Float64Array(room);
      this.logStartOffset = new Float64Array(room);
      this.inspected = new Uint8Array(room);
      this.verdict = new Uint8Array(room);
      this.anew = new Uint8Array(room);
    }
    this.code.fill(UNDECIDED, 0, count);
    this.inspected.fill(0, 0, count);
    this.anew.fill(0, 0, count);
    this.isLate = false;
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

  /** With acks=0 nobody can be told of this but by the end of the connection. */
  anyRefused(count: number): boolean {
    for (let row = 0; row < count; row++) if (this.code[row] !== 0 && this.code[row] !== SUBMITTED) return true;
    return false;
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
}

const NONE: readonly RecordBlame[] = [];
