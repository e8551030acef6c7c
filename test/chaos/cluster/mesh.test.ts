import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Mesh } from './mesh.js';
import { whoseSocket } from './whose-socket.js';

let mesh: Mesh;
let echo: Server;
let port: number;
const sockets: Socket[] = [];

/** `b` says back what it hears; everybody who comes is `a`. */
beforeEach(async () => {
  mesh = new Mesh();
  echo = createServer(socket => { socket.on('error', () => {}); socket.pipe(socket); });
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
  port = await mesh.open({ to: 'b', port: (echo.address() as AddressInfo).port, from: () => 'a' });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await mesh.close();
  await new Promise(resolve => echo.close(resolve));
});

class Caller {
  readonly socket: Socket;
  heard = '';
  readonly ended: Promise<string>;

  constructor() {
    this.socket = connect(port, '127.0.0.1');
    sockets.push(this.socket);
    this.socket.setEncoding('utf8').on('data', (text: string) => { this.heard += text; });
    this.ended = new Promise(resolve => {
      this.socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? 'error'));
      this.socket.on('close', () => resolve('closed'));
    });
  }

  async says(text: string): Promise<void> {
    await new Promise(resolve => this.socket.write(text, resolve));
  }

  hears(text: string): Promise<void> {
    return expect.poll(() => this.heard, { timeout: 5_000 }).toBe(text);
  }
}

test('a road carries both ways', async () => {
  const caller = new Caller();
  await caller.says('hello');
  await caller.hears('hello');
});

test.each([['a', 'b'], ['b', 'a']])('stalled from %s to %s, what was said arrives when it is mended, in order', async (from, to) => {
  const caller = new Caller();
  await caller.says('one ');
  await caller.hears('one ');
  mesh.cut(from, to, 'stall');
  await caller.says('two ');
  // Another road, that is open, is quicker than what waits.
  const witness = await mesh.open({ to: 'b', port: (echo.address() as AddressInfo).port, from: () => undefined });
  const other = connect(witness, '127.0.0.1', () => other.write('!'));
  sockets.push(other);
  await new Promise(resolve => other.once('data', resolve));
  expect(caller.heard).toBe('one ');
  await caller.says('three');
  mesh.mend(from, to);
  await caller.hears('one two three');
});

test('a road that is reset ends, new ones end too, and mended it carries again', async () => {
  const caller = new Caller();
  await caller.says('one');
  await caller.hears('one');
  mesh.cut('b', 'a', 'reset');
  expect(await caller.ended).toBe('ECONNRESET');
  expect(await new Caller().ended).toMatch(/ECONNRESET|closed/);
  mesh.mendAll();
  const again = new Caller();
  await again.says('two');
  await again.hears('two');
});

test('the end of one side is the end of the other', async () => {
  const caller = new Caller();
  await caller.says('last words');
  caller.socket.end();
  expect(await caller.ended).toBe('closed');
  expect(caller.heard).toBe('last words');
});

test('a connection of this machine is known by its process', async () => {
  const caller = new Caller();
  await caller.says('who am I');
  await caller.hears('who am I');
  expect(whoseSocket(caller.socket.localPort!, port, [1, process.pid])).toBe(process.pid);
  expect(whoseSocket(caller.socket.localPort!, port, [1])).toBeUndefined();
});
