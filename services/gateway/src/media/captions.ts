import { type Plan } from '@clipmesh/contracts';

const two = (value: number): string => String(value).padStart(2, '0');
/** `mm:ss.000` of whole seconds. */
const timestamp = (seconds: number): string => `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}.000`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** Escapes markup and removes empty lines, which would end the cue. */
const cueText = (text: string): string =>
  text
    .replace(/[&<>]/g, (character) => ENTITIES[character] ?? character)
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');

/** The overlay texts of a plan, one cue per scene, as WebVTT (https://www.w3.org/TR/webvtt1/). */
export function captionsOf({ scenes }: Pick<Plan, 'scenes'>): string {
  let at = 0;
  const cues = scenes.flatMap(({ index, durationSeconds, overlay }) => {
    const start = at;
    at += durationSeconds;
    const text = overlay === undefined ? '' : cueText(overlay.text);
    return text === '' ? [] : [`${index + 1}\n${timestamp(start)} --> ${timestamp(at)}\n${text}\n`];
  });
  return ['WEBVTT\n', ...cues].join('\n');
}
