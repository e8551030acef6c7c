// Field by field: where two answers, made normal, part.

import type { Step } from './conversation.js';
import { grammarOf } from './grammars.js';
import { MadeUp, normal } from './normal.js';
import type { Heard } from './play.js';

/** One place where ours is not Kafka's. */
export interface Difference {
  /** Where: the step's number, or what was looked at behind the conversation. */
  readonly at: number | string;
  readonly step: Step | undefined;
  readonly path: string;
  readonly ours: unknown;
  readonly kafka: unknown;
  /** All of it, for the story and for whoever decides whether it is allowed. */
  readonly answers: { readonly ours: unknown; readonly kafka: unknown };
}

export interface Sides<T> {
  readonly ours: T;
  readonly kafka: T;
}

export function compareSteps(steps: readonly Step[], heard: Sides<readonly Heard[]>, made: Sides<MadeUp>, from = 0): Difference[] {
  const differences: Difference[] = [];
  steps.forEach((step, index) => {
    const ours = told(step, heard.ours[index]!, made.ours);
    const kafka = told(step, heard.kafka[index]!, made.kafka);
    for (const each of diff(ours, kafka)) differences.push({ at: from + index, step, ...each, answers: { ours, kafka } });
  });
  return differences;
}

/** What somebody would say of an outcome. */
function told(step: Step, heard: Heard, made: MadeUp): unknown {
  if (heard.kind !== 'answer') return heard;
  const { patience } = step;
  const waited = patience === undefined || patience < 100 ? {} : { came: heard.afterMs > patience * 0.6 ? 'after a wait' : 'at once' };
  const grammar = grammarOf(step.api);
  const message = grammar.within === undefined ? heard.message : grammar.within(heard.message as never, made.prefix);
  return { ...waited, answer: normal(message, made, grammar) };
}

/** The smallest places at which two values differ. */
export function diff(ours: unknown, kafka: unknown, path = ''): { path: string; ours: unknown; kafka: unknown }[] {
  if (Object.is(ours, kafka)) return [];
  if (ours === null || kafka === null || typeof ours !== 'object' || typeof kafka !== 'object' || Array.isArray(ours) !== Array.isArray(kafka)) return [{ path, ours, kafka }];
  if (Array.isArray(ours) && Array.isArray(kafka)) {
    if (ours.length !== kafka.length) return [{ path: `${path}.length`, ours: ours.length, kafka: kafka.length }];
    return ours.flatMap((each, index) => diff(each, kafka[index], `${path}[${index}]`));
  }
  const names = new Set([...Object.keys(ours), ...Object.keys(kafka)]);
  return [...names].flatMap(name => diff((ours as Record<string, unknown>)[name], (kafka as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`));
}
