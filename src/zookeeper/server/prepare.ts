// Decides whether a request can be done, and turns it into a change that cannot fail (PrepRequestProcessor.java).
import { parentOf, pathFault } from '../paths.js';
import { Perms, ZkError, type Acl, type CreateMode } from '../types.js';
import { checkAccess, grantedAcl, type Identity } from './access.js';
import type { Change } from './transaction.js';
import { OWN_PATHS, type Tree } from './tree.js';

/** What a decision needs to know of a node. */
interface Prospect {
  readonly acl: readonly Acl[];
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly children: number;
  readonly ephemeral: boolean;
}

/** The tree as it will be when the changes decided so far are applied: the later operations of a multi see the earlier. */
export class Outlook {
  readonly #tree: Tree;
  readonly #identities: readonly Identity[];
  readonly #changed = new Map<string, Prospect | null>();

  constructor(tree: Tree, identities: readonly Identity[]) {
    this.#tree = tree;
    this.#identities = identities;
  }

  create(asked: string, data: Buffer | null, acl: readonly Acl[], mode: CreateMode): Change & { type: 'create' } {
    const sequential = mode === 'persistentSequential' || mode === 'ephemeralSequential';
    // A sequential path may end with a slash: the number is the name.
    legalPath(sequential ? `${asked}1` : asked);
    const parentPath = parentOf(asked);
    const parent = this.#existing(parentPath, asked);
    const granted = grantedAcl(acl, this.#identities, asked);
    this.#allow(parent, Perms.create, asked);
    const path = sequential ? asked + String(parent.cversion).padStart(10, '0') : asked;
    if (this.#find(path) !== undefined) throw new ZkError('NODEEXISTS', path);
    if (parent.ephemeral) throw new ZkError('NOCHILDRENFOREPHEMERALS', path);
    const ephemeral = mode === 'ephemeral' || mode === 'ephemeralSequential';
    const cversion = parent.cversion + 1;
    this.#changed.set(parentPath, { ...parent, cversion, children: parent.children + 1 });
    this.#changed.set(path, { acl: granted, version: 0, cversion: 0, aversion: 0, children: 0, ephemeral });
    return { type: 'create', path, data, acl: granted, ephemeral, parentCversion: cversion };
  }

  delete(path: string, version: number): Change {
    legalPath(path);
    if (OWN_PATHS.includes(path)) throw new ZkError('BADARGUMENTS', path);
    const parent = this.#existing(parentOf(path), path);
    const node = this.#existing(path);
    this.#allow(parent, Perms.delete, path);
    expectVersion(version, node.version, path);
    if (node.children > 0) throw new ZkError('NOTEMPTY', path);
    this.#changed.set(path, null);
    this.#changed.set(parentOf(path), { ...parent, children: parent.children - 1 });
    return { type: 'delete', path };
  }

  setData(path: string, data: Buffer | null, version: number): Change {
    legalPath(path);
    const node = this.#existing(path);
    this.#allow(node, Perms.write, path);
    const next = expectVersion(version, node.version, path);
    this.#changed.set(path, { ...node, version: next });
    return { type: 'setData', path, data, version: next };
  }

  setAcl(path: string, acl: readonly Acl[], version: number): Change {
    legalPath(path);
    const granted = grantedAcl(acl, this.#identities, path);
    const node = this.#existing(path);
    this.#allow(node, Perms.admin, path);
    const next = expectVersion(version, node.aversion, path);
    this.#changed.set(path, { ...node, acl: granted, aversion: next });
    return { type: 'setAcl', path, acl: granted, version: next };
  }

  check(path: string, version: number): Change {
    legalPath(path);
    const node = this.#existing(path);
    this.#allow(node, Perms.read, path);
    expectVersion(version, node.version, path);
    return { type: 'check', path, version };
  }

  #find(path: string): Prospect | undefined {
    const changed = this.#changed.get(path);
    if (changed !== undefined) return changed ?? undefined;
    const node = this.#tree.get(path);
    if (node === undefined) return undefined;
    const { acl, version, cversion, aversion } = node;
    return { acl, version, cversion, aversion, children: this.#tree.children(path).size, ephemeral: node.ephemeralOwner !== 0n };
  }

  #existing(path: string, asked = path): Prospect {
    const node = this.#find(path);
    if (node === undefined) throw new ZkError('NONODE', asked);
    return node;
  }

  #allow(node: Prospect, permission: number, path: string): void {
    checkAccess(node.acl, permission, this.#identities, path);
  }
}

export function legalPath(path: string): void {
  const fault = pathFault(path);
  if (fault !== undefined) throw new ZkError('BADARGUMENTS', path, [], fault);
}

/** The next version. -1 expects nothing. */
function expectVersion(expected: number, actual: number, path: string): number {
  if (expected !== -1 && expected !== actual) throw new ZkError('BADVERSION', path);
  return (actual + 1) | 0;
}
