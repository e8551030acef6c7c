// The boundary between TypeScript and C++: one Exchange is one broker's arena, reactor and log threads. Its two halves,
// sockets and files, are interfaces of their own.
//
// Crossings are few and wide. Native code fills `events` and `completions` at poll(); TypeScript writes commands into
// `commands` and hands them over with flush(). Both are plain memory that the two sides share, so an exchange of a
// thousand requests is two calls. The layouts below are repeated in native/addon/layout.h: a change goes into both.

/** What stands where in one record of `events` (Int32Array). */
export const EventField = {
  kind: 0, slot: 1, connection: 2, offset: 3, length: 4, listener: 5,
  /** With `closed`: the CloseReason of native/reactor/event.h, and the system's errno, 0 where it gave none. */
  reason: 1, errno: 3,
  size: 8,
} as const;
export const EventKind = {
  request: 1, opened: 2, closed: 3,
  /** A dialled connection stands. */
  connected: 4,
  /** A frame came on a dialled connection. It lies in the arena until the command releaseFrame of its slot. */
  answer: 5,
} as const;

/** What stands where in one record of `completions` (Float64Array). */
export const CompletionField = { kind: 0, log: 1, cookie: 2, code: 3, baseOffset: 4, lastOffset: 5, timestamp: 6, position: 7, generation: 8, leaderEpoch: 9, size: 10 } as const;
export const CompletionKind = {
  /** One append ended. `timestamp` is the largest in the batch, or the append time where the topic says so; `position`
   * is where its segment ends now; `generation` is what later appends have to name; `leaderEpoch` is that of its last batch.
   * A follower's append that kept nothing is well, with both offsets -1. */
  appended: 1,
  /**
   * The appends of an answer are written, but for those that failed; or all of its rows have ended, and some were not committed: `cookie` names the
   * answer. Ask failedAnswer(), give what is to be given again (`begin`, `appendRow`), and say what is to be answered (`answer`).
   */
  answerFailed: 2,
  /** A log rolled: `baseOffset` is the base offset of the new active segment. */
  rolled: 3,
  /** A log was flushed up to `baseOffset`. */
  flushed: 4,
  /** A job started with one of the asynchronous methods ended: `cookie` names it; the values follow in the other fields. */
  job: 5,
  /** A log can no longer be written (`code` says why): its directory is to go offline. */
  broken: 6,
} as const;

/** Opcodes of `commands` (Float64Array), each followed by its operands. */
export const Command = {
  /** slot, pieces, then per piece: arena offset and length, or slice id and -1 */
  respond: 1,
  /** slot: nothing is to be sent (acks=0) */
  respondNothing: 2,
  /** slot: the connection ends, as Kafka's does where no answer can be built */
  fail: 3,
  /** slot: the frame, of a request or of a dialled connection's answer, will not be read again */
  releaseFrame: 4,
  /** log, arena offset, length, leader epoch, flags, generation, cookie */
  append: 5,
  /** slot, arena offset, length, rows, then per row: positions of base offset, log append time (or -1), log start
   * offset (or -1), counted from the answer's start, to be filled in by its append; -1 where it has none. Length 0: nothing is to be
   * sent; -1: the connection is to end. The request's last append was given before. */
  answer: 6,
  /** slot, rows, milliseconds that a row may wait to be committed, or -1: it need not be. An answer that appends will travel with. */
  begin: 7,
  /** slot, row, then as `append`: the append of a row of the answer that was begun there */
  appendRow: 8,
  /** log, high watermark, Kafka's error code or 0: answers parked below it go out, or come back with the code */
  advance: 9,
  /** connection (a dialled one), arena offset, length: sent behind what it still has to send, once it is connected */
  send: 16,
} as const;

/** Flags of an append. */
export const AppendFlag = {
  logAppendTime: 1,
  /** A record without a key is refused (compacted topics). */
  requireKey: 2,
  /** Offsets and epochs are the leader's and stay. */
  follower: 8,
  /** Wakes the main isolate when done even where nobody watches the log. */
  notify: 16,
  /** A batch of the broker's own: control batches are allowed. */
  internal: 32,
} as const;

/** What stands where of one refused record. Native code tells of no more than `most` of one batch. */
export const RecordErrorField = { index: 0, code: 1, timestampHigh: 2, timestampLow: 3, offset: 4, keySize: 5, valueSize: 6, size: 7, most: 512 } as const;

/** How one append of a failed answer ended. */
export interface AppendOutcome {
  /** Of the request, as it was given. */
  readonly row: number;
  /** Of native code: it was not written. */
  readonly code: number;
  /** Kafka's error: it was written, and not committed. */
  readonly refusal: number;
  readonly baseOffset: number;
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  /** The first refused records (RecordErrorField), and how many there were. */
  readonly records: Float64Array;
  readonly recordErrors: number;
}

/** An answer that cannot be sent as it is. Each outcome is told once. The others are well, or are still waited for. */
export interface FailedAnswer {
  readonly slot: number;
  readonly outcomes: readonly AppendOutcome[];
}

export interface ExchangeOptions {
  readonly networkThreads: number;
  readonly logThreads: number;
  readonly arenaBytes: number;
  readonly maxRequestBytes: number;
  readonly queuedMaxBytes: number;
  readonly maxInFlight: number;
  readonly maxQueuedResponseBytes: number;
  readonly connectionsMaxIdleMs: number;
  readonly maxConnections: number;
  readonly sendBufferBytes: number;
  readonly receiveBufferBytes: number;
  /** Called on the main isolate, at most once until the next poll(), when there is something to poll. */
  readonly onWake: () => void;
}

/** What a native log is told by its topic's configuration. Milliseconds and bytes. */
export interface LogOptions {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly jitterSeed: number;
  readonly indexIntervalBytes: number;
  readonly indexMaxBytes: number;
  readonly maxMessageBytes: number;
  readonly flushMessages: number;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
}

/** What logFacts() fills in. */
export const LogFact = { startOffset: 0, endOffset: 1, bytes: 2, segments: 3, activeSegmentBase: 4, recoveryPoint: 5, size: 6 } as const;

/** What is to become of the first batch where it is longer than the bytes asked for (native/addon/layout.h). */
export const FirstBatch = { cut: 0, wholeOrNothing: 1, whole: 2 } as const;
export type FirstBatch = (typeof FirstBatch)[keyof typeof FirstBatch];

/** What locateHot() answers where it has no slice. */
export const NOTHING_THERE = -1;
export const MEMORY_CANNOT_TELL = -2;

/** The half of the exchange that is sockets: listens, dials, cuts frames, sends. A simulator brings one of its own. */
export interface NativeWire {
  readonly arena: ArrayBuffer;
  readonly events: Int32Array;

  listen(listener: number, host: string, port: number, backlog: number): number;
  /** Refuses connections from now on; those that stand stay. */
  stopListening(): void;
  /**
   * Connects outward to a numeric address and answers the connection at once; `connected` or `closed` tells how it went.
   * Frames that come are `answer` events: of at most `maxFrameBytes`, not charged to the budget of requests, never closed
   * for idleness. `receiveBufferBytes` -1: the system's choice.
   */
  dial(address: string, port: number, maxFrameBytes: number, receiveBufferBytes: number): number;
  peerAddress(connection: number): string;
  closeConnection(connection: number): void;
  pauseConnection(connection: number, paused: boolean): void;

  /** Arena offset of a block of at least `bytes`, or -1 where there is no room. */
  lease(bytes: number): number;
  release(offset: number): void;
}

/** The half that is files. Methods with a cookie end with a completion of kind `job` that carries it; what it says is in its values. */
export interface NativeLogs {
  readonly completions: Float64Array;
  /** `watched[log] = 1`: an append to that log wakes the main isolate. Set it, poll once more, then sleep. */
  readonly watched: Int32Array;
  /** The bits of a slot that are its index: dense from 0, mostly small. The others change with every use. */
  readonly slotIndexMask: number;
  /** Facts of the slice locateHot() gave: position, length, first offset, length of the first batch. */
  readonly sliceFacts: Float64Array;

  /** Opens or creates the log in `directory`, returns its index at once. Values: end offset, start offset, segments, bytes rescanned. */
  openLog(cookie: number, directory: string, options: LogOptions, recoveryPoint: number, startOffset: number, clean: boolean): number;
  configureLog(log: number, options: LogOptions): void;
  /** Fills `facts` (LogFact); false where the log is not open. */
  logFacts(log: number, facts: Float64Array): boolean;

  /** A slice id, NOTHING_THERE, or MEMORY_CANNOT_TELL: then locate(). */
  locateHot(log: number, from: number, below: number, maxBytes: number, first: FirstBatch): number;
  /** Values: slice id or -1, length, first offset, length of the first batch. */
  locate(cookie: number, log: number, from: number, below: number, maxBytes: number, first: FirstBatch): void;
  releaseSlice(slice: number): void;
  sliceLength(slice: number): number;
  /** Takes the slice and copies it into memory. Values: bytes. */
  readSlice(cookie: number, slice: number, target: Uint8Array): void;

  /** Values: offset (a producer may have made it any), timestamp, its batch's leader epoch, and 1, or 0 where there is none. */
  findByTimestamp(cookie: number, log: number, timestamp: number, from: number): void;
  maxTimestamp(cookie: number, log: number): void;
  /** Segments, oldest first, into `target` (SegmentField), as many as it has room for. Values: how many there are, end offset. */
  segments(cookie: number, log: number, target: Float64Array): void;
  /** Headers of batches from `from` on into `target` (ScanField). Values: batches, next offset. */
  scan(cookie: number, log: number, from: number, target: Float64Array): void;
  /**
   * The log's leader epoch is `epoch` from here on: appends of a lower one that come behind fail with `fencedEpoch`. Values: where
   * it began. A lower epoch than the log's fails with `fencedEpoch` itself.
   */
  beginEpoch(cookie: number, log: number, epoch: number): void;
  /** Values: end offset, start offset. */
  truncate(cookie: number, log: number, offset: number): void;
  truncateFullyAndStartAt(cookie: number, log: number, offset: number): void;
  setLogStartOffset(cookie: number, log: number, offset: number): void;
  /** Values: segments deleted. */
  deleteSegmentsBelow(cookie: number, log: number, offset: number): void;
  purgeDeleted(cookie: number, log: number, beforeMs: number): void;
  /** Values: base offset of the new segment. */
  roll(cookie: number, log: number): void;
  /** Values: recovery point. */
  flushLog(cookie: number, log: number): void;
  flushRolled(cookie: number, log: number): void;
  closeLog(cookie: number, log: number, flush: boolean): void;
  /** Closes a log that is to be deleted, without flushing. */
  abandonLog(cookie: number, log: number): void;
  /** Once a log is closed: its index may be used again. */
  forgetLog(log: number): void;

  /**
   * Whether an append is committed as soon as it is written. From the first such word after takeBack() on, answers are parked or go
   * out; what was parked goes out with `alone`. Says the log's end, below which everything is committed where it was alone until
   * now; -1 where the log is not open.
   */
  commitAlone(log: number, alone: boolean): number;
  /** Answers parked in this log, and those that come from here on, come back with `code`, until commitAlone(). */
  takeBack(log: number, code: number): void;
  /** Parked answers whose time ran out come back with `code`. Says in how many logs some are still parked. */
  expireParked(code: number): number;

  /**
   * Checks one batch ahead of its append, and changes nothing. `flags` are those of the append. Values: refused records that
   * `errors` has room for, and how many there are.
   */
  inspect(cookie: number, log: number, batch: Uint8Array, flags: number, errors: Float64Array): void;
  /** Inflates (codecs 1 to 4). Values: the length of it all; `plain` gets as much as there is room for. */
  inflate(cookie: number, codec: number, packed: Uint8Array, plain: Uint8Array): void;

  /** Once per completion of kind answerFailed. */
  failedAnswer(answer: number): FailedAnswer;
  /** Locks a file exclusively for this process: a handle, or -1 where somebody else holds it. */
  lockFile(path: string): number;
  unlockFile(handle: number): void;
}

/** Both halves, and the crossings that serve them together. */
export interface NativeExchange extends NativeWire, NativeLogs {
  readonly commands: Float64Array;

  /** Fills `events` and `completions`: says events + 65536 x completions. */
  poll(): number;
  /** Executes `words` words of `commands`, then wakes and sends what they touched. */
  flush(words: number): void;
  stats(): Record<string, number>;

  /** Ends threads, closes files and sockets. Safe twice; nothing else may be called, and no array touched, afterwards. */
  close(): void;
}

/** Fields of a segment as segments() reports it. */
export const SegmentField = { baseOffset: 0, bytes: 1, modified: 2, size: 3 } as const;

/** Fields of a batch as scan() reports it. */
export const ScanField = {
  baseOffset: 0, lastOffset: 1, leaderEpoch: 2, maxTimestamp: 3, producerId: 4, producerEpoch: 5, baseSequence: 6, count: 7,
  attributes: 8, controlType: 9, coordinatorEpoch: 10, bytes: 11, size: 12,
} as const;
