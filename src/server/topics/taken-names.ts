import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import { metricName } from './topic-name.js';

/** Names that topics have, so that a new one neither equals nor collides with one of them (Topic.java). */
export class TakenNames {
  readonly #byMetricName: Map<string, string>;
  readonly #names: Set<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.#byMetricName = new Map(names.map(name => [metricName(name), name]));
  }

  /** The name was given to a new topic. */
  add(name: string): void {
    this.#names.add(name);
    this.#byMetricName.set(metricName(name), name);
  }

  /** Throws RequestError where the name cannot be given. */
  refuse(name: string): void {
    if (this.#names.has(name)) throw new RequestError(ErrorCode.TopicAlreadyExists, `Topic '${name}' already exists.`);
    const other = this.#byMetricName.get(metricName(name));
    if (other !== undefined) throw new RequestError(ErrorCode.InvalidTopicException, `Topic '${name}' collides with existing topic: ${other}`);
  }
}
