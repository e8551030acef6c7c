/** One mistake in a configuration, told with the key that holds it. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
}

/** Every mistake of a configuration at once, so that nobody mends them one restart at a time. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ key, message }) => `${key}: ${message}`).join('\n'));
    this.problems = problems;
  }
}
