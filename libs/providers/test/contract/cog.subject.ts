import { type Cog, CogControl, type CogProgram, startCog, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { DEADLINE_MS } from './contract.bench.js';
import { type Play, type Subject } from './contract.subject.js';
import { PROMPTS } from './sandbox.subject.js';

/** The prompts of the plays: words in them decide what the model of the tests does. */
const WORDS: Readonly<Partial<Record<Play, string>>> = { ...PROMPTS, 'run-on': 'sleep 600' };

/** The Cog adapter, tested against a real server. */
export function cogSubject(
  program: CogProgram,
  adapter: Pick<Subject, 'model' | 'guarantee' | 'features' | 'settings'>,
): Subject {
  let cog: Cog;
  let folder: TempFolder;
  let control: CogControl;
  return {
    ...adapter,
    async start() {
      folder = await tempFolder('cog');
      control = new CogControl(folder.path);
      cog = await startCog(program, { controlFolder: folder.path });
    },
    async stop() {
      await cog.server.end('SIGTERM');
      await folder.remove();
    },
    origin: () => cog.url,
    async play(play) {
      // The slot of the case before.
      await until(async () => (await cog.status()) === 'READY', DEADLINE_MS, 'a free slot');
      await control.clear();
      return WORDS[play] ?? 'a cup on a table';
    },
    async runs() {
      return (await control.runs()).map(({ status }) => ({ status, amountMicros: undefined }));
    },
  };
}
