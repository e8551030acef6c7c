// Timers are handed in beside the clock, so that a test moves both together.

/** A pending call. `cancel` is safe at any time, also after it fired. */
export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Calls `action` once, `ms` milliseconds from now. */
  after(ms: number, action: () => void): Timer;
  /** Calls `action` every `ms` milliseconds until cancelled. */
  every(ms: number, action: () => void): Timer;
}

// setTimeout takes a signed 32-bit delay and fires at once beyond it.
const LONGEST = 0x7fffffff;

export const systemTimers: Timers = {
  after(ms, action) {
    const handle = setTimeout(action, Math.min(Math.max(ms, 0), LONGEST));
    return { cancel: () => clearTimeout(handle) };
  },
  every(ms, action) {
    const handle = setInterval(action, Math.min(Math.max(ms, 1), LONGEST));
    return { cancel: () => clearInterval(handle) };
  },
};
