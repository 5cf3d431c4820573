import type { Observable, Subscription } from 'rxjs';

/** What a stream has given so far: each value as `note` writes it, then `complete` or `error: …`. */
export function recorded<T, N = T>(stream: Observable<T>, note: (value: T) => N = (value) => value as unknown as N): Recording<N> {
  const notes: (N | string)[] = [];
  const subscription = stream.subscribe({
    next: (value) => notes.push(note(value)),
    error: (error: unknown) => notes.push(`error: ${error instanceof Error ? error.message : String(error)}`),
    complete: () => notes.push('complete'),
  });
  return { notes, subscription };
}

export interface Recording<N> {
  readonly notes: (N | string)[];
  readonly subscription: Subscription;
}
