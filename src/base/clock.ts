// Time is handed in. These are the only production sources of it; the simulator hands in its own.

/** Where time comes from. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May step. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards, with fractions. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
