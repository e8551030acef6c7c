// Who may do what: the schemes world, ip, digest and auth (PrepRequestProcessor.checkACL and fixupACL).
import { createHash } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { OPEN_ACL, Perms, ZkError, type Acl } from '../types.js';

/** One of the names a connection goes by. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** For `digest`: `user:password` becomes the user and a hash, which is what access lists hold. Undefined: no such scheme. */
export function authenticate(scheme: string, auth: Buffer): Identity | undefined {
  if (scheme !== 'digest') return undefined;
  const text = auth.toString();
  const user = text.split(':', 1)[0]!;
  return { scheme, id: `${user}:${createHash('sha1').update(text).digest('base64')}` };
}

export function checkAccess(acl: readonly Acl[], permission: number, identities: readonly Identity[], path: string): void {
  if (acl === OPEN_ACL) return;
  if (!acl.some(entry => (entry.perms & permission) !== 0 && matches(entry, identities))) throw new ZkError('NOAUTH', path);
}

function matches({ scheme, id }: Acl, identities: readonly Identity[]): boolean {
  if (scheme === 'world' && id === 'anyone') return true;
  return identities.some(identity => identity.scheme === scheme && (scheme === 'ip' ? inNetwork(identity.id, id) : identity.id === id));
}

function inNetwork(address: string, network: string): boolean {
  const [base = '', bits] = network.split('/');
  if (bits === undefined) return address === base;
  const [kind, other] = [isIP(base), isIP(address)];
  if (kind === 0 || kind !== other) return false;
  const family = kind === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family);
  return list.check(address, family);
}

/** What a node is given: `auth` replaced by the creator's identities, nonsense refused. */
export function grantedAcl(asked: readonly Acl[], identities: readonly Identity[], path: string): readonly Acl[] {
  const granted = new Map<string, Acl>();
  const grant = (entry: Acl): void => void granted.set(`${entry.perms} ${entry.scheme} ${entry.id}`, entry);
  for (const entry of asked) {
    if (entry.scheme === 'auth') {
      const proven = identities.filter(identity => identity.scheme === 'digest');
      if (proven.length === 0) throw new ZkError('INVALIDACL', path);
      for (const { scheme, id } of proven) grant({ perms: entry.perms, scheme, id });
    } else if (isLegal(entry)) grant(entry);
    else throw new ZkError('INVALIDACL', path);
  }
  const list = [...granted.values()];
  if (list.length === 0) throw new ZkError('INVALIDACL', path);
  return list.length === 1 && list[0]!.scheme === 'world' && list[0]!.perms === Perms.all ? OPEN_ACL : list;
}

function isLegal({ scheme, id }: Acl): boolean {
  switch (scheme) {
    case 'world': return id === 'anyone';
    case 'digest': return id.split(':').length === 2;
    case 'ip': return isNetwork(id);
    default: return false;
  }
}

function isNetwork(id: string): boolean {
  const [base = '', bits = '0'] = id.split('/');
  const kind = isIP(base);
  return kind !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128);
}
