/** What the control plane says of itself; pino fits it. Nothing on the data path writes a line. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const silent = (): void => {};
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };
