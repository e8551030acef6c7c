// One function per operation: read it, do it, write the answer's body. Header, errors and sending are the connection's.
import { JuteError, type JuteReader } from '../jute/reader.js';
import { EventType, OpCode, createMode, readAcl, writeAcl, writeStat } from '../jute/records.js';
import type { JuteWriter } from '../jute/writer.js';
import { Perms, ZK_CODES, ZkError } from '../types.js';
import { checkAccess, type Identity } from './access.js';
import type { ServerCore } from './core.js';
import { Outlook, legalPath } from './prepare.js';
import type { Change } from './transaction.js';
import type { Znode } from './tree.js';
import type { WatchHolder, WatchKind } from './watch-table.js';

/** Who asks. */
export interface Caller extends WatchHolder {
  readonly sessionId: bigint;
  readonly identities: readonly Identity[];
}

export interface RequestContext {
  readonly core: ServerCore;
  readonly caller: Caller;
  readonly xid: number;
  readonly reader: JuteReader;
}

/** Writes the body of a success. Undefined: there is none. */
type Answer = ((writer: JuteWriter) => void) | undefined;
type Handler = (context: RequestContext) => Answer;

const HANDLERS = new Map<number, Handler>([
  [OpCode.create, context => {
    const path = create(context).path;
    return writer => void writer.string(path);
  }],
  [OpCode.create2, context => {
    const node = found(context, create(context).path);
    return writer => {
      writer.string(node.path);
      stat(context, writer, node);
    };
  }],
  [OpCode.delete, context => {
    const { reader } = context;
    commit(context, outlook(context).delete(reader.string(), reader.int32()));
    return undefined;
  }],
  [OpCode.setData, context => {
    const { reader } = context;
    const change = outlook(context).setData(reader.string(), copied(reader), reader.int32());
    commit(context, change);
    const node = found(context, change.path);
    return writer => stat(context, writer, node);
  }],
  [OpCode.setAcl, context => {
    const { reader } = context;
    const change = outlook(context).setAcl(reader.string(), readAcl(reader), reader.int32());
    commit(context, change);
    const node = found(context, change.path);
    return writer => stat(context, writer, node);
  }],
  [OpCode.multi, multi],
  [OpCode.exists, context => {
    const { path, watch } = pathAndWatch(context);
    // The watch is set whether or not there is a node, and asks for no permission.
    if (watch) arm(context, 'data', path);
    const node = found(context, path);
    return writer => stat(context, writer, node);
  }],
  [OpCode.getData, context => {
    const { path, watch } = pathAndWatch(context);
    const node = readable(context, path);
    if (watch) arm(context, 'data', path);
    return writer => {
      writer.buffer(node.data);
      stat(context, writer, node);
    };
  }],
  [OpCode.getChildren, context => {
    const { path, watch } = pathAndWatch(context);
    readable(context, path);
    if (watch) arm(context, 'children', path);
    return writer => children(context, writer, path);
  }],
  [OpCode.getChildren2, context => {
    const { path, watch } = pathAndWatch(context);
    const node = readable(context, path);
    if (watch) arm(context, 'children', path);
    return writer => {
      children(context, writer, path);
      stat(context, writer, node);
    };
  }],
  [OpCode.getAcl, context => {
    const node = found(context, context.reader.string());
    checkAccess(node.acl, Perms.read | Perms.admin, context.caller.identities, node.path);
    const acl = mayAdministrate(context, node) ? node.acl : node.acl.map(entry => (entry.scheme === 'digest' ? { ...entry, id: `${entry.id.split(':', 1)[0]}:x` } : entry));
    return writer => {
      writeAcl(writer, acl);
      stat(context, writer, node);
    };
  }],
  [OpCode.sync, ({ reader }) => {
    const path = reader.string();
    return writer => void writer.string(path);
  }],
  [OpCode.ping, () => undefined],
  [OpCode.setWatches, context => rearm(context)],
  [OpCode.setWatches2, context => rearm(context)],
  [OpCode.removeWatches, removeWatches],
  [OpCode.getEphemerals, ({ core, caller, reader }) => {
    const prefix = reader.string();
    const paths = core.tree.ephemeralsOf(caller.sessionId).filter(path => path.startsWith(prefix));
    return writer => void writer.vector(paths, path => writer.string(path));
  }],
  [OpCode.getAllChildrenNumber, context => {
    const node = readable(context, context.reader.string());
    const prefix = node.path === '/' ? '/' : `${node.path}/`;
    const count = context.core.tree.all().filter(({ path }) => path !== '/' && path.startsWith(prefix)).length;
    return writer => void writer.int32(count);
  }],
  [OpCode.whoAmI, ({ caller }) => writer => void writer.vector(caller.identities, ({ scheme, id }) => writer.string(scheme).string(id.split(':', 1)[0]!))],
]);

/** Throws a ZkError for what the client should be told, a JuteError for what no client sends. */
export function handleRequest(op: number, context: RequestContext): Answer {
  const handler = HANDLERS.get(op);
  if (handler === undefined) throw new ZkError('UNIMPLEMENTED');
  return handler(context);
}

const outlook = ({ core, caller }: RequestContext): Outlook => new Outlook(core.tree, caller.identities);

function commit({ core, caller, xid }: RequestContext, change: Change): void {
  core.commit(caller.sessionId, xid, change);
}

function create(context: RequestContext): Change {
  const change = decideCreate(outlook(context), context.reader);
  commit(context, change);
  return change;
}

function decideCreate(view: Outlook, reader: JuteReader): Change {
  const [path, data, acl, mode] = [reader.string(), copied(reader), readAcl(reader), createMode(reader.int32())];
  if (mode === undefined) throw new ZkError('UNIMPLEMENTED', path);
  return view.create(path, data, acl, mode);
}

function multi(context: RequestContext): Answer {
  const changes: Change[] = [];
  const view = outlook(context);
  let failed: ZkError | undefined;
  let count = 0;
  for (const decide of readOperations(context.reader)) {
    count++;
    try {
      // All are read, so that a malformed one ends the connection wherever it stands, but none is tried after a failure.
      if (failed === undefined) changes.push(decide(view));
    } catch (error) {
      if (!(error instanceof ZkError)) throw error;
      failed = error;
    }
  }
  if (failed !== undefined) return multiFailed(failed, changes.length, count);
  const after = changes.length > 0 ? context.core.commit(context.caller.sessionId, context.xid, { type: 'multi', changes }) : [];
  return writer => {
    for (const [index, change] of changes.entries()) {
      writer.int32(RESULT_TYPES[change.type]).bool(false).int32(0);
      if (change.type === 'create') writer.string(change.path);
      else if (change.type === 'setData') {
        const { node, numChildren } = after[index]!;
        writeStat(writer, node!, node!.data?.length ?? 0, numChildren);
      }
    }
    writer.int32(-1).bool(true).int32(-1);
  };
}

const RESULT_TYPES = { create: OpCode.create, delete: OpCode.delete, setData: OpCode.setData, setAcl: OpCode.setAcl, check: OpCode.check } as const;

/** What would have worked is told OK, what failed why, and the rest that nobody tried. */
function multiFailed(failed: ZkError, at: number, count: number): Answer {
  return writer => {
    for (let index = 0; index < count; index++) {
      const code = index < at ? 0 : index === at ? ZK_CODES[failed.code] : ZK_CODES.RUNTIMEINCONSISTENCY;
      writer.int32(OpCode.error).bool(false).int32(code).int32(code);
    }
    writer.int32(-1).bool(true).int32(-1);
  };
}

function* readOperations(reader: JuteReader): Generator<(view: Outlook) => Change> {
  for (;;) {
    const [type, done] = [reader.int32(), reader.bool()];
    reader.int32();
    if (done) return;
    if (type === OpCode.create || type === OpCode.create2) {
      const [path, data, acl, mode] = [reader.string(), copied(reader), readAcl(reader), createMode(reader.int32())];
      yield view => {
        if (mode === undefined) throw new ZkError('UNIMPLEMENTED', path);
        return view.create(path, data, acl, mode);
      };
    } else if (type === OpCode.setData) {
      const [path, data, version] = [reader.string(), copied(reader), reader.int32()];
      yield view => view.setData(path, data, version);
    } else if (type === OpCode.delete || type === OpCode.check) {
      const [path, version] = [reader.string(), reader.int32()];
      yield view => (type === OpCode.delete ? view.delete(path, version) : view.check(path, version));
    } else throw new JuteError(`operation ${type} in a multi`);
  }
}

/** After a reconnect: fires at once for what the client missed, arms the rest again. */
function rearm({ core, caller, reader }: RequestContext): Answer {
  const since = reader.int64();
  for (const path of reader.strings()) {
    const node = core.tree.get(path);
    if (node === undefined) caller.notify(EventType.deleted, path);
    else if (node.mzxid > since) caller.notify(EventType.dataChanged, path);
    else arm({ core, caller }, 'data', path);
  }
  for (const path of reader.strings()) {
    if (core.tree.get(path) !== undefined) caller.notify(EventType.created, path);
    else arm({ core, caller }, 'data', path);
  }
  for (const path of reader.strings()) {
    const node = core.tree.get(path);
    if (node === undefined) caller.notify(EventType.deleted, path);
    else if (node.pzxid > since) caller.notify(EventType.childrenChanged, path);
    else arm({ core, caller }, 'children', path);
  }
  return undefined;
}

const WATCHER_TYPE_CHILDREN = 1;
const WATCHER_TYPE_DATA = 2;

function removeWatches({ core, caller, reader }: RequestContext): Answer {
  const [path, type] = [reader.string(), reader.int32()];
  const data = type !== WATCHER_TYPE_CHILDREN && core.watches.remove('data', path, caller);
  const childWatch = type !== WATCHER_TYPE_DATA && core.watches.remove('children', path, caller);
  if (!data && !childWatch) throw new ZkError('NOWATCHER', path);
  return undefined;
}

/** Loopback or not, one client cannot have all memory. */
const MOST_WATCHES = 500_000;

function arm({ core, caller }: Pick<RequestContext, 'core' | 'caller'>, kind: WatchKind, path: string): void {
  if (core.watches.countOf(caller) >= MOST_WATCHES) throw new JuteError('too many watches');
  core.watches.add(kind, path, caller);
}

function pathAndWatch({ reader }: RequestContext): { path: string; watch: boolean } {
  const [path, watch] = [reader.string(), reader.bool()];
  legalPath(path);
  return { path, watch };
}

function found({ core }: RequestContext, path: string): Znode {
  const node = core.tree.get(path);
  if (node === undefined) throw new ZkError('NONODE', path);
  return node;
}

function readable(context: RequestContext, path: string): Znode {
  const node = found(context, path);
  checkAccess(node.acl, Perms.read, context.caller.identities, path);
  return node;
}

function mayAdministrate({ caller }: RequestContext, node: Znode): boolean {
  try {
    checkAccess(node.acl, Perms.admin, caller.identities, node.path);
    return true;
  } catch {
    return false;
  }
}

function stat({ core }: RequestContext, writer: JuteWriter, node: Znode): void {
  writeStat(writer, node, node.data?.length ?? 0, core.tree.children(node.path).size);
}

function children({ core }: RequestContext, writer: JuteWriter, path: string): void {
  writer.vector([...core.tree.children(path)], name => writer.string(name));
}

function copied(reader: JuteReader): Buffer | null {
  const view = reader.buffer();
  return view === null ? null : Buffer.from(view);
}
