import { EventTail } from '../../lib/cli/event-tail.js';
import { HttpClient } from '../../lib/cli/http-client.js';
import { HttpService } from '../../lib/server/http.js';
import { FakeKvNode } from '../support/fake-kv-node.js';
import { eventually } from '../support/http-fixture.js';

describe('EventTail', () => {
  it('follows a node through a loss of the connection and through a restart, without a gap or a double', async () => {
    const node = new FakeKvNode();
    const emit = (count: number): void => {
      for (let i = 0; i < count; i += 1) node.emit('LeaseChanged', { valid: true });
    };
    let service = new HttpService(node);
    const { port } = await service.listen('127.0.0.1', 0);
    emit(3);
    const ids: string[] = [];
    const losses: string[] = [];
    const tail = new EventTail(`http://127.0.0.1:${port}/events?since=start`, { onMessage: ({ id }) => ids.push(id), onLost: (reason) => losses.push(reason) }, { retryMs: 10 });
    await eventually(() => ids.length === 3);

    await service.close(1000);
    const again = new HttpService(node); // as if it had been there all the time
    emit(2);
    await again.listen('127.0.0.1', port);
    await eventually(() => ids.length === 5);

    await again.close(1000);
    node.runId = 'run-2';
    node.seq = 0;
    service = new HttpService(node);
    emit(2);
    await service.listen('127.0.0.1', port);
    await eventually(() => ids.length === 7);
    tail.close();
    await service.close(1000);
    expect(ids).toEqual(['run-1:1', 'run-1:2', 'run-1:3', 'run-1:4', 'run-1:5', 'run-2:1', 'run-2:2']);
    expect(losses.length).toBeGreaterThanOrEqual(2);
  });

  it('comes back when it is refused', async () => {
    const node = new FakeKvNode();
    const service = new HttpService(node, { limits: { maxEventStreams: 1 } });
    const { port } = await service.listen('127.0.0.1', 0);
    const url = `http://127.0.0.1:${port}/events?since=start`;
    const ids: string[] = [];
    const losses: string[] = [];
    const first = new EventTail(url, { onMessage: () => undefined });
    await eventually(() => service.load.eventStreams === 1);
    const second = new EventTail(url, { onMessage: ({ id }) => ids.push(id), onLost: (reason) => losses.push(reason) }, { retryMs: 10 });
    await eventually(() => losses.length > 1);
    expect(losses[0]).toBe('the answer was 503');
    first.close();
    node.emit('LeaseChanged', { valid: true });
    await eventually(() => ids.length === 1);
    second.close();
    await service.close(1000);
  });
});

describe('HttpClient', () => {
  it('rejects a request that is not answered in time, and one that is refused', async () => {
    const node = new FakeKvNode();
    node.hangs = true;
    const service = new HttpService(node);
    const { port } = await service.listen('127.0.0.1', 0);
    const client = new HttpClient(1, 20);
    await expect(client.send('GET', `http://127.0.0.1:${port}/kv/a`)).rejects.toThrow('no answer within 20 ms');
    await eventually(() => node.pending === 0);
    await service.close(1000);
    await expect(client.send('GET', `http://127.0.0.1:${port}/kv/a`)).rejects.toThrow('ECONNREFUSED');
    client.close();
  });
});
