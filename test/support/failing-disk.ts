// The real disk, which can be told to fail below a path: what a broker keeps beside its logs goes through it.
import { diskStorage, type Storage } from '../../src/log/storage.js';

type Call = keyof Storage;

/** Says with which code a call fails, or undefined. */
export type Fault = (call: Call, path: string) => string | undefined;

export class FailingDisk {
  fault: Fault = () => undefined;
  readonly calls: { readonly call: Call; readonly path: string }[] = [];

  readonly storage: Storage = {
    readFile: path => this.#through('readFile', path, () => diskStorage.readFile(path)),
    list: path => this.#through('list', path, () => diskStorage.list(path)),
    makeDirectory: path => this.#through('makeDirectory', path, () => diskStorage.makeDirectory(path)),
    writeSynced: (path, bytes) => this.#through('writeSynced', path, () => diskStorage.writeSynced(path, bytes)),
    rename: (from, to) => this.#through('rename', from, () => diskStorage.rename(from, to)),
    syncDirectory: path => this.#through('syncDirectory', path, () => diskStorage.syncDirectory(path)),
    remove: path => this.#through('remove', path, () => diskStorage.remove(path)),
  };

  /** Every call at or below `directory` fails from now on. */
  breaks(directory: string, code = 'EIO'): void {
    this.fault = (_call, path) => (path === directory || path.startsWith(`${directory}/`) ? code : undefined);
  }

  mended(): void {
    this.fault = () => undefined;
  }

  async #through<T>(call: Call, path: string, go: () => Promise<T>): Promise<T> {
    this.calls.push({ call, path });
    const code = this.fault(call, path);
    if (code !== undefined) throw Object.assign(new Error(`${code}: ${call} '${path}'`), { code, errno: -5, syscall: call });
    return go();
  }
}
