import { isEventType } from '../../server/event-kinds.js';
import { parseEndpoints, parseId, parseInteger, parseKnownAddress } from '../parse.js';

/** Every option of the commands that talk to a running cluster; each command takes some of them. */
export interface ClientFlags {
  readonly endpoint?: readonly string[];
  readonly json?: boolean;
  readonly timeoutS?: number;
  readonly consistency?: 'linearizable' | 'lease' | 'stale';
  readonly maxStalenessMs?: number;
  readonly node?: readonly string[];
  readonly type?: readonly string[];
  readonly all?: boolean;
  readonly since?: 'start' | 'now';
  readonly count?: number;
  readonly watch?: boolean;
  readonly interval?: number;
  readonly to?: string;
  readonly wait?: boolean;
  readonly http?: string;
  readonly learner?: boolean;
  readonly priority?: number;
  readonly expected?: number;
  readonly compact?: boolean;
  readonly limit?: number;
  readonly ifAbsent?: boolean;
  readonly ifRevision?: number;
}

/** How an option is written and read. `parse` throws an error with a sentence. */
export interface OptionSpec {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (text: string) => unknown;
  readonly choices?: readonly string[];
  readonly env?: string;
}

/** The HTTP addresses of the nodes that `rxraft cluster` runs. */
export const DEFAULT_ENDPOINTS: readonly string[] = ['127.0.0.1:8101', '127.0.0.1:8102', '127.0.0.1:8103'];
export const DEFAULT_TIMEOUT_S = 10;
export const DEFAULT_INTERVAL_MS = 1000;
/** What `--wait` is patient for: a new node may have much to catch up with. */
export const DEFAULT_WAIT_S = 300;

export const OPTIONS: Readonly<Record<keyof ClientFlags, OptionSpec>> = {
  endpoint: { flags: '--endpoint <host:port,…>', description: `HTTP address of any node, or of several; the others are found (default: ${DEFAULT_ENDPOINTS.join(',')})`, parse: parseEndpoints, env: 'RXRAFT_ENDPOINT' },
  json: { flags: '--json', description: 'print JSON, for programs' },
  timeoutS: { flags: '--timeout-s <seconds>', description: `how long to try (default: ${DEFAULT_TIMEOUT_S})`, parse: integer(1, 86_400) },
  consistency: { flags: '--consistency <kind>', description: 'linearizable (default) sees every acknowledged write; lease spares a round; stale asks no other node', choices: ['linearizable', 'lease', 'stale'] },
  maxStalenessMs: { flags: '--max-staleness-ms <ms>', description: 'with --consistency stale: at most this old', parse: integer(1, 86_400_000) },
  node: { flags: '--node <id,…>', description: 'only these nodes', parse: idList },
  type: { flags: '--type <Kind,…>', description: 'only these kinds of event', parse: kindList },
  all: { flags: '--all', description: 'every kind of event, not only the essential ones' },
  since: { flags: '--since <moment>', description: 'begin with the start of each run, as far as it is kept, or with what happens now (default: now)', choices: ['start', 'now'] },
  count: { flags: '--count <events>', description: 'end after so many', parse: integer(1, 1_000_000_000) },
  watch: { flags: '--watch', description: 'show it again and again, until Ctrl-C' },
  interval: { flags: '--interval <ms>', description: `with --watch: the pause between two looks (default: ${DEFAULT_INTERVAL_MS})`, parse: integer(50, 3_600_000) },
  to: { flags: '--to <id>', description: 'the voter that shall lead (default: the most up-to-date one)', parse: parseId },
  wait: { flags: '--wait', description: `show how the node catches up until it is done; --timeout-s is ${DEFAULT_WAIT_S} then, unless given` },
  http: { flags: '--http <host:port>', description: 'where the node serves HTTP, so that clients find it', parse: parseKnownAddress },
  learner: { flags: '--learner', description: 'it receives the log and never votes, until it is promoted' },
  priority: { flags: '--priority <number>', description: 'a voter of a higher priority takes leadership when it can (default: 0)', parse: integer(0, 1_000_000) },
  expected: { flags: '--expected <index>', description: 'refuse unless the configuration is the one at this index (see `member list`)', parse: integer(0, Number.MAX_SAFE_INTEGER) },
  compact: { flags: '--compact', description: 'also forget the log that the snapshot covers' },
  limit: { flags: '--limit <keys>', description: 'at most so many (default: 100)', parse: integer(1, 1000) },
  ifAbsent: { flags: '--if-absent', description: 'only if there is no such key' },
  ifRevision: { flags: '--if-revision <number>', description: 'only if the key is at this revision', parse: integer(1, Number.MAX_SAFE_INTEGER) },
};

function integer(min: number, max: number): (text: string) => number {
  return (text) => parseInteger(text, min, max);
}

function idList(text: string): string[] {
  return text.split(',').map((id) => parseId(id.trim()));
}

function kindList(text: string): string[] {
  const kinds = text.split(',').map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !isEventType(kind));
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is no kind of event, such as NewLeader or MembershipCommitted; the README lists them`);
  return kinds;
}
