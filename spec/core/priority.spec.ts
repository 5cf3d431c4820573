import { HEARTBEAT_MS, MAX_TIMEOUT_MS } from '../support/core-cluster.js';
import { change, ledByA } from '../support/core-membership.js';

describe('handing leadership to a voter of higher priority', () => {
  // thesis §3.10
  it('one that holds the whole log is told in the turn in which the transfer begins: no command is refused for nothing', () => {
    const cluster = ledByA('abc');
    change(cluster, 'a', { voters: ['a', 'b', 'c'], nodes: { c: { address: 'c:1', priority: 5 } } });
    const turns: string[][] = [];
    cluster.onTurn = (_id, _inputs, { events, messages }) => {
      const told = [...events.map(({ type }) => type), ...messages.map(({ message }) => message.type)];
      turns.push(told.filter((type) => type === 'LeadershipTransferStarted' || type === 'timeoutNow'));
    };
    cluster.runFor(2 * MAX_TIMEOUT_MS + HEARTBEAT_MS);
    expect(turns.filter(({ length }) => length > 0)).toEqual([['LeadershipTransferStarted', 'timeoutNow']]);
    expect(cluster.leader).toBe('c');
  });
});
