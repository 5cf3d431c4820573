import type { EventType, RaftEvent, RaftEventBody } from '../../../lib/core/events.js';
import { stamped } from '../../../lib/node/reporting/stamp.js';
import { PackedEvents } from '../../../lib/server/http/packed-events.js';
import { body, EVENT_TYPES } from '../../support/events.js';

const SOURCE = { nodeId: 'a', runId: 'run-1' };

describe('PackedEvents', () => {
  it.each(EVENT_TYPES)('gives %s back as it was published, field by field and in their order', (type) => {
    const events = new PackedEvents(8);
    const event = eventOf(type, 5);
    events.add(event);
    expect(events.typeOf(5)).toBe(type);
    expect(JSON.stringify(events.get(5, SOURCE))).toBe(JSON.stringify(event));
  });

  it('keeps the newest of them, whatever stood in their places', () => {
    const events = new PackedEvents(3);
    const types: EventType[] = ['LatestLog', 'NewLeader', 'CommitAdvanced', 'NewLeader', 'LatestLog', 'EntriesApplied', 'ReplicationProgressed'];
    const all = types.map((type, i) => eventOf(type, i + 1));
    for (const event of all) events.add(event);
    for (const event of all.slice(-3)) expect(events.get(event.seq, SOURCE)).toEqual(event);
  });
});

/** An event whose numbers all differ. */
function eventOf(type: EventType, seq: number): RaftEvent {
  let last = 0;
  const fact = JSON.parse(JSON.stringify(body(type, {})), (_, value: unknown) => (typeof value === 'number' ? (last += 1.5) : value)) as RaftEventBody;
  return stamped(fact, SOURCE, seq, 1234.5678, 1_700_000_000_000.25);
}
