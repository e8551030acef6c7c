import { describe, expect, it } from 'vitest';
import { ReplicationQuota } from '../../src/replication/replication-quota.js';

const KB = 1000;

class Meter {
  #nowMs = 5_000;
  readonly quota: ReplicationQuota;

  constructor(windows = 11) {
    this.quota = new ReplicationQuota({ clock: { now: () => 0, monotonic: () => this.#nowMs }, windows, windowMs: 1000 });
  }

  pass(ms: number): this {
    this.#nowMs += ms;
    return this;
  }

  moved(bytes: number): this {
    this.quota.record(bytes);
    return this;
  }
}

describe('a replication quota', () => {
  it('bounds nothing until a rate is set', () => {
    const { quota } = new Meter().moved(1e12);
    expect(quota.exceeded()).toBe(false);
    expect(quota.bytesPerSecond).toBe(Infinity);
  });

  it('measures the first window as a whole one, and is exceeded above the rate, not at it', () => {
    const meter = new Meter();
    meter.quota.bytesPerSecond = 100 * KB;
    expect(meter.quota.rate()).toBe(0);
    meter.moved(100 * KB);
    expect(meter.quota.rate()).toBe(100 * KB);
    expect(meter.quota.exceeded()).toBe(false);
    expect(meter.moved(1).quota.exceeded()).toBe(true);
  });

  it('spreads what was moved over the time since the oldest sample began', () => {
    const meter = new Meter().moved(100 * KB).pass(1000).moved(300 * KB).pass(1000);
    expect(meter.quota.rate()).toBe(200 * KB);
  });

  it('lets whoever waits go on as time passes', () => {
    const meter = new Meter();
    meter.quota.bytesPerSecond = 100 * KB;
    meter.moved(500 * KB);
    expect(meter.pass(4_900).quota.exceeded()).toBe(true);
    expect(meter.pass(100).quota.exceeded()).toBe(false);
  });

  it('forgets a sample whose last event is as long ago as all windows together', () => {
    const meter = new Meter(2).moved(100 * KB);
    expect(meter.pass(1_999).quota.rate()).toBeGreaterThan(0);
    expect(meter.pass(1).quota.rate()).toBe(0);
  });

  it('keeps one sample more than there are windows, and writes over the oldest', () => {
    const meter = new Meter(2).moved(1 * KB).pass(1000).moved(2 * KB).pass(1000).moved(4 * KB);
    // The first is forgotten now: its last event is two windows ago. The others were 6 KB in a second.
    expect(meter.quota.rate()).toBe(6 * KB);
    expect(meter.pass(1000).moved(8 * KB).quota.rate()).toBe(12 * KB);
  });

  it('holds what was moved before against a rate that is set later', () => {
    const meter = new Meter().moved(200 * KB);
    meter.quota.bytesPerSecond = 100 * KB;
    expect(meter.quota.exceeded()).toBe(true);
    meter.quota.bytesPerSecond = 300 * KB;
    expect(meter.quota.exceeded()).toBe(false);
  });

  it('throttles the replicas it is told of, all of a topic or some', () => {
    const { quota } = new Meter();
    quota.throttle('every', 'all');
    quota.throttle('some', new Set([1, 3]));
    const throttled = (topic: string): number[] => [0, 1, 2, 3].filter(partition => quota.isThrottled(topic, partition));
    expect([throttled('every'), throttled('some'), throttled('none')]).toEqual([[0, 1, 2, 3], [1, 3], []]);
    quota.throttle('some', new Set([2]));
    quota.throttle('every', undefined);
    expect([throttled('every'), throttled('some')]).toEqual([[], [2]]);
  });
});
