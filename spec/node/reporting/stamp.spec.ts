import { stamped } from '../../../lib/node/reporting/stamp.js';
import { body, EVENT_TYPES } from '../../support/events.js';

describe('stamped', () => {
  it.each(EVENT_TYPES)('%s keeps every field of its own, behind the envelope', (type) => {
    const fact = body(type, {});
    const event = stamped(fact, { nodeId: 'a', runId: 'run-1' }, 7, 12.5, 1_700_000_000_000);
    expect(event).toEqual({ seq: 7, runId: 'run-1', nodeId: 'a', at: 12.5, wallTime: 1_700_000_000_000, ...fact });
    expect(Object.keys(event).slice(0, 5)).toEqual(['seq', 'runId', 'nodeId', 'at', 'wallTime']);
  });
});
