import { Worker } from 'node:worker_threads';
import { Channel } from './channel.js';
import type { ToApplication, ToWorker } from './messages.js';
import type { WorkerSetup } from './setup.js';
import { workerUrl } from './worker-url.js';

/** The thread of one node, and the channel to it. */
export class NodeThread {
  /** Resolves once it is over: with null after `end(null)`, else with what went wrong in it. */
  readonly ended: Promise<Error | null>;
  private readonly worker: Worker;
  private readonly channel: Channel<ToApplication, ToWorker>;
  /** Set once the node has closed everything. */
  private outcome: { readonly error: Error | null } | null = null;
  private crash: Error | null = null;

  constructor(setup: WorkerSetup, onMessage: (message: ToApplication) => void) {
    this.worker = new Worker(workerUrl, { workerData: setup, name: `rxraft ${setup.options.id}`, ...inherited(process.execArgv) });
    this.channel = new Channel(this.worker, onMessage);
    this.ended = new Promise((resolve) => {
      this.worker.on('error', (error) => (this.crash = error));
      this.worker.on('exit', (code) => {
        this.channel.close();
        resolve(this.outcome === null ? (this.crash ?? new Error(`the node's thread ended by itself, with exit code ${code}`)) : this.outcome.error);
      });
    });
  }

  post(message: ToWorker): void {
    this.channel.post(message);
  }

  /** The node has said its last: the thread may go. */
  end(error: Error | null): void {
    this.outcome ??= { error };
    void this.worker.terminate();
  }
}

/** A thread inherits Node's arguments. One that a program given as text may have is refused by a thread, which runs a file: it gets none then. */
function inherited(execArgv: readonly string[]): { readonly execArgv?: string[] } {
  return execArgv.some((arg) => arg.startsWith('--input-type')) ? { execArgv: [] } : {};
}
