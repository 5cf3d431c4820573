import { pictureOf } from './picture.js';
import { Story, type StoryOptions } from './story.js';

/** A scenario of the protocol, played by cores whose every message and write waits for its turn. */
export interface Script {
  /** The transcript's file without its ending: the scenario's number and a short name. */
  readonly name: string;
  /** The scenario, as a sentence. */
  readonly sentence: string;
  readonly options: StoryOptions;
  /** What happened before; not part of the transcript. */
  readonly given: (story: Story) => void;
  readonly play: (story: Story) => void;
}

type Given = StoryOptions & { readonly given?: Script['given'] };

export function script(name: string, sentence: string, { given = () => undefined, ...options }: Given, play: Script['play']): Script {
  return { name, sentence, options, given, play };
}

/** `a` leads three nodes that are at rest. */
export const LED_BY_A: Given = { given: (story) => story.ledBy('a') };

/** The whole transcript: the sentence, the logs as they are, what happens, the logs as they are then. */
export function transcriptOf({ name, sentence, options, given, play }: Script): string {
  const story = new Story(options);
  story.silently(() => given(story));
  const before = pictureOf(story);
  play(story);
  if (story.lines[story.lines.length - 1] !== '') story.picture();
  const number = name.slice(0, name.indexOf('-'));
  return [`${number} ${sentence}`, '', ...before, '', ...story.lines].join('\n');
}
