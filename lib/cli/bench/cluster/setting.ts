/** How much is measured, and with what. */
export interface Setting {
  /** Of each load; medians are reported. */
  readonly runs: number;
  /** How long each load lasts. */
  readonly seconds: number;
  /** The numbers of clients of the closed loops. */
  readonly clients: readonly number[];
  /** Leaders that are killed, with each range of election timeouts. */
  readonly kills: number;
  readonly scripts: Scripts;
  readonly progress: (line: string) => void;
}

/** The JavaScript that child processes run. */
export interface Scripts {
  /** The `rxraft` command. */
  readonly rxraft: string;
  /** `library-node.ts`. */
  readonly libraryNode: string;
  /** `bare-server.ts`. */
  readonly bareServer: string;
  /** Antietcd's server; null where it is not installed. */
  readonly antietcd: string | null;
}
