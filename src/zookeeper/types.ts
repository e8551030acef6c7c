// What the rest of the broker sees of ZooKeeper. Whoever needs it takes the interface, so a test can hand in a client of
// the embedded server, of Apache's, or a fake.

/** Permission bits of an access control entry. */
export const Perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** `world:anyone:cdrwa`, ZooKeeper's default and Kafka's with zookeeper.set.acl=false. */
export const OPEN_ACL: readonly Acl[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }];
/** Everything for whoever creates the node. The server writes the creator's identities in place of `auth`. */
export const CREATOR_ACL: readonly Acl[] = [{ perms: Perms.all, scheme: 'auth', id: '' }];
export const WORLD_READ_ACL: readonly Acl[] = [{ perms: Perms.read, scheme: 'world', id: 'anyone' }];

export interface Stat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The session that owns an ephemeral node, in the spelling of `ZooKeeper.sessionId`; `0x0` for a persistent one. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: number;
}

export type CreateMode = 'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential';

export interface CreateOptions {
  readonly mode?: CreateMode;
  readonly acl?: readonly Acl[];
}

export type Op =
  | { readonly type: 'create'; readonly path: string; readonly data: Uint8Array | null; readonly mode?: CreateMode; readonly acl?: readonly Acl[] }
  | { readonly type: 'setData'; readonly path: string; readonly data: Uint8Array | null; readonly version?: number }
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number };

export type OpResult =
  | { readonly type: 'create'; readonly path: string }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'delete' }
  | { readonly type: 'check' }
  /** Only in ZkError.results: OK for what would have worked, RUNTIMEINCONSISTENCY for what came after the failing one. */
  | { readonly type: 'error'; readonly code: ZkCode | 'OK' };

export interface WatchEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
}

/** One shot. Survives a reconnect (what was missed is told then); dropped without a word when the session expires. */
export type Watcher = (event: WatchEvent) => void;

/**
 * `disconnected`: no server at present; requests wait. `expired`: the session is over, or must be taken to be over
 * because no server has confirmed it for as long as it lasts; ephemerals are gone or going, watches are dropped, and
 * every request fails until reopen().
 */
export type SessionState = 'disconnected' | 'connected' | 'expired' | 'authFailed' | 'closed';

export interface ZooKeeper {
  /** Hex with `0x`; `0x0` before there is a session. */
  readonly sessionId: string;
  readonly state: SessionState;
  /** Returns what ends the subscription. */
  onState(listener: (state: SessionState) => void): () => void;

  getData(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }>;
  /** The watcher also fires when a node that is not there yet is created. */
  exists(path: string, watcher?: Watcher): Promise<Stat | null>;
  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }>;
  create(path: string, data: Uint8Array | null, options?: CreateOptions): Promise<{ path: string; stat: Stat }>;
  setData(path: string, data: Uint8Array | null, version?: number): Promise<Stat>;
  delete(path: string, version?: number): Promise<void>;
  /** All or nothing. Rejects with the first failing operation's error, whose `results` tells of each. */
  multi(ops: readonly Op[]): Promise<OpResult[]>;
  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }>;
  setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat>;
  /** Resolves when this client's server has seen everything committed before the call. */
  sync(path: string): Promise<void>;

  /** A new session after `expired`. */
  reopen(): Promise<void>;
  /** Ends the session, and with it its ephemerals. Safe twice. */
  close(): Promise<void>;
}

/** KeeperException's codes under their names, and CLOSED: the client was closed by its owner. */
export const ZK_CODES = {
  SYSTEMERROR: -1,
  RUNTIMEINCONSISTENCY: -2,
  DATAINCONSISTENCY: -3,
  CONNECTIONLOSS: -4,
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATIONTIMEOUT: -7,
  BADARGUMENTS: -8,
  UNKNOWNSESSION: -12,
  NEWCONFIGNOQUORUM: -13,
  RECONFIGINPROGRESS: -14,
  APIERROR: -100,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDCALLBACK: -113,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  SESSIONMOVED: -118,
  NOTREADONLY: -119,
  EPHEMERALONLOCALSESSION: -120,
  NOWATCHER: -121,
  REQUESTTIMEOUT: -122,
  RECONFIGDISABLED: -123,
  SESSIONCLOSEDREQUIRESASLAUTH: -124,
  QUOTAEXCEEDED: -125,
  THROTTLEDOP: -127,
  CLOSED: -1000,
} as const;

export type ZkCode = keyof typeof ZK_CODES;

const NAMES = new Map<number, ZkCode>(Object.entries(ZK_CODES).map(([name, code]) => [code, name as ZkCode]));

export const zkCodeName = (code: number): ZkCode => NAMES.get(code) ?? 'SYSTEMERROR';

export class ZkError extends Error {
  override readonly name = 'ZkError';
  readonly code: ZkCode;
  readonly path: string;
  /** Of a failed multi: what became of each operation. */
  readonly results: readonly OpResult[];

  constructor(code: ZkCode, path = '', results: readonly OpResult[] = [], detail = '') {
    super(`${code}${path === '' ? '' : ` for ${path}`}${detail === '' ? '' : `: ${detail}`}`);
    this.code = code;
    this.path = path;
    this.results = results;
  }
}

export function isZkError(error: unknown, ...codes: readonly ZkCode[]): error is ZkError {
  return error instanceof ZkError && (codes.length === 0 || codes.includes(error.code));
}
