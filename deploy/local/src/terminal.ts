/** Control characters, and those that turn the direction of writing; a line's end and a tab are none of them. */
const OBEYED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Text from elsewhere without what a terminal would obey instead of showing it. */
export function printable(text: string): string {
  return text.replace(OBEYED, '\ufffd');
}

/** Writes a line, or many, to stdout; resolves when all of it is taken: a pipe takes long text in pieces. */
export async function writeOut(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${text}\n`, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}
