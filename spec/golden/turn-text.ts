import type { NodeId } from '../../lib/core/ids.js';
import type { Input } from '../../lib/core/inputs.js';
import type { RaftMessage } from '../../lib/core/messages.js';
import type { DurableWrite, HardState, TurnOutput } from '../../lib/core/output.js';
import { eventText, isShown, type Shown } from './event-text.js';
import { inputText, messageText } from './message-text.js';
import { entriesText, idText, rangeText } from './words.js';

/** One turn as a block: its head, and what came of it. */
export interface Block {
  readonly head: string;
  readonly lines: readonly string[];
  /** What kind of noise this is when nobody asks for it; null when it is none. */
  readonly noise: 'heartbeats' | 'applied' | null;
}

export function blockOf(id: NodeId, inputs: readonly Input[], output: TurnOutput, shown: Shown): Block {
  const hasStarted = output.events.some(({ type }) => type === 'NodeStarted');
  const head = hasStarted ? 'start' : inputs.length === 0 ? 'timer' : inputs.map(inputText).join(' + ');
  const lines = linesOf(output, shown);
  const noise = appliedNoise(inputs, lines) ?? (shown.showRounds === true ? null : heartbeatNoise(inputs, output, lines));
  return { head: `${id} ← ${head}`, lines, noise };
}

export function isHeartbeat({ type }: RaftMessage): boolean {
  return type === 'heartbeat' || type === 'heartbeatReply';
}

/** Lines that differ only in whom they concern become one: `b c: …`. */
export function mergePeers(lines: readonly (readonly [peer: NodeId, text: string])[]): string[] {
  const peersOf = new Map<string, NodeId[]>();
  for (const [peer, text] of lines) peersOf.set(text, [...(peersOf.get(text) ?? []), peer]);
  return [...peersOf].map(([text, peers]) => text.replace('%', peers.join(' ')));
}

function linesOf(output: TurnOutput, shown: Shown): string[] {
  const events = output.events.filter((event) => isShown(event, shown));
  const told = events.map((event): [NodeId, string] => ('peer' in event ? [event.peer, `! ${eventText({ ...event, peer: '%' })}`] : ['', `! ${eventText(event)}`]));
  return [
    ...mergePeers(told),
    ...(output.write === null ? [] : [writeText(output.write)]),
    ...mergePeers(output.messages.map(({ to, message }) => [to, `→ %: ${messageText(message)}`])),
    ...output.snapshotSends.map(({ peer }) => `→ ${peer}: the snapshot, from storage`),
    ...output.snapshotChunks.map(({ chunk }) => `↓ store the chunk of ${idText(chunk.snapshot.last)}`),
    ...output.logReads.map(({ peer, from, to }) => `↑ read the log ${rangeText(from, to)} for ${peer}`),
    ...(output.compactThrough === null ? [] : [`↓ forget the log through ${output.compactThrough}`]),
    ...(output.apply === null ? [] : [`✓ apply ${rangeText(output.apply.from, output.apply.to)}`]),
    ...answersOf(output),
  ];
}

function writeText({ id, hardState, truncateAfter, entries }: DurableWrite): string {
  const parts = [
    ...(hardState === null ? [] : [voteText(hardState)]),
    ...(truncateAfter === null ? [] : [`cut after ${truncateAfter}`]),
    ...(entries.length === 0 ? [] : [entriesText(entries)]),
  ];
  return `↓ write ${id}: ${parts.join(', ')}`;
}

function voteText({ term, votedFor }: HardState): string {
  return votedFor === null ? `t${term} no vote` : `t${term} voted ${votedFor}`;
}

function answersOf(output: TurnOutput): string[] {
  return [
    ...output.proposals.flatMap(({ firstIndex, accepted, refusal, term }) => [
      ...(accepted === 0 ? [] : [`= accepted at ${idText({ index: firstIndex, term })}${accepted === 1 ? '' : `…${idText({ index: firstIndex + accepted - 1, term })}`}`]),
      ...(refusal === null ? [] : [`= refused: ${refusal}`]),
    ]),
    ...output.reads.map(({ id, index, refusal }) => `= read ${id}: ${refusal === null ? `serve once ${index} is applied` : `refused, ${refusal}`}`),
    ...output.membershipOutcomes.map(({ id, index, refusal }) => `= change ${id}: ${refusal === null ? `done, in force since ${index}` : `refused, ${refusal}`}`),
    ...output.transferOutcomes.map(({ to, outcome, reason }) => `= transfer to ${String(to)}: ${outcome}${reason === '' ? '' : `, ${reason}`}`),
  ];
}

/** A turn that tells that something was applied, and no more. */
function appliedNoise(inputs: readonly Input[], lines: readonly string[]): 'applied' | null {
  return lines.length === 0 && inputs.length > 0 && inputs.every(({ type }) => type === 'applied') ? 'applied' : null;
}

/** A heartbeat sent, answered, or heard of, with no other consequence. */
function heartbeatNoise(inputs: readonly Input[], { messages }: TurnOutput, lines: readonly string[]): 'heartbeats' | null {
  const came = inputs.every((input) => input.type === 'message' && isHeartbeat(input.message));
  const isOnlySent = messages.every(({ message }) => isHeartbeat(message)) && lines.every((line) => line.startsWith('→'));
  return came && isOnlySent && (inputs.length > 0 || messages.length > 0) ? 'heartbeats' : null;
}
