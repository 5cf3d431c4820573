/** Something to do at a time. */
export interface Task {
  readonly dueAt: number;
  /** Decides among tasks of the same instant; unique. */
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Tasks by time, then order: a binary heap. Cancelled ones are skipped when they come up. */
export class TaskHeap {
  readonly #tasks: Task[] = [];

  /** The earliest task that is not cancelled, or null. */
  get first(): Task | null {
    while (this.#tasks[0]?.isCancelled === true) this.#removeFirst();
    return this.#tasks[0] ?? null;
  }

  takeFirst(): Task | null {
    const first = this.first;
    if (first !== null) this.#removeFirst();
    return first;
  }

  add(task: Task): void {
    const tasks = this.#tasks;
    let at = tasks.length;
    tasks.push(task);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = tasks[parent] as Task; // parent < at
      if (isBefore(above, task)) break;
      tasks[at] = above;
      at = parent;
    }
    tasks[at] = task;
  }

  #removeFirst(): void {
    const tasks = this.#tasks;
    const last = tasks.pop();
    if (last === undefined || tasks.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= tasks.length) break;
      const right = tasks[child + 1];
      if (right !== undefined && isBefore(right, tasks[child] as Task)) child += 1; // child < length
      const below = tasks[child] as Task; // likewise
      if (isBefore(last, below)) break;
      tasks[at] = below;
      at = child;
    }
    tasks[at] = last;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
