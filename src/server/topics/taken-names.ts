import { metricName, type TopicName } from '../../base/topic-name.js';
import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';

/** Names that topics have, so that a new one neither equals nor collides with one of them (AdminZkClient.validateTopicCreate). */
export class TakenNames {
  readonly #byMetricName = new Map<string, string[]>();
  readonly #names = new Set<string>();
  readonly #goingAway: ReadonlySet<string>;

  constructor(names: readonly string[], goingAway: readonly string[]) {
    for (const name of names) this.#take(name);
    this.#goingAway = new Set(goingAway);
  }

  /** The name was given to a new topic. */
  add(name: TopicName): void {
    this.#take(name);
  }

  /** Throws RequestError where the name cannot be given. */
  refuse(name: TopicName): void {
    if (this.#goingAway.has(name)) throw new RequestError(ErrorCode.TopicAlreadyExists, `Topic '${name}' is marked for deletion.`);
    if (this.#names.has(name)) throw new RequestError(ErrorCode.TopicAlreadyExists, `Topic '${name}' already exists.`);
    const others = this.#byMetricName.get(metricName(name));
    if (others !== undefined) throw new RequestError(ErrorCode.InvalidTopicException, `Topic '${name}' collides with existing topics: ${others.join(', ')}`);
  }

  #take(name: string): void {
    this.#names.add(name);
    const alike = this.#byMetricName.get(metricName(name));
    if (alike === undefined) this.#byMetricName.set(metricName(name), [name]);
    else alike.push(name);
  }
}
