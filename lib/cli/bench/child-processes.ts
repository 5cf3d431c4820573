import { fork } from 'node:child_process';
import type { JobOf, Kind, Measure, ResultOf } from './measurements.js';

/** What the worker is asked, as its one argument. */
export interface Task<K extends Kind = Kind> {
  readonly kind: K;
  readonly job: JobOf<K>;
}

/** What it sends back: a measurement may have nothing to say. */
export interface Outcome<K extends Kind = Kind> {
  readonly value: ResultOf<K>;
}

/** Measures in a process of its own each time; aborting the signal ends the one that runs. */
export function measureInChildren(worker: URL, signal: AbortSignal): Measure {
  return <K extends Kind>(kind: K, job: JobOf<K>) =>
    new Promise<ResultOf<K>>((resolve, reject) => {
      const task: Task<K> = { kind, job };
      const child = fork(worker, [JSON.stringify(task)], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal, killSignal: 'SIGKILL' });
      let said = '';
      let outcome: Outcome<K> | null = null;
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.on('message', (message) => (outcome = message as Outcome<K>));
      let failure: Error | null = null;
      child.on('error', (error) => {
        failure = error;
        if (child.pid === undefined) reject(error); // it never began, and won't close
      });
      child.on('close', (code, killedBy) => {
        if (failure !== null) reject(failure);
        else if (code === 0 && outcome !== null) resolve(outcome.value);
        else reject(new Error(`the measurement ${JSON.stringify(task)} ended with ${killedBy ?? code ?? 'nothing'}${said === '' ? '' : `:\n${said.trimEnd()}`}`));
      });
    });
}
