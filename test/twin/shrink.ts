// The shortest conversation that still shows a difference: steps go, then elements of their lists.

import type { Conversation, Step } from './conversation.js';

/** Plays a conversation; true if a difference of the kind that is looked for shows again. */
export type Shows = (conversation: Conversation) => Promise<boolean>;

/** One that shows as silence takes seconds each time. */
const LONGEST_MS = 40_000;

export async function shrink(conversation: Conversation, shows: Shows, mostTries = 120): Promise<Conversation> {
  const end = performance.now() + LONGEST_MS;
  let tries = 0;
  let best = conversation;
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    if (tries++ >= mostTries || performance.now() > end) return false;
    const smaller = { ...best, steps };
    if (!await shows(smaller)) return false;
    best = smaller;
    return true;
  };
  // Halves, quarters, single steps.
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = best.steps.length - size; at >= 0; at -= size) {
      await attempt([...best.steps.slice(0, at), ...best.steps.slice(at + size)]);
    }
  }
  for (let at = 0; at < best.steps.length; at++) {
    for (let again = true; again;) {
      again = false;
      for (const body of slimmer(best.steps[at]!.body)) {
        if (!await attempt(best.steps.map((step, index) => (index === at ? { ...step, body } : step)))) continue;
        again = true;
        break;
      }
    }
  }
  return best;
}

/** The same with one element less in one of its lists. */
function* slimmer(value: object): Generator<object> {
  for (const [key, each] of Object.entries(value)) {
    if (each === null || typeof each !== 'object' || ArrayBuffer.isView(each)) continue;
    if (Array.isArray(each)) {
      for (let at = 0; each.length > 1 && at < each.length; at++) yield { ...value, [key]: each.filter((_, index) => index !== at) };
      for (let at = 0; at < each.length; at++) {
        if (each[at] !== null && typeof each[at] === 'object' && !ArrayBuffer.isView(each[at])) {
          for (const inner of slimmer(each[at] as object)) yield { ...value, [key]: each.map((old: unknown, index) => (index === at ? inner : old)) };
        }
      }
    } else for (const inner of slimmer(each as object)) yield { ...value, [key]: inner };
  }
}
