// Where operations wait for partitions to move (DelayedOperationPurgatory.scala): delayed fetches, and whatever else has to
// look again when an end, a high watermark or a leadership moved.
//
// Who moves a partition only marks it. Marked partitions are looked at at the end of the dispatcher's drain, or, where nobody
// drains, a moment later: never on the stack of who moved them, and once however often they moved. An operation that waits
// at several of them is told once.

/** Something that waits. Its time limit is a Deadline of its own in the timer wheel. */
export interface DelayedOperation {
  /** Partitions it is watched at moved. It looks again, and ends where it can: it takes itself off then. Must not throw. */
  moved(): void;
}

/** What can be waited at. The fields are the purgatory's. */
export interface Watchable {
  watchers: Set<DelayedOperation> | undefined;
  marked: boolean;
  /** The first operation came, or the last one left. */
  watched(watched: boolean): void;
  /** It was marked: before its operations are told. */
  settle(): void;
}

export class Purgatory {
  readonly #soon: () => void;
  #marked: Watchable[] = [];
  #looking: Watchable[] = [];
  readonly #due = new Set<DelayedOperation>();

  /** `soon` is called when something is marked where nothing was: it sees to it that drain() is called. */
  constructor(soon: () => void) {
    this.#soon = soon;
  }

  watch(partition: Watchable, operation: DelayedOperation): void {
    const watchers = (partition.watchers ??= new Set());
    watchers.add(operation);
    if (watchers.size === 1) partition.watched(true);
  }

  /** Safe where it is not watched (any more). */
  unwatch(partition: Watchable, operation: DelayedOperation): void {
    const { watchers } = partition;
    if (watchers?.delete(operation) === true && watchers.size === 0) partition.watched(false);
  }

  /** It moved. */
  mark(partition: Watchable): void {
    if (partition.marked) return;
    partition.marked = true;
    if (this.#marked.push(partition) === 1) this.#soon();
  }

  /** Tells the operations at marked partitions. What is marked meanwhile is for the next time. False: nothing was marked. */
  drain(): boolean {
    const marked = this.#marked;
    if (marked.length === 0) return false;
    this.#marked = this.#looking;
    this.#looking = marked;
    const due = this.#due;
    for (const partition of marked) {
      partition.marked = false;
      partition.settle();
      if (partition.watchers !== undefined) for (const operation of partition.watchers) due.add(operation);
    }
    marked.length = 0;
    for (const operation of due) {
      due.delete(operation);
      operation.moved();
    }
    return true;
  }
}
