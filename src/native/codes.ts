/** Why native code failed (native/base/status.h, where what each means is told). */
export const NativeCode = {
  ok: 0,
  closed: 1,
  invalidArgument: 2,
  ioError: 3,
  noSpace: 4,
  notFound: 5,
  exists: 6,
  permission: 7,
  tooManyFiles: 8,
  locked: 9,
  wouldBlock: 10,
  outOfMemory: 11,
  corruptFile: 12,
  addressInUse: 13,
  connectionLost: 14,
  corruptBatch: 100,
  unsupportedMagic: 101,
  invalidRecord: 102,
  invalidTimestamp: 103,
  messageTooLarge: 104,
  recordListTooLarge: 105,
  staleGeneration: 106,
  unexpectedOffset: 107,
  offsetOutOfRange: 108,
  unreadable: 109,
  fencedEpoch: 110,
} as const;

const names = new Map<number, string>(Object.entries(NativeCode).map(([name, code]) => [code, name]));

export function nativeCodeName(code: number): string {
  return names.get(code) ?? `code ${code}`;
}
