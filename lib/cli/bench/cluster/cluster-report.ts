import { fileURLToPath } from 'node:url';
import type { Report } from '../report.js';
import { measureCluster } from './measure-cluster.js';

export interface ClusterReportOptions {
  /** Of each load; medians are reported. */
  readonly runs: number;
  /** How long each load lasts. */
  readonly seconds: number;
  /** A directory on the disk that is to be measured; it is as before afterwards. */
  readonly out: string;
  readonly progress: (line: string) => void;
}

const CLIENTS = [1, 64, 256];
/** For each run: failovers differ more than loads do. */
const KILLS_PER_RUN = 3;

/** The benchmark of a durable cluster of three processes. */
export function clusterReport({ runs, seconds, out, progress }: ClusterReportOptions): Promise<Report> {
  const scripts = {
    rxraft: fileURLToPath(new URL('../../main.js', import.meta.url)),
    libraryNode: fileURLToPath(new URL('./library-node.js', import.meta.url)),
    bareServer: fileURLToPath(new URL('./bare-server.js', import.meta.url)),
    antietcd: installed('antietcd/antietcd-app.js'),
  };
  return measureCluster({ runs, seconds, clients: CLIENTS, kills: runs * KILLS_PER_RUN, scripts, progress }, out);
}

/** A file of a package that the reader may have installed; null where it is not. */
function installed(specifier: string): string | null {
  try {
    return fileURLToPath(import.meta.resolve(specifier));
  } catch {
    return null; // that it can't be resolved is the answer
  }
}
