import { join } from 'node:path';
import { NodeProcess } from '../../cluster/process.js';
import { findFree } from '../../cluster/ports.js';
import type { Sandbox } from './sandbox.js';
import { HttpStore, putRequest } from './store.js';

const HOST = '127.0.0.1';
const STOP_TIMEOUT_MS = 10_000;

/** `bare-server.ts` in a process of its own. */
export class BareProcess {
  readonly store: HttpStore;

  private constructor(name: string, port: number, readonly process: NodeProcess) {
    this.store = new HttpStore(name, () => Promise.resolve({ host: HOST, port }), putRequest, () => (process.pid === null ? [] : [process.pid]));
  }

  /** Resolves once it serves. @param file what it syncs every put to; null for nothing. */
  static async start(name: string, file: string | null, script: string, sandbox: Sandbox): Promise<BareProcess> {
    const [port = 0] = await findFree(1);
    const args = [String(port), ...(file === null ? [] : [join(sandbox.directory, file)])];
    const process = new NodeProcess({ id: name, args, logFile: join(sandbox.directory, `bare-${port}.log`) }, script);
    sandbox.watch(process.pid, () => process.kill());
    void process.exited.then(() => sandbox.forget(process.pid));
    await process.ready();
    return new BareProcess(name, port, process);
  }

  async stop(): Promise<void> {
    await this.process.stop(STOP_TIMEOUT_MS);
  }
}
