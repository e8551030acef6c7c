// A connection can be lost while a request is on its way. Then nobody knows whether it was carried out, and Kafka asks
// again once there is a connection (KafkaZkClient.retryRequestsUntilConnected): its writes are conditional, or made so
// that twice is as good as once.

import { isZkError, type Acl, type CreateOptions, type Op, type OpResult, type SessionState, type Stat, type Watcher, type ZooKeeper } from './types.js';

export class RetryingZooKeeper implements ZooKeeper {
  readonly #zk: ZooKeeper;

  constructor(zk: ZooKeeper) {
    this.#zk = zk;
  }

  get sessionId(): string { return this.#zk.sessionId; }
  get state(): SessionState { return this.#zk.state; }
  onState(listener: (state: SessionState) => void): () => void { return this.#zk.onState(listener); }

  getData(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }> { return this.#retry(() => this.#zk.getData(path, watcher)); }
  exists(path: string, watcher?: Watcher): Promise<Stat | null> { return this.#retry(() => this.#zk.exists(path, watcher)); }
  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> { return this.#retry(() => this.#zk.getChildren(path, watcher)); }
  create(path: string, data: Uint8Array | null, options?: CreateOptions): Promise<{ path: string; stat: Stat }> { return this.#retry(() => this.#zk.create(path, data, options)); }
  setData(path: string, data: Uint8Array | null, version?: number): Promise<Stat> { return this.#retry(() => this.#zk.setData(path, data, version)); }
  delete(path: string, version?: number): Promise<void> { return this.#retry(() => this.#zk.delete(path, version)); }
  multi(ops: readonly Op[]): Promise<OpResult[]> { return this.#retry(() => this.#zk.multi(ops)); }
  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> { return this.#retry(() => this.#zk.getAcl(path)); }
  setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat> { return this.#retry(() => this.#zk.setAcl(path, acl, version)); }
  sync(path: string): Promise<void> { return this.#retry(() => this.#zk.sync(path)); }
  reopen(): Promise<void> { return this.#zk.reopen(); }
  close(): Promise<void> { return this.#zk.close(); }

  async #retry<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        // The client itself waits for the next connection, and ends the wait with the session.
        if (!isZkError(error, 'CONNECTIONLOSS')) throw error;
      }
    }
  }
}
