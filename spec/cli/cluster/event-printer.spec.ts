import { EventPrinter } from '../../../lib/cli/cluster/event-printer.js';
import { plainStyle } from '../../../lib/cli/style.js';

describe('EventPrinter', () => {
  const setup = (): { printed: string[]; printer: EventPrinter } => {
    const printed: string[] = [];
    return { printed, printer: new EventPrinter(['a', 'b'], plainStyle, (line) => printed.push(line.slice(14)), () => 5) };
  };
  const message = (nodeId: string, wallTime: number, leaderId: string): { id: string; event: string; data: string } => ({
    id: 'r:1',
    event: 'NewLeader',
    data: JSON.stringify({ type: 'NewLeader', seq: 1, runId: 'r', nodeId, at: 1, wallTime, term: 1, leaderId, previousLeaderId: null }),
  });
  const line = (nodeId: string, leaderId: string): string => `${nodeId}  ${'NewLeader'.padEnd(25)}  term 1  ${leaderId} leads`;

  it('holds the beginnings of all nodes back and prints them in order of time', () => {
    const { printed, printer } = setup();
    printer.message('a', message('a', 3, 'a'));
    printer.message('a', message('a', 9, 'b'));
    printer.message('b', message('b', 4, 'a'));
    expect(printed).toEqual([]);
    printer.release();
    expect(printed).toEqual([line('a', 'a'), line('b', 'a'), line('a', 'b')]);
  });

  it('then prints at once', () => {
    const { printed, printer } = setup();
    printer.release();
    printer.message('b', message('b', 9, 'a'));
    printer.notice('a', 'bad', 'the process was ended by SIGKILL');
    expect(printed).toEqual([line('b', 'a'), 'a  the process was ended by SIGKILL']);
  });

  it('says which events were missed', () => {
    const { printed, printer } = setup();
    printer.release();
    printer.message('b', { id: 'r:9', event: 'EventsMissed', data: JSON.stringify({ type: 'EventsMissed', runId: 'r', nodeId: 'b', from: 4, to: 9 }) });
    expect(printed).toEqual(['b  events 4–9 were missed: they came faster than they were read']);
  });
});
