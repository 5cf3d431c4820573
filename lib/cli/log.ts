import type { RaftEvent } from '../core/events.js';
import { clockTime, eventLine } from './event-line.js';
import { plainStyle } from './style.js';

/** Structured messages of a running process. */
export interface Log {
  /** A transition of the node. */
  event(event: RaftEvent): void;
  info(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export type LogFormat = 'json' | 'text';

/** Writes one line a message: JSON for programs, `time level message field=value …` for people. */
export function createLog(write: (line: string) => void, format: LogFormat, wallTime: () => number): Log {
  const print = (level: 'info' | 'error', message: string, fields: LogFields = {}): void => {
    const time = new Date(wallTime()).toISOString();
    if (format === 'json') return write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    write(`${clockTime(wallTime())}  ${level.padEnd(5)}  ${message}${rest.join('')}\n`);
  };
  return {
    event: (event) => {
      if (format === 'json') print('info', event.type, { event });
      else write(`${eventLine(event, [event.nodeId], plainStyle)}\n`);
    },
    info: (message, fields) => print('info', message, fields),
    error: (message, fields) => print('error', message, fields),
  };
}
