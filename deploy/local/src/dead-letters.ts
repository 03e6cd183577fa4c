import { readFile } from 'node:fs/promises';
import { loadConfig } from '@clipmesh/config';
import { connectBroker, type DeadLetters, openDeadLetters, type StoredLetter } from '@clipmesh/messaging';
import { z } from 'zod';
import { type DeadLettersCommand, parseDeadLetters } from './dead-letters.arguments.js';
import { runProgram } from './program.js';
import { printable, writeOut } from './terminal.js';

const GRACE_MS = 3000;
const stackSchema = z.object({ nats: z.url() });

async function brokerOf(stackFile: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(stackFile, 'utf8');
  } catch (cause) {
    throw new Error(`no stack runs in this folder (${stackFile} is not there); start one, or name its --data`, {
      cause,
    });
  }
  return stackSchema.parse(JSON.parse(text)).nats;
}

const bodyOf = ({ payload }: StoredLetter): string => Buffer.from(payload, 'base64').toString();

const lineOf = ({ sequence, deadAt, subject, reason, deliveries }: StoredLetter): string =>
  `${sequence}  ${deadAt}  ${subject}  ${reason.code} after ${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'}: ${reason.message}`;

const found = (letter: StoredLetter | undefined, sequence: number): StoredLetter => {
  if (letter === undefined) throw new Error(`there is no dead letter ${sequence}`);
  return letter;
};

async function run(letters: DeadLetters, command: DeadLettersCommand, json: boolean): Promise<string> {
  if (command.kind === 'list') {
    const all = await letters.list(command);
    if (json) return JSON.stringify(all, null, 2);
    return all.length === 0 ? 'There are no dead letters.' : all.map(lineOf).join('\n');
  }
  const { kind, sequence } = command;
  const letter = found(await (kind === 'show' ? letters.get(sequence) : letters.replay(sequence)), sequence);
  if (json) return JSON.stringify({ ...letter, body: bodyOf(letter) }, null, 2);
  return kind === 'show'
    ? `${lineOf(letter)}\n\n${bodyOf(letter)}${letter.truncated ? '\n(the rest was too large to keep)' : ''}`
    : `Sent again to ${letter.subject}; the dead letter ${sequence} is gone.`;
}

await runProgram(async () => {
  const { dataDir } = loadConfig();
  const { command, stackFile, json } = parseDeadLetters(process.argv.slice(2), { dataDir, cwd: process.cwd() });
  const connection = await connectBroker({
    url: await brokerOf(stackFile),
    name: 'dead-letters',
    graceMs: GRACE_MS,
  });
  try {
    const text = await run(await openDeadLetters(connection), command, json);
    await writeOut(json ? text : printable(text));
  } finally {
    await connection.close();
  }
});
