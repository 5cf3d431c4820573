import { EXIT, messageOf } from '../exit.js';
import { print, type ClientCommand, type ClientContext } from './context.js';
import { askAll } from './status.js';

interface Transferred {
  readonly from: string;
  readonly to: string;
  readonly ms: number;
}

interface SnapshotTaken {
  readonly node: string;
  readonly last: { readonly index: number; readonly term: number };
  readonly bytes: number;
}

export const transferCommand: ClientCommand = {
  name: 'transfer',
  arguments: '',
  summary: 'Hand leadership to another voter, without an election timeout.',
  options: ['to'],
  examples: [
    ['rxraft transfer', 'to the most up-to-date one'],
    ['rxraft transfer --to b', ''],
  ],
  run: async (context) => {
    const { cluster, flags } = context;
    const moved = await cluster.json<Transferred>(cluster.leader('POST', '/transfer', flags.to === undefined ? {} : { to: flags.to }));
    print(context, moved, () => `leadership moved from ${moved.from} to ${moved.to} in ${moved.ms} ms`);
    return EXIT.ok;
  },
};

export const stepDownCommand: ClientCommand = {
  name: 'step-down',
  arguments: '',
  summary: 'Make the leader give leadership up; the others elect the next.',
  options: [],
  examples: [['rxraft step-down', '']],
  run: async (context) => {
    const { cluster } = context;
    const { node, term } = await cluster.json<{ node: string; term: number }>(cluster.leader('POST', '/step-down', {}));
    print(context, { node, term }, () => `${node}, leader of term ${term}, was told to step down`);
    return EXIT.ok;
  },
};

export const campaignCommand: ClientCommand = {
  name: 'campaign',
  arguments: '<id>',
  summary: 'Make a node start an election. While a leader is alive the others refuse to vote: see `transfer`.',
  options: [],
  examples: [['rxraft campaign b', '']],
  run: async (context) => {
    const [id = ''] = context.args;
    const { node, term } = await context.cluster.json<{ node: string; term: number }>(context.cluster.node(id, 'POST', '/campaign', {}));
    print(context, { node, term }, () => `${node} was told to campaign`);
    return EXIT.ok;
  },
};

const elections = (name: string, paused: boolean, summary: string, text: string): ClientCommand => ({
  name,
  arguments: '<id>',
  summary,
  options: [],
  examples: [[`rxraft ${name} b`, '']],
  run: async (context) => {
    const [id = ''] = context.args;
    const done = await context.cluster.json<{ node: string; paused: boolean }>(context.cluster.node(id, 'POST', '/elections', { paused }));
    print(context, done, () => `${done.node} ${text}`);
    return EXIT.ok;
  },
});

export const pauseCommand = elections('pause', true, 'Maintenance: a node starts no elections until `resume` (or its restart); it still votes and follows.', 'starts no elections until `rxraft resume`');
export const resumeCommand = elections('resume', false, 'Let a node start elections again.', 'may start elections again');

export const snapshotCommand: ClientCommand = {
  name: 'snapshot',
  arguments: '',
  summary: 'Take a snapshot on every node that answers, or on some.',
  options: ['node', 'compact'],
  examples: [
    ['rxraft snapshot', ''],
    ['rxraft snapshot --node b --compact', 'and forget the log before it'],
  ],
  run: async (context) => {
    const ids = context.flags.node ?? (await reachable(context));
    const results = await Promise.all(ids.map((id) => takeOn(context, id)));
    print(context, results, () => results.map((result) => ('error' in result ? context.terminal.style('bad', `${result.node}  ${result.error}`) : `${result.node}  through ${result.last.index}@${result.last.term}, ${result.bytes} bytes`)).join('\n'));
    if (results.length === 0) return EXIT.unavailable;
    return results.some((result) => 'error' in result) ? EXIT.failed : EXIT.ok;
  },
};

async function takeOn({ cluster, flags }: ClientContext, id: string): Promise<SnapshotTaken | { readonly node: string; readonly error: string }> {
  try {
    return await cluster.json<SnapshotTaken>(cluster.node(id, 'POST', '/snapshot', { compact: flags.compact === true }));
  } catch (error) {
    return { node: id, error: messageOf(error) };
  }
}

async function reachable(context: ClientContext): Promise<string[]> {
  return (await askAll(context)).filter((node) => node.reachable).map(({ id }) => id);
}
