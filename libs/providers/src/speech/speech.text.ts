import { ClipmeshError, countCharacters, isSpeakable } from '@clipmesh/contracts';

/** The longest text of a speech, Unicode characters: OpenAI's limit. Other servers may refuse less. */
export const MAX_CHARACTERS = 4096;

/** Throws `PROVIDER_BAD_INPUT` for a text that no provider would speak. */
export function checkSpeechText(text: string): void {
  if (!isSpeakable(text)) throw new ClipmeshError('PROVIDER_BAD_INPUT', 'speech: the text has nothing to speak');
  const length = countCharacters(text);
  if (length > MAX_CHARACTERS)
    throw new ClipmeshError(
      'PROVIDER_BAD_INPUT',
      `speech: the text has ${length} characters; at most ${MAX_CHARACTERS} are allowed`,
    );
}
