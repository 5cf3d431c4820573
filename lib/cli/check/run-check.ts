import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LocalCluster } from '../cluster/local-cluster.js';
import { planCluster, planJoiner } from '../cluster/plan.js';
import { findFree } from '../cluster/ports.js';
import { tailOf } from '../cluster/process.js';
import type { CommandContext } from '../cluster/run-cluster.js';
import { EXIT, messageOf } from '../exit.js';
import { HttpClient } from '../http-client.js';
import { Check } from './check.js';

export interface CheckOptions {
  /** The check's own directory is made inside this one. */
  readonly dataDir: string;
  readonly keys: number;
  readonly deadlineMs: number;
}

const SOCKETS_PER_NODE = 64;
const REQUEST_TIMEOUT_MS = 15_000;
const EVENT_BUFFER = 262_144;
const STOP_TIMEOUT_MS = 15_000;

/**
 * Proves a cluster of three processes on fresh data, unattended: writes through all nodes, kills the leader
 * with SIGKILL half-way, restarts it, moves leadership, replaces a node by a new one that is restored from a
 * snapshot, all while writing; verifies every acknowledged write on each node and the events' numbers.
 * Resolves with the exit code: 0 when everything held. Leaves no process; on failure data and logs are kept.
 */
export async function runCheck(options: CheckOptions, context: CommandContext): Promise<number> {
  const { terminal, interrupt } = context;
  mkdirSync(options.dataDir, { recursive: true });
  const directory = mkdtempSync(join(options.dataDir, 'check-'));
  const ports = await findFree(8);
  const extraArgs = ['--event-buffer', String(EVENT_BUFFER), '--snapshot-entries', String(Math.ceil(options.keys / 4)), '--keep-entries', String(Math.ceil(options.keys / 20))];
  const plan = { dataDir: directory, clusterId: 'rxraft-check', extraArgs };
  const members = planCluster({ ...plan, raftPorts: ports.slice(0, 3), httpPorts: ports.slice(3, 6) });
  const joiner = planJoiner(plan, 'd', ports[6] ?? 0, ports[7] ?? 0);
  const cluster = new LocalCluster(members, context.script);
  const client = new HttpClient(SOCKETS_PER_NODE, REQUEST_TIMEOUT_MS);
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const signal = AbortSignal.any([interrupt, deadline]);
  const startedAt = performance.now();
  terminal.line(`rxraft check: three processes, fresh data in ${directory}`);
  const check = new Check({ keys: options.keys, cluster, joiner, client, terminal, signal, now: () => performance.now() });
  try {
    await check.run();
    await check.stopInOrder(STOP_TIMEOUT_MS);
    terminal.progress('');
    rmSync(directory, { recursive: true, force: true });
    terminal.line(`${terminal.style('good', 'ok')} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return EXIT.ok;
  } catch (error) {
    terminal.progress('');
    if (interrupt.aborted) {
      terminal.line(`interrupted (${String(interrupt.reason)}); data and logs are in ${directory}`);
      return EXIT.interrupted;
    }
    const reason = deadline.aborted ? `not done within ${options.deadlineMs / 1000} s (${messageOf(error)})` : messageOf(error);
    terminal.line(`${terminal.style('bad', 'failed')}: ${reason}`);
    for (const { id, logFile } of [...members, joiner]) terminal.line(`the end of ${id}'s log, ${logFile}:\n${tailOf(logFile, 5)}`);
    terminal.line(`data and logs are kept in ${directory}`);
    return EXIT.failed;
  } finally {
    check.close();
    client.close();
    await cluster.kill();
  }
}
