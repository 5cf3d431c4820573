import type { ConfigurationReport, MembersReport } from '../../server/http/member-report.js';
import { CliError, EXIT } from '../exit.js';
import { parseId, parseKnownAddress } from '../parse.js';
import { print, type ClientCommand, type ClientContext } from './context.js';
import { awaitMember } from './join-progress.js';
import { table } from './table.js';

export const memberListCommand: ClientCommand = {
  name: 'member list',
  arguments: '',
  summary: 'Show who is in the cluster, as the leader sees it.',
  options: [],
  examples: [['rxraft member list', '']],
  run: async (context) => {
    const report = await context.cluster.members();
    print(context, report, () => listing(report, context));
    return EXIT.ok;
  },
};

export const memberAddCommand: ClientCommand = {
  name: 'member add',
  arguments: '<id> <host:port>',
  summary: 'Add a node, given its Raft address. It catches up as a learner, then votes.',
  options: ['http', 'learner', 'priority', 'expected', 'wait'],
  examples: [
    ['rxraft serve --join --id d --cluster-id rxraft-local --listen 127.0.0.1:7104 --http 127.0.0.1:8104 --data ./d', 'first, start it'],
    ['rxraft member add d 127.0.0.1:7104 --http 127.0.0.1:8104 --wait', 'then add it and watch it catch up'],
    ['rxraft member add e 127.0.0.1:7105 --learner', 'a copy that does not vote'],
  ],
  run: async (context) => {
    const [id, address] = [argument(context, 0, parseId), argument(context, 1, parseKnownAddress)];
    const { http, learner = false, priority, wait } = context.flags;
    const node = { address, autoPromote: !learner, ...(http === undefined ? {} : { metadata: { http } }), ...(priority === undefined ? {} : { priority }) };
    const added = await change(context, { add: { [id]: node } });
    if (wait !== true) return said(context, added, `added ${id}, a learner${learner ? '' : ' until it has caught up; `rxraft member list` shows how far it is'}`);
    const end = await awaitMember(context, id, learner);
    return said(context, end.effective, learner ? `${id} is a learner and has caught up` : `${id} has caught up and is a voter`);
  },
};

/** Commands that name members and do one thing to them. */
const many = (name: string, summary: string, done: string, hint = ''): ClientCommand => ({
  name: `member ${name}`,
  arguments: '<id...>',
  summary,
  options: ['expected'],
  examples: [[`rxraft member ${name} d`, '']],
  run: async (context) => {
    const ids = context.args.map((_, at) => argument(context, at, parseId));
    return said(context, await change(context, { [name]: ids }), `${done} ${ids.join(', ')}${hint}`);
  },
});

export const memberRemoveCommand = many('remove', 'Remove nodes, the leader included. Stop them afterwards.', 'removed', '; stop it now, it is no member any more');
export const memberPromoteCommand = many('promote', 'Make learners voters.', 'promoted');
export const memberDemoteCommand = many('demote', 'Make voters learners: they follow and vote no more.', 'demoted');

export const memberSetAddressCommand: ClientCommand = {
  name: 'member set-address',
  arguments: '<id> <host:port>',
  summary: 'Say where a node is now; restart it there with --listen.',
  options: ['http', 'expected'],
  examples: [['rxraft member set-address b 10.0.0.9:7101 --http 10.0.0.9:8101', '']],
  run: async (context) => {
    const [id, address] = [argument(context, 0, parseId), argument(context, 1, parseKnownAddress)];
    const { http } = context.flags;
    const changed = await change(context, http === undefined ? { setAddress: { [id]: address } } : await movedTo(context, id, address, http));
    return said(context, changed, `${id} is at ${address}`);
  },
};

/** Steps can't change labels: the whole configuration, with this node's moved, unless it changes meanwhile. */
async function movedTo({ cluster }: ClientContext, id: string, address: string, http: string): Promise<Record<string, unknown>> {
  const { effective } = await cluster.members();
  const member = effective.members.find((each) => each.id === id);
  if (member === undefined) throw new CliError(`${id} is not a member`);
  const { metadata = {}, autoPromote = false, priority = 0 } = member;
  const named = (role: string): string[] => effective.members.filter((each) => each.role === role).map((each) => each.id);
  return { voters: named('voter'), learners: named('learner'), nodes: { [id]: { address, metadata: { ...metadata, http }, autoPromote, priority } }, expected: effective.index };
}

function change({ cluster, flags }: ClientContext, body: Record<string, unknown>): Promise<ConfigurationReport> {
  const expected = flags.expected === undefined ? {} : { expected: flags.expected };
  return cluster.json<ConfigurationReport>(cluster.leader('POST', '/members', { ...body, ...expected }));
}

function said(context: ClientContext, configuration: ConfigurationReport, text: string): number {
  const names = (role: string): string => configuration.members.filter((member) => member.role === role).map(({ id }) => id).join(' ') || 'none';
  print(context, configuration, () => `${text}\nvoters ${names('voter')}, learners ${names('learner')} (configuration ${configuration.index})`);
  return EXIT.ok;
}

function listing({ effective, committed, leader, lastLog }: MembersReport, { terminal }: ClientContext): string {
  const rows = effective.members.map(({ id, role, address, http, priority = 0, progress }) => {
    const state = id === leader?.id ? 'leads' : progress === null ? '-' : progress.state;
    return [{ text: id, tone: 'bold' as const }, role, address, http ?? '-', String(priority), state, progress === null ? '-' : String(lastLog.index - progress.matched)];
  });
  const standing = effective.index === committed.index ? 'committed' : effective.isJoint ? 'joint: the change is under way' : 'not committed yet';
  return `${table(['id', 'role', 'address', 'http', 'priority', 'replication', 'behind'], rows, terminal.style)}\n${terminal.style('dim', `configuration ${effective.index}, ${standing}`)}`;
}

function argument(context: ClientContext, at: number, parse: (text: string) => string): string {
  try {
    return parse(context.args[at] ?? '');
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), EXIT.usage);
  }
}
