import { SCENE_STEPS, type SceneStatus, type SceneStep } from '@clipmesh/contracts';
import { type Progress } from './gateway.client.js';

const WIDTH = 28;
/** Marks of the steps of a scene, in order. */
const STEP_MARKS = ['▸', '▹', '▷', '▻'];
const MARKS: Readonly<Record<SceneStatus, string>> = {
  waiting: '·',
  ...(Object.fromEntries(SCENE_STEPS.map(({ status }, at) => [status, STEP_MARKS[at] ?? '▻'])) as Record<
    SceneStep['status'],
    string
  >),
  done: '✔',
  failed: '✘',
  canceled: '-',
};

/** One line: bar, percentage, stage, a mark per scene, cost so far. */
export function progressLine({ progress, stage, scenes, costMicros }: Progress): string {
  const percent = Math.max(0, Math.min(100, Math.round(progress)));
  const filled = Math.round((percent / 100) * WIDTH);
  const marks = scenes.toSorted((a, b) => a.index - b.index).map(({ status }) => MARKS[status]);
  return [
    `[${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}]`,
    `${String(percent).padStart(3)} %`,
    stage.padEnd(8),
    marks.join(''),
    `$${(costMicros / 1_000_000).toFixed(2)}`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** Redraws one line on a terminal. Elsewhere prints each line that differs from the previous one. */
export function progressPrinter(out: NodeJS.WriteStream): { show: (progress: Progress) => void; end: () => void } {
  let before = '';
  return {
    show: (progress) => {
      const line = progressLine(progress);
      if (line === before) return;
      before = line;
      out.write(out.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    },
    end: () => {
      if (out.isTTY && before !== '') out.write('\n');
      before = '';
    },
  };
}
