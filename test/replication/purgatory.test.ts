import { describe, expect, it } from 'vitest';
import { Purgatory, type DelayedOperation, type Watchable } from '../../src/replication/purgatory.js';

class Thing implements Watchable {
  watchers: Watchable['watchers'];
  marked = false;
  readonly seen: string[] = [];
  watched(watched: boolean): void { this.seen.push(watched ? 'watched' : 'unwatched'); }
  settle(): void { this.seen.push('settled'); }
}

function operation(moved: () => void = () => {}): DelayedOperation & { told: number } {
  const counted = { told: 0, moved: () => { counted.told++; moved(); } };
  return counted;
}

describe('a purgatory', () => {
  it('tells an operation once, however often and wherever things moved, and not on the stack of who moved them', () => {
    let woken = 0;
    const purgatory = new Purgatory(() => { woken++; });
    const [a, b, c] = [new Thing(), new Thing(), new Thing()];
    const waits = operation();
    for (const thing of [a, b]) purgatory.watch(thing, waits);
    for (const thing of [a, b, a, c]) purgatory.mark(thing);
    expect([waits.told, woken]).toEqual([0, 1]);
    expect(purgatory.drain()).toBe(true);
    expect(waits.told).toBe(1);
    expect(purgatory.drain()).toBe(false);
    expect([a.seen, c.seen]).toEqual([['watched', 'settled'], ['settled']]);
  });

  it('says when the first operation comes and the last one leaves', () => {
    const purgatory = new Purgatory(() => {});
    const thing = new Thing();
    const [first, second] = [operation(), operation()];
    for (const each of [first, second]) purgatory.watch(thing, each);
    for (const each of [first, second, second]) purgatory.unwatch(thing, each);
    expect(thing.seen).toEqual(['watched', 'unwatched']);
  });

  it('leaves what is marked while it tells for the next time, and tells nobody who has left meanwhile', () => {
    let woken = 0;
    const purgatory = new Purgatory(() => { woken++; });
    const thing = new Thing();
    const second = operation();
    const first = operation(() => {
      purgatory.mark(thing);
      purgatory.unwatch(thing, first);
    });
    for (const each of [first, second]) purgatory.watch(thing, each);
    purgatory.mark(thing);
    expect(purgatory.drain()).toBe(true);
    expect([first.told, second.told, woken]).toEqual([1, 1, 2]);
    expect(purgatory.drain()).toBe(true);
    expect([first.told, second.told]).toEqual([1, 2]);
  });
});
