import type { Input } from '../../lib/core/inputs.js';
import type { RaftMessage } from '../../lib/core/messages.js';
import { entriesText, idText, membersText } from './words.js';

/** A message as it stands in a transcript; everything in it that the protocol looks at. */
export function messageText(message: RaftMessage): string {
  const term = `t${message.term}`;
  switch (message.type) {
    case 'preVoteRequest':
      return `pre-vote? ${term}, log ${idText(message.lastLog)}`;
    case 'preVoteReply':
      return `pre-vote ${yes(message.granted)} ${term}`;
    case 'voteRequest':
      return `vote? ${term}, log ${idText(message.lastLog)}${message.transfer ? ', by transfer' : ''}`;
    case 'voteReply':
      return `vote ${yes(message.granted)} ${term}`;
    case 'append':
      return `append ${term} r${message.round} after ${idText(message.previous)} [${entriesText(message.entries)}] commit ${message.commit}`;
    case 'appendReply':
      return `append ok ${term} r${message.round} matched ${message.matched}${willingText(message.willing)}`;
    case 'appendRejected':
      return `append no ${term} r${message.round} at ${message.rejected}, common ${idText(message.hint)}`;
    case 'heartbeat':
      return `heartbeat ${term} r${message.round} commit ${message.commit}`;
    case 'heartbeatReply':
      return `heartbeat ok ${term} r${message.round}${willingText(message.willing)}`;
    case 'installSnapshot': {
      const { last, configuration, bytes } = message.snapshot;
      const end = message.offset + message.data.length;
      return `snapshot ${term} r${message.round} through ${idText(last)} (${membersText(configuration)}), bytes ${message.offset}..${end} of ${bytes}`;
    }
    case 'installSnapshotReply':
      return `snapshot ${message.installed ? 'ok' : 'received'} ${term} r${message.round} through ${idText(message.last)} matched ${message.matched}`;
    case 'timeoutNow':
      return `timeout now ${term}`;
    default:
      return message satisfies never;
  }
}

/** What came in: the head of a block. */
export function inputText(input: Input): string {
  switch (input.type) {
    case 'message':
      return `${input.from}: ${messageText(input.message)}`;
    case 'propose':
      return `propose ${input.payloads.map(commandText).join(' ')}`;
    case 'read':
      return `${input.lease ? 'lease read' : 'read'} ${input.id}`;
    case 'persisted':
      return `write ${input.writeId} is durable`;
    case 'applied':
      return `applied through ${input.through}`;
    case 'entriesRead':
      return `log read for ${input.peer}: [${entriesText(input.entries)}]`;
    case 'connection':
      return `connection to ${input.peer} ${input.up ? 'up' : 'down'}`;
    case 'snapshotSaved':
    case 'snapshotInstalled':
      return `${input.type === 'snapshotSaved' ? 'snapshot saved' : 'snapshot restored'} through ${idText(input.snapshot.last)} (${membersText(input.snapshot.configuration)})`;
    case 'snapshotStaged':
      return `snapshot staged through ${idText(input.last)}`;
    case 'snapshotAbandoned':
      return 'snapshot abandoned';
    case 'snapshotSendEnded':
      return `snapshot to ${input.peer} ${input.outcome}`;
    case 'compact':
      return `compact through ${input.through}`;
    case 'changeMembership':
      return `change ${input.id} ${JSON.stringify(input.change).replaceAll('"', '')}${input.expected === null ? '' : ` if at ${input.expected}`}`;
    case 'transfer':
      return `transfer to ${input.to ?? 'anybody'} within ${input.timeoutMs} ms`;
    case 'stepDown':
      return 'step down';
    case 'campaign':
      return 'campaign';
    case 'pauseElections':
      return `${input.paused ? 'pause' : 'resume'} elections`;
    case 'halt':
      return `halt (${input.reason})`;
    default:
      return input satisfies never;
  }
}

function commandText(payload: Uint8Array): string {
  return payload.length > 8 ? `(${payload.length} bytes)` : new TextDecoder().decode(payload);
}

function yes(granted: boolean): string {
  return granted ? 'yes' : 'no';
}

function willingText(isWilling: boolean): string {
  return isWilling ? '' : ', unwilling';
}
