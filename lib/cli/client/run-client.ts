import { HttpClient } from '../http-client.js';
import { ClusterClient } from './cluster-client.js';
import type { ClientCommand, ClientContext, ClientOutput } from './context.js';
import { DEFAULT_ENDPOINTS, DEFAULT_TIMEOUT_S, DEFAULT_WAIT_S, type ClientFlags } from './flags.js';

/** What the entry point gives to every command. */
export interface ClientSurroundings extends ClientOutput, Pick<ClientContext, 'readInput' | 'interrupt' | 'pause'> {
  readonly now: () => number;
}

const SOCKETS_PER_NODE = 2;

/** Runs one command against a cluster; resolves with the exit code. @throws {CliError} */
export async function runClient(command: ClientCommand, args: readonly string[], flags: ClientFlags, surroundings: ClientSurroundings): Promise<number> {
  const { now, ...rest } = surroundings;
  const timeoutMs = (flags.timeoutS ?? (flags.wait === true ? DEFAULT_WAIT_S : DEFAULT_TIMEOUT_S)) * 1000;
  // One node that hangs must not use up the time of the others.
  const http = new HttpClient(SOCKETS_PER_NODE, Math.min(timeoutMs, (DEFAULT_TIMEOUT_S + 1) * 1000));
  try {
    const cluster = new ClusterClient({ http, endpoints: flags.endpoint ?? DEFAULT_ENDPOINTS, timeoutMs, now });
    return await command.run({ ...rest, args, flags, cluster });
  } finally {
    http.close();
  }
}
