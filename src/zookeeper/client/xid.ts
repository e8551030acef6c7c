/** Not used by requests: the goodbye of a session has it. */
export const GOODBYE_XID = 0x7fffffff;

/** Requests are numbered from 1 and begin again before the number would turn negative: those belong to the protocol. */
export const nextXid = (xid: number): number => (xid >= GOODBYE_XID - 1 ? 1 : xid + 1);
