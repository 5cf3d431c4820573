import type { Configuration } from '../core/configuration.js';
import { isJoint } from '../core/configuration.js';
import type { RaftEvent } from '../core/events.js';
import type { LogId } from '../core/ids.js';
import type { Style, Tone } from './style.js';

/** What a stream says when a client lagged too far behind. */
export interface EventsMissed {
  readonly type: 'EventsMissed';
  readonly nodeId: string;
  readonly runId: string;
  readonly from: number;
  readonly to: number;
}

/** The width of the column that names the kind; the longest essential kind fits. */
const KIND_WIDTH = 25;
const NODE_TONES: readonly Tone[] = ['cyan', 'magenta', 'blue'];

/**
 * One event as one line: `12:00:01.234  a  NewLeader  term 3  b leads (was a)`.
 * `nodeIds` gives each node its colour.
 */
export function eventLine(event: RaftEvent, nodeIds: readonly string[], style: Style): string {
  const { text, tone } = describe(event);
  const kind = style(tone, event.type.padEnd(KIND_WIDTH));
  return `${lineStart(event.wallTime, event.nodeId, nodeIds, style)}  ${kind}  ${style('dim', `term ${event.term}`)}  ${text}`.trimEnd();
}

/** A line of the same form for what is not an event of a node. */
export function noticeLine(wallTime: number, nodeId: string, nodeIds: readonly string[], tone: Tone, text: string, style: Style): string {
  return `${lineStart(wallTime, nodeId, nodeIds, style)}  ${style(tone, text)}`;
}

function lineStart(wallTime: number, nodeId: string, nodeIds: readonly string[], style: Style): string {
  const tone = NODE_TONES[Math.max(0, nodeIds.indexOf(nodeId)) % NODE_TONES.length] ?? 'plain';
  const width = Math.max(...nodeIds.map((id) => id.length), 1);
  return `${style('dim', clockTime(wallTime))}  ${style(tone, nodeId.padEnd(width))}`;
}

/** Local time as `12:00:01.234`. */
export function clockTime(wallTime: number): string {
  const date = new Date(wallTime);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

interface Description {
  readonly text: string;
  readonly tone: Tone;
}

/** What an event means, in words. Kinds that no one watches by default are shown by their fields. */
function describe(event: RaftEvent): Description {
  switch (event.type) {
    case 'NodeStarted':
      return good(`runs as ${event.role}; log through ${at(event.lastLog)}, applied through ${event.applied.index}, ${members(event.configuration)}`);
    case 'ClusterBootstrapped':
      return good(`new cluster: ${members(event.configuration)}`);
    case 'RoleChanged':
      return plain(`${event.from} → ${event.to} (${words(event.reason)})`);
    case 'NodeStopped':
      return event.reason === 'requested' ? plain('stopped') : bad('stopped by a fatal error');
    case 'FatalErrorRaised':
      return bad(`${event.operation}: ${event.error}`);
    case 'EventLoopStalled':
      return notice(`the thread was held for ${ms(event.stalledMs)}`);
    case 'ElectionTimeoutExtended':
      return notice(`a timer was ${ms(event.lateMs)} late; taken for a pause, not for a lost leader`);
    case 'QuorumCheckExtended':
      return notice(`slept for ${ms(event.sleptMs)}; its followers get time to answer`);
    case 'ElectionsPaused':
      return notice('starts no election of its own until they are resumed');
    case 'ElectionsResumed':
      return plain('campaigns again when no leader is heard');
    case 'ElectionStarted':
      return notice(`campaigns (${event.trigger})`);
    case 'ElectionWon':
      return good(`won after ${ms(event.durationMs)}`);
    case 'ElectionLost':
      return notice(`lost (${words(event.reason)})`);
    case 'NewLeader':
      return good(`${event.leaderId} leads${event.previousLeaderId === null ? '' : ` (was ${event.previousLeaderId})`}`);
    case 'LeaderLost':
      return notice(`${event.previousLeaderId} no longer leads`);
    case 'LeadershipEstablished':
      return good(`a quorum follows; committed through ${event.commitIndex}`);
    case 'LeadershipLost':
      return notice(`leads no more (${words(event.reason)})`);
    case 'LeadershipTransferStarted':
      return plain(`hands leadership to ${event.to}`);
    case 'LeadershipTransferEnded':
      return event.outcome === 'transferred' ? good(`${event.to} has taken over`) : notice(`not handed over (${words(event.outcome)}${event.reason === '' ? '' : `: ${words(event.reason)}`})`);
    case 'TransferRejected':
      return notice(`leadership is not handed ${event.to === null ? 'over' : `to ${event.to}`}: ${words(event.reason)}`);
    default:
      return describeRest(event);
  }
}

function describeRest(event: RaftEvent): Description {
  switch (event.type) {
    case 'LogTruncated':
      return notice(`${event.removed} uncommitted ${event.removed === 1 ? 'entry' : 'entries'} after ${at(event.after)} replaced by the leader's`);
    case 'LogCompacted':
      return plain(`log compacted through ${at(event.through)}`);
    case 'MembershipCommitted':
      return good(`${members(event.configuration)} (index ${event.index})`);
    case 'MembershipReverted':
      return notice(`back to ${members(event.configuration)} (index ${event.index})`);
    case 'MembershipRejected':
      return notice(`a change was refused: ${words(event.reason)}`);
    case 'LearnerPromoted':
      return good(`${event.learner} has caught up and becomes a voter`);
    case 'LearnerHeldBack':
      return notice(event.reason === 'slow' ? `${event.learner} is not promoted: it falls behind (${event.rounds} slow rounds)` : `${event.learner} is not promoted: too few voters are in touch`);
    case 'PeerUnreachable':
      return notice(`${event.peer} is unreachable: ${event.error}`);
    case 'PeerRecovered':
      return good(`${event.peer} is reachable again`);
    case 'SnapshotFailed':
      return bad(`no snapshot: ${event.error}`);
    case 'SnapshotSaved':
      return plain(`through ${at(event.last)}, ${event.bytes} bytes in ${ms(event.ms)}`);
    case 'SnapshotSent':
      return event.outcome === 'acknowledged' ? plain(`${event.peer} has it after ${ms(event.ms)}`) : notice(`to ${event.peer} ended after ${ms(event.ms)} (${words(event.outcome)})`);
    case 'SnapshotInstalled':
      return good(`state through ${at(event.last)} came from the leader`);
    case 'SessionExpired':
      return notice(`session ${event.session} ended after ${ms(event.idleMs)} idle (${event.reason})`);
    case 'StorageStalled':
      return notice(`a write has taken ${ms(event.ms)}`);
    case 'CorruptionDetected':
      return bad(`${event.where}; ${words(event.action)}`);
    case 'MessageRejected':
      return notice(`from ${event.from ?? 'an unknown sender'}: ${event.reason}`);
    case 'SubscriberFailed':
      return bad(`a reporter threw: ${event.error}`);
    default:
      return plain(fieldsOf(event));
  }
}

const ENVELOPE: ReadonlySet<string> = new Set(['type', 'seq', 'runId', 'nodeId', 'at', 'wallTime', 'term']);

/** `count=3 reason="superseded"`: for kinds that have no words of their own, those of a newer version included. */
function fieldsOf(event: RaftEvent): string {
  return Object.entries(event)
    .filter(([name]) => !ENVELOPE.has(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ');
}

function plain(text: string): Description {
  return { text, tone: 'plain' };
}

function good(text: string): Description {
  return { text, tone: 'good' };
}

function notice(text: string): Description {
  return { text, tone: 'notice' };
}

function bad(text: string): Description {
  return { text, tone: 'bad' };
}

function at({ index, term }: LogId): string {
  return `${index}@${term}`;
}

function members(configuration: Configuration): string {
  const learners = configuration.learners.length === 0 ? '' : `, learners ${configuration.learners.join(' ')}`;
  const outgoing = isJoint(configuration) ? `, leaving ${configuration.votersOutgoing.join(' ')}` : '';
  return `voters ${configuration.voters.join(' ') || 'none'}${outgoing}${learners}`;
}

function ms(duration: number): string {
  return `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`;
}

/** `higherTerm` as `higher term`; a sentence as it is. */
function words(name: string): string {
  return name.includes(' ') ? name : name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
