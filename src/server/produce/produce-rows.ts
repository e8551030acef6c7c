// What was decided about each partition of one produce request, a row each.

/** Not decided yet; the batch goes to the log. */
export const UNDECIDED = -2;

/** Base offset in an answer that is still to be filled in. No log has it. */
export const PLACEHOLDER = -2;

export class ProduceRows {
  /** UNDECIDED, or the error code the partition is answered with. */
  code = new Int16Array(16);
  baseOffset = new Float64Array(16);
  logAppendTime = new Float64Array(16);
  logStartOffset = new Float64Array(16);
  /** The inside of a compressed batch was looked at and is well. */
  inspected = new Uint8Array(16);
  readonly message: (string | undefined)[] = [];
  readonly recordIndex: number[] = [];

  /** Starts over with `count` rows. */
  reset(count: number): void {
    if (count > this.code.length) {
      const room = Math.max(count, this.code.length * 2);
      this.code = new Int16Array(room);
      this.baseOffset = new Float64Array(room);
      this.logAppendTime = new Float64Array(room);
      this.logStartOffset = new Float64Array(room);
      this.inspected = new Uint8Array(room);
    }
    this.code.fill(UNDECIDED, 0, count);
    this.inspected.fill(0, 0, count);
    this.message.length = 0;
    this.recordIndex.length = 0;
  }

  refuse(row: number, code: number, message?: string, recordIndex = -1): void {
    this.code[row] = code;
    this.baseOffset[row] = -1;
    this.logAppendTime[row] = -1;
    this.logStartOffset[row] = -1;
    if (message !== undefined) this.message[row] = message;
    if (recordIndex >= 0) this.recordIndex[row] = recordIndex;
  }

  settle(row: number, baseOffset: number, logAppendTime: number, logStartOffset: number): void {
    this.code[row] = 0;
    this.baseOffset[row] = baseOffset;
    this.logAppendTime[row] = logAppendTime;
    this.logStartOffset[row] = logStartOffset;
  }
}
