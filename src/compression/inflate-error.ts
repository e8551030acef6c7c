/** A batch that cannot be inflated, or that would be larger than allowed. */
export class InflateError extends Error {
  override readonly name = 'InflateError';
  readonly tooLarge: boolean;
  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}
