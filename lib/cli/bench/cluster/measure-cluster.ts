import { unlessInterrupted } from '../../interrupt.js';
import type { Report } from '../report.js';
import { BareProcess } from './bare-process.js';
import { closedPart } from './closed-part.js';
import { disturbances } from './disturbances.js';
import { failoverPart } from './failover.js';
import { LibraryCluster } from './library-cluster.js';
import { openPart } from './open-part.js';
import { startPeers } from './peers.js';
import { Sandbox } from './sandbox.js';
import { ServedCluster } from './served-cluster.js';
import type { Setting } from './setting.js';

/** Measures clusters of three processes on a real disk and on loopback. Leaves no process and no file in `out`, however it ends. */
export async function measureCluster(setting: Setting, out: string): Promise<Report> {
  const sandbox = new Sandbox(out);
  try {
    return await unlessInterrupted(measure(setting, sandbox), sandbox.ended, () => {
      throw sandbox.ended.reason;
    });
  } finally {
    await sandbox.close();
  }
}

async function measure(setting: Setting, sandbox: Sandbox): Promise<Report> {
  const { parts, most } = await loadParts(setting, sandbox);
  const all = [...parts, await disturbances(most, setting, sandbox), await failoverPart(setting, sandbox)];
  return { rows: all.flatMap(({ rows }) => rows), curves: all.flatMap(({ curves }) => curves), notes: all.flatMap(({ notes }) => notes) };
}

/** All stores run at the same time, each idle while another is measured. */
async function loadParts(setting: Setting, sandbox: Sandbox): Promise<{ readonly parts: readonly Report[]; readonly most: number }> {
  const { scripts, progress } = setting;
  progress('starting the clusters');
  const served = await ServedCluster.start('rxraft over HTTP', [], scripts.rxraft, sandbox);
  const library = await LibraryCluster.start(scripts.libraryNode, sandbox);
  const bare = [await BareProcess.start('node:http alone', null, scripts.bareServer, sandbox), await BareProcess.start('node:http and one synced file', 'file', scripts.bareServer, sandbox)];
  const peers = await startPeers(scripts.antietcd, sandbox);
  const stores = peers.clusters.map(({ store }) => store);
  const closed = await closedPart({ served: served.store, library: [library.leading, library.following], bare: bare.map(({ store }) => store), peers: stores }, setting);
  const open = await openPart([served.store, ...stores].filter(({ name }) => closed.most.has(name)), closed.most, setting);
  for (const cluster of peers.clusters) cluster.stop();
  await Promise.all([served, library, ...bare].map((cluster) => cluster.stop()));
  return { parts: [closed, open, { rows: [], curves: [], notes: peers.notes }], most: closed.most.get(served.store.name) ?? 0 };
}
