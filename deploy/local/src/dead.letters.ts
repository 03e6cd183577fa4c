import { loadConfig } from '@clipmesh/config';
import {
  connectBroker,
  type DeadLetters,
  type LetterPage,
  openDeadLetters,
  type StoredLetter,
} from '@clipmesh/messaging';
import { type DeadLettersCommand, moreText, parseDeadLetters } from './arguments/dead.letters.arguments.js';
import { runProgram } from './program.js';
import { addressesIn, withStack } from './stack/running.stack.js';
import { printable, writeOut } from './terminal.js';

const GRACE_MS = 3000;
const bodyOf = ({ payload }: StoredLetter): string => Buffer.from(payload, 'base64').toString();

const lineOf = ({ sequence, deadAt, subject, reason, deliveries }: StoredLetter): string =>
  `${sequence}  ${deadAt}  ${subject}  ${reason.code} after ${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'}: ${reason.message}`;

const found = (letter: StoredLetter | undefined, sequence: number): StoredLetter => {
  if (letter === undefined) throw new Error(`there is no dead letter ${sequence}`);
  return letter;
};

async function run(letters: DeadLetters, command: DeadLettersCommand, json: boolean): Promise<string> {
  if (command.kind === 'list') {
    const page: LetterPage = await letters.list(command);
    const more = moreText(page, command);
    if (json) {
      if (more !== '') console.error(more);
      return JSON.stringify(page.letters, null, 2);
    }
    const lines = page.letters.length === 0 ? ['There are no dead letters.'] : page.letters.map(lineOf);
    return [...lines, ...(more === '' ? [] : ['', more])].join('\n');
  }
  const { kind, sequence } = command;
  const letter = found(await (kind === 'show' ? letters.get(sequence) : letters.replay(sequence)), sequence);
  if (json) return JSON.stringify({ ...letter, body: bodyOf(letter) }, null, 2);
  return kind === 'show'
    ? `${lineOf(letter)}\n\n${bodyOf(letter)}${letter.truncated ? '\n(cut: the body was too large to keep)' : ''}`
    : `Sent again to ${letter.subject}; the dead letter ${sequence} is gone.`;
}

await runProgram(async () => {
  const config = loadConfig();
  const args = parseDeadLetters(process.argv.slice(2), { dataDir: config.dataDir, cwd: process.cwd() });
  const { command, dataDir, json } = args;
  const text = await withStack(dataDir, addressesIn(config), async ({ nats }) => {
    const connection = await connectBroker({ ...nats, name: 'dead-letters', graceMs: GRACE_MS });
    try {
      return await run(await openDeadLetters(connection), command, json);
    } finally {
      await connection.close();
    }
  });
  await writeOut(json ? text : printable(text));
});
