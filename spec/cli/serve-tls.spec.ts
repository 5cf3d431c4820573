import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError, EXIT } from '../../lib/cli/exit.js';
import { createLog } from '../../lib/cli/log.js';
import { runProgram, type ServeFlags } from '../../lib/cli/program.js';
import { serve, type ServeOptions } from '../../lib/cli/serve.js';
import { Authority } from '../support/certificates.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rxraft-'));
  const { ca, cert, key } = new Authority('the cluster').node('rxraft', 'a');
  for (const [name, text] of Object.entries({ ca, cert, key })) writeFileSync(join(directory, `${name}.pem`), text);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const file = (name: string): string => join(directory, name);
const files = (): Pick<ServeOptions, 'tlsCa' | 'tlsCert' | 'tlsKey'> => ({ tlsCa: file('ca.pem'), tlsCert: file('cert.pem'), tlsKey: file('key.pem') });

/** Runs a node alone until it serves; resolves with the exit code. */
function run(id: string, options: Partial<ServeOptions>): Promise<number> {
  let stop: (reason: string) => void = () => undefined;
  const stopped = new Promise<string>((resolve) => { stop = resolve; });
  const all: ServeOptions = { id, clusterId: 'rxraft', peers: null, listen: '127.0.0.1:0', dataDir: file(`data-${id}`), http: { host: '127.0.0.1', port: 0 }, stopTimeoutMs: 1000, ...options };
  return serve(all, createLog(() => undefined, 'json', () => 0), () => { stop('enough'); }, stopped);
}

async function refusalOf(id: string, options: Partial<ServeOptions>): Promise<[string, number]> {
  const error: unknown = await run(id, options).then(() => null, (reason: unknown) => reason);
  return error instanceof CliError ? [error.message, error.exitCode] : [String(error), -1];
}

describe('rxraft serve with TLS', () => {
  it('takes three files', async () => {
    let flags: ServeFlags | null = null;
    const actions = { serve: (given: ServeFlags) => Promise.resolve(((flags = given), 0)), cluster: () => Promise.resolve(0), client: () => Promise.resolve(0) };
    const args = ['serve', '--id', 'a', '--join', '--listen', 'h:1', '--data', 'd', '--tls-ca', 'x', '--tls-cert', 'y', '--tls-key', 'z'];
    await runProgram(args, '1.2.3', actions, { out: () => undefined, err: () => undefined });
    expect(flags).toMatchObject({ tlsCa: 'x', tlsCert: 'y', tlsKey: 'z' });
  });

  it('runs the node that the certificate names', async () => {
    expect(await run('a', files())).toBe(EXIT.ok);
  });

  it('refuses to start another', async () => {
    expect(await refusalOf('b', files())).toEqual([
      "node b can't start: the TLS options are not those of this node: the certificate does not name rxraft://rxraft/b, but URI:rxraft://rxraft/a",
      EXIT.failed,
    ]);
  });

  it('says what is missing, unreadable or no certificate', async () => {
    expect(await refusalOf('a', { tlsCa: file('ca.pem') })).toEqual(['TLS needs all three: --tls-ca, --tls-cert and --tls-key', EXIT.usage]);
    const [text, code] = await refusalOf('a', { ...files(), tlsKey: file('none.pem') });
    expect([text, code]).toEqual([expect.stringMatching(/^--tls-key: .*ENOENT: no such file/), EXIT.usage]);
    expect(await refusalOf('a', { ...files(), tlsCert: file('key.pem') })).toEqual([expect.stringContaining('cert is no certificate in PEM'), EXIT.usage]);
  });
});
