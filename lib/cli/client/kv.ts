import type { HttpReply } from '../http-client.js';
import { CliError, EXIT } from '../exit.js';
import { refusalError } from './cluster-client.js';
import { print, type ClientCommand, type ClientContext } from './context.js';
import type { ClientFlags } from './flags.js';
import { table } from './table.js';

/** What `/kv` lists. */
interface Page {
  readonly entries: readonly { readonly key: string; readonly revision: number; readonly bytes: number }[];
  readonly next: string | null;
}

export const putCommand: ClientCommand = {
  name: 'put',
  arguments: '<key> [value]',
  summary: 'Write a key. Without a value, or with -, the value is read from standard input.',
  options: ['ifAbsent', 'ifRevision'],
  examples: [
    ['rxraft put greeting hello', ''],
    ['rxraft put logo < logo.png', 'bytes from a file'],
    ['rxraft put lock me --if-absent', 'only if nobody has it; exit code 1 otherwise'],
  ],
  run: async (context) => {
    const [key = '', text] = context.args;
    const body = text === undefined || text === '-' ? await context.readInput() : text;
    const headers = preconditionOf(context.flags);
    const reply = await context.cluster.any('PUT', kvPath(key), { body, headers }, Object.keys(headers).length === 0);
    if (reply.status >= 300) throw refusalError(reply);
    const { revision } = JSON.parse(reply.body.toString()) as { revision: number };
    print(context, { key, revision, created: reply.status === 201 }, () => `revision ${revision}`);
    return EXIT.ok;
  },
};

export const getCommand: ClientCommand = {
  name: 'get',
  arguments: '<key>',
  summary: 'Print a value, byte for byte. Exit code 1 when there is no such key.',
  options: ['consistency', 'maxStalenessMs'],
  examples: [
    ['rxraft get greeting', ''],
    ['rxraft get greeting --consistency stale --max-staleness-ms 500', 'from any node, at most half a second old'],
    ['rxraft get greeting --json', 'with its revision; the value in base64'],
  ],
  run: async (context) => {
    const [key = ''] = context.args;
    const reply = await context.cluster.any('GET', `${kvPath(key)}${queryOf(readQuery(context.flags))}`);
    if (reply.status !== 200) throw refusalError(reply);
    if (context.flags.json === true) {
      context.write(`${JSON.stringify({ key, revision: Number(reply.headers.etag?.replaceAll('"', '')), value: reply.body.toString('base64'), stalenessMs: stalenessOf(reply) })}\n`);
    } else {
      context.write(reply.body);
      if (context.terminal.isInteractive) context.write('\n');
    }
    return EXIT.ok;
  },
};

export const delCommand: ClientCommand = {
  name: 'del',
  arguments: '<key>',
  summary: 'Delete a key. Exit code 1 when there is no such key.',
  options: ['ifRevision'],
  examples: [['rxraft del greeting', '']],
  run: async (context) => {
    const [key = ''] = context.args;
    const reply = await context.cluster.any('DELETE', kvPath(key), { headers: preconditionOf(context.flags) }, false);
    if (reply.status !== 204) throw refusalError(reply);
    print(context, { key, deleted: true }, () => 'deleted');
    return EXIT.ok;
  },
};

export const listCommand: ClientCommand = {
  name: 'list',
  arguments: '[prefix]',
  summary: 'List keys in order, those that begin with the prefix.',
  options: ['limit', 'consistency', 'maxStalenessMs'],
  examples: [
    ['rxraft list', ''],
    ['rxraft list users/ --limit 10', ''],
  ],
  run: async (context) => {
    const [prefix = ''] = context.args;
    const limit = context.flags.limit === undefined ? {} : { limit: String(context.flags.limit) };
    const page = await context.cluster.json<Page>(context.cluster.any('GET', `/kv${queryOf({ prefix, ...limit, ...readQuery(context.flags) })}`));
    print(context, page, () => listing(page, context));
    return EXIT.ok;
  },
};

function listing({ entries, next }: Page, { terminal }: ClientContext): string {
  const rows = entries.map(({ key, revision, bytes }) => [String(revision), String(bytes), key]);
  const more = next === null ? '' : `\n${terminal.style('dim', `there are more after ${next}; see --limit`)}`;
  return `${table(['revision', 'bytes', 'key'], rows, terminal.style)}${more}`;
}

function kvPath(key: string): string {
  if (key === '') throw new CliError('the key is empty', EXIT.usage);
  return `/kv/${encodeURIComponent(key)}`;
}

function preconditionOf({ ifAbsent, ifRevision }: ClientFlags): Record<string, string> {
  if (ifAbsent === true && ifRevision !== undefined) throw new CliError('give --if-absent or --if-revision, not both', EXIT.usage);
  if (ifAbsent === true) return { 'If-None-Match': '*' };
  return ifRevision === undefined ? {} : { 'If-Match': `"${ifRevision}"` };
}

function readQuery({ consistency, maxStalenessMs }: ClientFlags): Record<string, string> {
  return { ...(consistency === undefined ? {} : { consistency }), ...(maxStalenessMs === undefined ? {} : { maxStalenessMs: String(maxStalenessMs) }) };
}

function queryOf(params: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(params).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function stalenessOf({ headers }: HttpReply): number | null {
  const text = headers['x-raft-staleness-ms'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : null;
}
