import { HttpClient } from '../../lib/cli/http-client.js';
import { ClusterClient } from '../../lib/cli/client/cluster-client.js';
import { CLIENT_COMMANDS } from '../../lib/cli/client/commands.js';
import type { ClientContext } from '../../lib/cli/client/context.js';
import type { ClientFlags } from '../../lib/cli/client/flags.js';
import { CliError } from '../../lib/cli/exit.js';
import { plainStyle } from '../../lib/cli/style.js';
import type { Terminal } from '../../lib/cli/terminal.js';

/** What a command printed and how it ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly notes: readonly string[];
  readonly error: string | null;
}

/** Runs client commands in this process, on real sockets; time stands still unless `now` moves it. */
export class ClientFixture {
  readonly http = new HttpClient(4, 5000);
  readonly interrupt = new AbortController();
  now: () => number = () => performance.now();
  input: Uint8Array = new Uint8Array(0);
  /** How long the commands wanted to wait; none of it is waited for. */
  readonly pauses: number[] = [];
  /** Called with everything that is printed, as it is. */
  onNote: (text: string) => void = () => undefined;
  onOutput: (text: string) => void = () => undefined;

  client(endpoints: readonly string[], timeoutMs = 4000): ClusterClient {
    return new ClusterClient({ http: this.http, endpoints, timeoutMs, now: () => this.now() });
  }

  async run(name: string, args: readonly string[], endpoints: readonly string[], flags: ClientFlags = {}): Promise<Ended> {
    const command = CLIENT_COMMANDS.find((each) => each.name === name);
    if (command === undefined) throw new Error(`no command ${name}`);
    let out = '';
    const notes: string[] = [];
    const write = (data: string | Uint8Array): void => {
      out += Buffer.from(data).toString();
      this.onOutput(out);
    };
    const terminal: Terminal = { style: plainStyle, isInteractive: false, line: (text = '') => write(`${text}\n`), progress: () => undefined };
    const note = (text = ''): void => {
      notes.push(text);
      this.onNote(text);
    };
    const context: ClientContext = {
      args,
      flags,
      cluster: this.client(endpoints, (flags.timeoutS ?? 4) * 1000),
      write,
      terminal,
      notes: { ...terminal, line: note, progress: note },
      readInput: () => Promise.resolve(this.input),
      interrupt: () => this.interrupt.signal,
      pause: (ms) => {
        this.pauses.push(ms);
        return new Promise((resolve) => setImmediate(resolve));
      },
    };
    try {
      return { code: await command.run(context), out, notes, error: null };
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return { code: error.exitCode, out, notes, error: error.message };
    }
  }

  /** Ends what still runs, too. */
  close(): void {
    this.interrupt.abort();
    this.http.close();
  }
}
