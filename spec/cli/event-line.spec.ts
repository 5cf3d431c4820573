import { configurationOf } from '../../lib/core/configuration.js';
import type { EventBodies, EventType, RaftEvent } from '../../lib/core/events.js';
import { eventLine, noticeLine } from '../../lib/cli/event-line.js';
import { colourStyle, plainStyle } from '../../lib/cli/style.js';
import { ESSENTIAL_EVENTS } from '../../lib/server/event-kinds.js';

const id = (index: number, term = 2): { index: number; term: number } => ({ index, term });
const configuration = configurationOf({ a: 'h:1', b: 'h:2', c: 'h:3' });

/** An event of every essential kind, and its line after the kind. */
const LINES: { readonly [K in EventType]?: readonly [EventBodies[K], string][] } = {
  NodeStarted: [
    [
      { role: 'follower', votedFor: 'a', lastLog: id(9), snapshot: id(0, 0), compacted: id(0, 0), committed: id(4), applied: id(4), configuration, configurationIndex: 1, committedConfiguration: configuration, committedConfigurationIndex: 1 },
      'runs as follower; log through 9@2, applied through 4, voters a b c',
    ],
  ],
  ClusterBootstrapped: [[{ configuration }, 'new cluster: voters a b c']],
  RoleChanged: [[{ from: 'follower', to: 'preCandidate', reason: 'electionTimeout' }, 'follower → preCandidate (election timeout)']],
  FatalErrorRaised: [[{ operation: 'append', error: 'EIO' }, 'append: EIO']],
  NodeStopped: [
    [{ reason: 'requested' }, 'stopped'],
    [{ reason: 'fatalError' }, 'stopped by a fatal error'],
  ],
  EventLoopStalled: [[{ stalledMs: 312.4 }, 'the thread was held for 312 ms']],
  QuorumCheckExtended: [[{ sleptMs: 900 }, 'slept for 900 ms; its followers get time to answer']],
  ElectionTimeoutExtended: [[{ lateMs: 4000 }, 'a timer was 4000 ms late; taken for a pause, not for a lost leader']],
  ElectionsPaused: [[{ role: 'follower' }, 'starts no election of its own until they are resumed']],
  ElectionsResumed: [[{ role: 'follower' }, 'campaigns again when no leader is heard']],
  ElectionStarted: [[{ trigger: 'timeout' }, 'campaigns (timeout)']],
  ElectionWon: [[{ durationMs: 3.14 }, 'won after 3.1 ms']],
  ElectionLost: [[{ reason: 'higherTerm' }, 'lost (higher term)']],
  NewLeader: [
    [{ leaderId: 'b', previousLeaderId: 'a' }, 'b leads (was a)'],
    [{ leaderId: 'b', previousLeaderId: null }, 'b leads'],
  ],
  LeaderLost: [[{ previousLeaderId: 'b' }, 'b no longer leads']],
  LeadershipEstablished: [[{ commitIndex: 7 }, 'a quorum follows; committed through 7']],
  LeadershipLost: [[{ reason: 'quorumLost' }, 'leads no more (quorum lost)']],
  LeadershipTransferStarted: [[{ to: 'b' }, 'hands leadership to b']],
  LeadershipTransferEnded: [
    [{ to: 'b', outcome: 'transferred', reason: '' }, 'b has taken over'],
    [{ to: 'b', outcome: 'timedOut', reason: '' }, 'not handed over (timed out)'],
    [{ to: 'b', outcome: 'aborted', reason: 'b is no longer a voter' }, 'not handed over (aborted: b is no longer a voter)'],
  ],
  TransferRejected: [
    [{ to: 'b', reason: 'b is not a voter' }, 'leadership is not handed to b: b is not a voter'],
    [{ to: null, reason: 'notLeader' }, 'leadership is not handed over: not leader'],
  ],
  MembershipRejected: [[{ reason: 'no voters would be left' }, 'a change was refused: no voters would be left']],
  LearnerHeldBack: [
    [{ learner: 'd', reason: 'slow', rounds: 10 }, 'd is not promoted: it falls behind (10 slow rounds)'],
    [{ learner: 'd', reason: 'quorumOutOfTouch', rounds: 1 }, 'd is not promoted: too few voters are in touch'],
  ],
  LearnerPromoted: [[{ learner: 'd', index: 9 }, 'd has caught up and becomes a voter']],
  SnapshotFailed: [[{ error: 'ENOSPC' }, 'no snapshot: ENOSPC']],
  SessionExpired: [[{ session: 7, index: 90, reason: 'idle', idleMs: 60_000 }, 'session 7 ended after 60000 ms idle (idle)']],
  LogTruncated: [
    [{ after: id(5), removed: 1, persisted: id(5) }, "1 uncommitted entry after 5@2 replaced by the leader's"],
    [{ after: id(5), removed: 3, persisted: id(5) }, "3 uncommitted entries after 5@2 replaced by the leader's"],
  ],
  LogCompacted: [[{ through: id(100) }, 'log compacted through 100@2']],
  MembershipCommitted: [
    [{ configuration, index: 1 }, 'voters a b c (index 1)'],
    [{ configuration: { ...configuration, votersOutgoing: ['a'], learners: ['d', 'e'] }, index: 4 }, 'voters a b c, leaving a, learners d e (index 4)'],
  ],
  MembershipReverted: [[{ configuration, index: 1 }, 'back to voters a b c (index 1)']],
  PeerUnreachable: [[{ peer: 'c', error: 'ECONNREFUSED' }, 'c is unreachable: ECONNREFUSED']],
  PeerRecovered: [[{ peer: 'c' }, 'c is reachable again']],
  SnapshotSaved: [[{ last: id(9), bytes: 1000, ms: 12 }, 'through 9@2, 1000 bytes in 12 ms']],
  SnapshotSent: [
    [{ peer: 'c', outcome: 'acknowledged', ms: 12 }, 'c has it after 12 ms'],
    [{ peer: 'c', outcome: 'failed', ms: 12 }, 'to c ended after 12 ms (failed)'],
    [{ peer: 'c', outcome: 'leadershipLost', ms: 12 }, 'to c ended after 12 ms (leadership lost)'],
  ],
  SnapshotInstalled: [[{ last: id(9), lastLog: id(9), persisted: id(9), configuration, configurationIndex: 1 }, 'state through 9@2 came from the leader']],
  StorageStalled: [[{ ms: 1000 }, 'a write has taken 1000 ms']],
  CorruptionDetected: [[{ where: 'log entry 7', action: 'refusedToStart' }, 'log entry 7; refused to start']],
  MessageRejected: [
    [{ from: 'x', reason: 'wrong cluster' }, 'from x: wrong cluster'],
    [{ from: null, reason: 'not a frame' }, 'from an unknown sender: not a frame'],
  ],
  SubscriberFailed: [[{ error: 'boom', count: 1 }, 'a reporter threw: boom']],
};

describe('eventLine', () => {
  it.each(ESSENTIAL_EVENTS)('has words for the essential kind %s', (type) => {
    const lines = LINES[type] ?? [];
    expect(lines.length).toBeGreaterThan(0);
    for (const [body, text] of lines) {
      expect(eventLine(event(type, body), ['a', 'b', 'c'], plainStyle)).toBe(`12:00:01.234  a  ${type.padEnd(25)}  term 3  ${text}`);
    }
  });

  it('shows any other kind by its fields, one of a newer version included', () => {
    expect(eventLine(event('ReadServed', { mode: 'lease', count: 3 }), ['a'], plainStyle)).toBe(`12:00:01.234  a  ${'ReadServed'.padEnd(25)}  term 3  mode="lease" count=3`);
    const unknown = { ...event('PeerRecovered', { peer: 'b' }), type: 'Levitated', height: { m: 1 } } as unknown as RaftEvent;
    expect(eventLine(unknown, ['a'], plainStyle)).toContain('Levitated                  term 3  peer="b" height={"m":1}');
  });

  it('colours nodes and kinds without changing the text', () => {
    const line = eventLine(event('FatalErrorRaised', { operation: 'x', error: 'y' }), ['a', 'b'], colourStyle);
    expect(line).toContain('\u001b[31mFatalErrorRaised');
    // eslint-disable-next-line no-control-regex -- colours are control characters
    expect(line.replace(/\u001b\[\d+m/g, '')).toBe(eventLine(event('FatalErrorRaised', { operation: 'x', error: 'y' }), ['a', 'b'], plainStyle));
  });

  it('pads names to the longest, and a notice lines up with events', () => {
    const names = ['a', 'node-2'];
    expect(eventLine(event('PeerRecovered', { peer: 'b' }), names, plainStyle)).toContain('12:00:01.234  a       PeerRecovered');
    expect(noticeLine(NOON, 'node-2', names, 'bad', 'the process is gone', plainStyle)).toBe('12:00:01.234  node-2  the process is gone');
  });
});

const NOON = new Date(2026, 0, 2, 12, 0, 1, 234).getTime();

function event(type: EventType, body: EventBodies[EventType]): RaftEvent {
  return { type, seq: 1, runId: 'r', nodeId: 'a', at: 5, wallTime: NOON, term: 3, ...body } as unknown as RaftEvent;
}
