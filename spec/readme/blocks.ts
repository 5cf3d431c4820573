/** One fenced code block of a Markdown text. */
export interface Block {
  readonly language: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** An HTML comment `<!-- continues -->` stands before it: it goes on from the last block of its language. */
  readonly continues: boolean;
}

/** One runnable text: a `ts` block and those that continue it, and all that their `text` blocks say it prints. */
export interface Program {
  readonly line: number;
  /** Each block stands at its line of the README, so that a compiler's message names that line. */
  readonly source: string;
  /** The expected output; null when no `text` block follows. */
  readonly output: string | null;
}

/** The fenced code blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(\w*)\s*$/.exec(lines[at] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`the code block at line ${at + 1} has no end`);
    const before = lines.slice(0, at).findLast((line) => line.trim() !== '');
    blocks.push({ language, line: at + 2, code: lines.slice(at + 1, end).join('\n'), continues: before === '<!-- continues -->' });
    at = end;
  }
  return blocks;
}

/** Joins `ts` blocks that continue each other, and gives each program the `text` blocks that directly follow. */
export function programsOf(blocks: readonly Block[]): Program[] {
  const programs: { parts: Block[]; outputs: string[] }[] = [];
  let previous: Block | undefined;
  for (const block of blocks) {
    const last = programs.at(-1);
    if (block.language === 'ts' && block.continues) {
      if (last === undefined) throw new Error(`the block at line ${block.line} continues nothing`);
      last.parts.push(block);
    } else if (block.language === 'ts') {
      programs.push({ parts: [block], outputs: [] });
    } else if (block.language === 'text' && previous?.language === 'ts') {
      last?.outputs.push(block.code);
    }
    previous = block;
  }
  return programs.map(({ parts, outputs }) => ({
    line: parts[0]?.line ?? 0,
    source: atTheirLines(parts),
    output: outputs.length > 0 ? outputs.join('\n') : null,
  }));
}

function atTheirLines(parts: readonly Block[]): string {
  const lines: string[] = [];
  for (const part of parts) {
    while (lines.length < part.line - 1) lines.push('');
    lines.push(...part.code.split('\n'));
  }
  return `${lines.join('\n')}\n`;
}

/** The commands of a `sh` block: comments dropped, continued lines joined. */
export function commandsOf(block: Block): string[] {
  return block.code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '');
}

/** Matches an output word for word, where `…` stands for anything within a line, and alone on a line for any lines. */
export function patternOf(output: string): RegExp {
  const lines = output.split('\n').map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escape).join('.*')}\\n`));
  return new RegExp(`^${lines.join('')}$`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
