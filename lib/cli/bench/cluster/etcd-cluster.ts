import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { findFree } from '../../cluster/ports.js';
import { tailOf } from '../../cluster/process.js';
import { poll } from '../../cluster/status.js';
import { HttpClient } from '../../http-client.js';
import type { HttpAddress } from './http-connection.js';
import type { Sandbox } from './sandbox.js';
import { HttpStore, VALUE_BYTES } from './store.js';

const HOST = '127.0.0.1';
const BODY_HEADERS = `Host: ${HOST}\r\nContent-Type: application/json`;
const VALUE = Buffer.from('v'.repeat(VALUE_BYTES)).toString('base64');

interface EtcdMember {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly data: string;
}

/** How a store is started that speaks etcd's HTTP interface: a program and its arguments. */
export interface Dialect {
  readonly name: string;
  command(member: EtcdMember, members: readonly EtcdMember[]): readonly [file: string, ...args: string[]];
}

export const ETCD: Dialect = {
  name: 'etcd',
  command({ name, clientPort, peerPort, data }, members) {
    const peer = `http://${HOST}:${peerPort}`;
    const client = `http://${HOST}:${clientPort}`;
    const all = members.map((member) => `${member.name}=http://${HOST}:${member.peerPort}`).join(',');
    const here = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--listen-client-urls', client, '--advertise-client-urls', client];
    return ['etcd', '--name', name, '--data-dir', data, ...here, '--initial-cluster', all, '--initial-cluster-token', 'rxraft-bench', '--initial-cluster-state', 'new', '--logger', 'zap'];
  },
};

/** @param script of its server, to be run by Node.js. It persists on every change, as is its default. */
export function antietcd(script: string): Dialect {
  return {
    name: 'antietcd',
    command({ name, clientPort, data }, members) {
      const all = members.map((member) => `${member.name}=http://${HOST}:${member.clientPort}`).join(',');
      return [process.execPath, script, '--ip', HOST, '--port', String(clientPort), '--data', `${data}.gz`, '--node_id', name, '--cluster_key', 'bench', '--cluster', all];
    },
  };
}

/** Three processes of etcd, or of what speaks like it, on loopback with data of their own on the same disk. */
export class EtcdCluster {
  readonly store: HttpStore;
  readonly #members: readonly EtcdMember[];
  readonly #processes: ChildProcess[] = [];
  readonly #client = new HttpClient(1, 5000);

  private constructor(dialect: Dialect, members: readonly EtcdMember[], sandbox: Sandbox) {
    this.#members = members;
    this.store = new HttpStore(
      dialect.name,
      () => this.#leader(sandbox.patience()),
      (key) => {
        const body = `{"key":"${Buffer.from(key).toString('base64')}","value":"${VALUE}"}`;
        return `POST /v3/kv/put HTTP/1.1\r\n${BODY_HEADERS}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      },
      () => this.#processes.flatMap(({ pid }) => pid ?? []),
    );
  }

  /** Resolves once there is a leader. @throws {Error} with the end of its log when a process ends instead. */
  static async start(dialect: Dialect, sandbox: Sandbox): Promise<EtcdCluster> {
    const ports = await findFree(6);
    const directory = mkdtempSync(join(sandbox.directory, `${dialect.name}-`));
    const members = ['a', 'b', 'c'].map((name, i) => ({ name, clientPort: ports[2 * i] ?? 0, peerPort: ports[2 * i + 1] ?? 0, data: join(directory, name) }));
    const failure = new AbortController();
    const cluster = new EtcdCluster(dialect, members, sandbox);
    for (const member of members) cluster.#processes.push(launch(dialect.command(member, members), `${member.data}.log`, sandbox, (error) => failure.abort(error)));
    await cluster.#leader(AbortSignal.any([failure.signal, sandbox.patience()]));
    return cluster;
  }

  /** SIGKILL: nothing of it is needed any more. */
  stop(): void {
    this.#client.close();
    for (const child of this.#processes) child.kill('SIGKILL');
  }

  #leader(patience: AbortSignal): Promise<HttpAddress> {
    const ask = async (): Promise<HttpAddress | null> => {
      for (const { clientPort } of this.#members) if (await this.#leads(clientPort)) return { host: HOST, port: clientPort };
      return null;
    };
    return poll(ask, patience, 'a leader');
  }

  async #leads(port: number): Promise<boolean> {
    const call = { body: '{}', headers: { 'Content-Type': 'application/json' } };
    const reply = await this.#client.send('POST', `http://${HOST}:${port}/v3/maintenance/status`, call).catch(() => null); // it is not up yet
    if (reply?.status !== 200) return false;
    const status = JSON.parse(reply.body.toString()) as { readonly leader?: string; readonly header?: { readonly member_id?: string } };
    return status.leader !== undefined && status.leader === status.header?.member_id;
  }
}

/** The sandbox ends the process; `onEnd` tells that it ended by itself. */
function launch([file, ...args]: readonly [string, ...string[]], logFile: string, sandbox: Sandbox, onEnd: (error: Error) => void): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const pid = child.pid ?? null;
  sandbox.watch(pid, () => child.kill('SIGKILL'));
  child.once('error', onEnd);
  child.once('exit', () => {
    sandbox.forget(pid);
    onEnd(new Error(`${file} has ended; the end of ${logFile}:\n${tailOf(logFile, 5)}`));
  });
  return child;
}
