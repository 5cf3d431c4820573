import type { RaftEvent } from '../../core/events.js';
import { ESSENTIAL_EVENTS } from '../../server/event-kinds.js';
import { EventPrinter } from '../cluster/event-printer.js';
import { CliError, EXIT } from '../exit.js';
import { interruptedExit } from '../interrupt.js';
import type { SseMessage } from '../sse-parser.js';
import type { ClientCommand, ClientContext } from './context.js';
import { rosterOf, survey, type Located } from './discovery.js';
import { FollowNodes, MEMBERSHIP_EVENTS } from './follow-nodes.js';

export const eventsCommand: ClientCommand = {
  name: 'events',
  arguments: '',
  summary: "Follow the nodes' transitions as they happen, through restarts and changes of the members, until Ctrl-C.",
  options: ['node', 'type', 'all', 'since', 'count'],
  examples: [
    ['rxraft events', 'who leads, who votes, what fails'],
    ['rxraft events --type NewLeader,LeadershipTransferEnded --since start', 'the story of leadership'],
    ['rxraft events --node a --all --json', 'everything of one node, one JSON object a line'],
  ],
  run: async (context) => {
    const { node: wanted = null, since = 'now', count = Infinity, json } = context.flags;
    const types = kindsOf(context);
    const roster = await rosterToFollow(context);
    const interrupt = context.interrupt();
    const ids = roster.map(({ id }) => id);
    const printer = new EventPrinter(ids, context.terminal.style, (line) => context.terminal.line(line), () => Date.now());
    printer.release();
    let seen = 0;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const onMessage = (id: string, message: SseMessage): void => {
      if (seen >= count || !isWanted(types, message.event)) return;
      seen += 1;
      if (!ids.includes(id)) ids.push(id); // its colour
      if (json === true) context.write(`${JSON.stringify(JSON.parse(message.data) as RaftEvent)}\n`);
      else printer.message(id, message);
      if (seen >= count) end();
    };
    const following = new FollowNodes(
      {
        wanted,
        survey: async () => rosterOf(await survey(context.cluster)),
        urlOf: (http, from) => `http://${http}/events?since=${from === 'asked' ? since : from}${typeQuery(types)}`,
        onMessage,
        note: (text) => context.notes.line(text),
      },
      roster,
    );
    interrupt.addEventListener('abort', end);
    if (interrupt.aborted) end();
    await ended;
    following.close();
    return interrupt.aborted ? interruptedExit(interrupt) : EXIT.ok;
  },
};

/** The kinds to show; empty: all. */
function kindsOf({ flags: { type, all } }: ClientContext): readonly string[] {
  if (type !== undefined && all === true) throw new CliError('give --type or --all, not both', EXIT.usage);
  return type ?? (all === true ? [] : ESSENTIAL_EVENTS);
}

/** What a stream could not send it says by a kind of its own, whatever was asked for. */
function isWanted(types: readonly string[], kind: string): boolean {
  return types.length === 0 || kind === 'EventsMissed' || types.includes(kind);
}

function typeQuery(types: readonly string[]): string {
  return types.length === 0 ? '' : `&type=${[...new Set([...types, ...MEMBERSHIP_EVENTS])].join(',')}`;
}

/** Who is there to follow. @throws {CliError} when nobody answers, or not where a node that is named serves HTTP. */
async function rosterToFollow({ cluster, flags }: ClientContext): Promise<readonly Located[]> {
  const answers = await survey(cluster);
  if (answers.every(({ metrics }) => metrics === null)) throw new CliError(`no node answers at ${cluster.endpoints.join(', ')}; give the HTTP address of one that runs with --endpoint`, EXIT.unavailable);
  const roster = rosterOf(answers);
  const missing = flags.node?.find((id) => !roster.some((node) => node.id === id && (node.endpoint ?? node.label) !== null));
  if (missing !== undefined) throw new CliError(`where node ${missing} serves HTTP is not known; give its address with --endpoint`);
  return roster;
}
