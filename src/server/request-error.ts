/** Refuses a request, or one thing asked in it, with one of Kafka's errors. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
