import type { RaftEvent } from '../../core/events.js';
import { ESSENTIAL_EVENTS } from '../../server/event-kinds.js';
import { EventPrinter } from '../cluster/event-printer.js';
import { EventTail } from '../event-tail.js';
import { CliError, EXIT } from '../exit.js';
import type { ClientCommand, ClientContext } from './context.js';
import { askAll } from './status.js';

export const eventsCommand: ClientCommand = {
  name: 'events',
  arguments: '',
  summary: "Follow the nodes' transitions as they happen, through restarts, until Ctrl-C.",
  options: ['node', 'type', 'all', 'since', 'count'],
  examples: [
    ['rxraft events', 'who leads, who votes, what fails'],
    ['rxraft events --type NewLeader,LeadershipTransferEnded --since start', 'the story of leadership'],
    ['rxraft events --node a --all --json', 'everything of one node, one JSON object a line'],
  ],
  run: async (context) => {
    const nodes = await nodesOf(context);
    const { type, all, since, count = Infinity, json } = context.flags;
    const types = type ?? (all === true ? [] : ESSENTIAL_EVENTS);
    const query = [`since=${since ?? 'now'}`, ...(types.length === 0 ? [] : [`type=${types.join(',')}`])].join('&');
    const interrupt = context.interrupt();
    const printer = new EventPrinter(nodes.map(({ id }) => id), context.terminal.style, (line) => context.terminal.line(line), () => Date.now());
    printer.release();
    let seen = 0;
    await new Promise<void>((resolve) => {
      const tails = nodes.map(({ id, http }) => {
        let isLost = false;
        return new EventTail(`http://${http}/events?${query}`, {
          onMessage: (message) => {
            if (seen >= count) return;
            seen += 1;
            if (json === true) context.write(`${JSON.stringify(JSON.parse(message.data) as RaftEvent)}\n`);
            else printer.message(id, message);
            if (seen === count) end();
          },
          onConnected: () => {
            if (isLost) context.notes.line(`connected to ${id} again`);
            isLost = false;
          },
          onLost: (reason) => {
            if (!isLost) context.notes.line(`lost ${id}: ${reason}; trying again`);
            isLost = true;
          },
        });
      });
      const end = (): void => {
        for (const tail of tails) tail.close();
        resolve();
      };
      interrupt.addEventListener('abort', end);
      if (interrupt.aborted) end();
    });
    return EXIT.ok;
  },
};

/** Those to follow: as named, else every one whose HTTP address is known. */
async function nodesOf(context: ClientContext): Promise<{ readonly id: string; readonly http: string }[]> {
  const { node: wanted } = context.flags;
  const found = await askAll(context);
  if (!found.some(({ reachable }) => reachable)) throw new CliError(`no node answers at ${context.cluster.parts.endpoints.join(', ')}`, EXIT.unavailable);
  const nodes = found.flatMap(({ id, http }) => (http === null || (wanted !== undefined && !wanted.includes(id)) ? [] : [{ id, http }]));
  const missing = wanted?.find((id) => !nodes.some((node) => node.id === id));
  if (missing !== undefined) throw new CliError(`where node ${missing} serves HTTP is not known; give its address with --endpoint`);
  return nodes;
}
