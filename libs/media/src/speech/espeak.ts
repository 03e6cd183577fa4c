import { type ChildProcess } from 'node:child_process';
import { open, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ClipmeshError, cleanText, cutStart, isSpeakable, Semaphore } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { commandPrefix } from '../ffmpeg/command.prefix.js';
import { type GuardedEnd, runGuarded } from '../ffmpeg/guarded.process.js';
import { type EspeakVoice, parseVoices, voiceArgument, voiceFor } from './espeak.voices.js';
import { languageOf } from './text.language.js';
import { readerOf, readWav, type WavFormat } from './wav.format.js';

export interface EspeakOptions {
  /** Default: `espeak-ng` from the path. */
  readonly path?: string | undefined;
  /** A process that runs longer is killed, ms. It needs some ms for each second of speech. */
  readonly timeoutMs: number;
  /** Maximum number of concurrent processes; further ones wait. */
  readonly maxProcesses: number;
}
export interface EspeakInput {
  readonly text: string;
  /**
   * A voice of `espeak-ng --voices` by language, name or file, perhaps with `+variant`; or `+variant` alone for the voice of the
   * language. Default: the voice of the language.
   */
  readonly voice?: string | undefined;
  /** BCP 47. Default: by the script of the text. */
  readonly language?: string | undefined;
  /** Default: 1. espeak-ng speaks 80 to 450 words a minute; its nearest speed is taken. */
  readonly speed?: number | undefined;
}

/** What to do when espeak-ng is missing. */
export const INSTALL_ESPEAK =
  'Install espeak-ng (Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng), or set ESPEAK_PATH.';

/** espeak-ng's own defaults and limits, words a minute. */
const WORDS_PER_MINUTE = { usual: 175, min: 80, max: 450 } as const;
const MESSAGE_LIMIT = 500;
const DISK_FULL = /no space left on device|disk quota exceeded/iu;

/** espeak-ng, which speaks without a key. The same text gives the same bytes. Text is never an argument of the process. */
export class Espeak {
  private readonly alive = new Set<ChildProcess>();
  private readonly slots: Semaphore;
  private table: Promise<readonly EspeakVoice[]> | undefined;
  constructor(private readonly options: EspeakOptions) {
    this.slots = new Semaphore(options.maxProcesses);
  }

  /** The installed version, such as `1.51`. Throws an `Error` that says what to install. */
  async version(signal: AbortSignal): Promise<string> {
    const end = await this.run(['--version'], { signal });
    const [, version] = /text-to-speech: (\S+)/.exec(end.stdout) ?? [];
    if (version !== undefined) return version;
    throw new Error(`espeak-ng cannot be run. ${INSTALL_ESPEAK}`, { cause: end.cause });
  }

  /**
   * Speaks to a WAV file, mono. Throws `PROVIDER_BAD_INPUT` for a language or voice that espeak-ng lacks and for a text without a
   * word, `CANCELED`, `PROVIDER_TIMEOUT`, and `PROVIDER_UNAVAILABLE` when it cannot run. Leaves no file after an error.
   */
  async speak(
    input: EspeakInput,
    output: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{ readonly bytes: number; readonly durationSeconds: number }> {
    const text = spokenText(input.text);
    if (!isSpeakable(text)) throw new ClipmeshError('PROVIDER_BAD_INPUT', 'the text has nothing to speak');
    const voice = await this.voiceOf(input, signal);
    const speed = Math.round(WORDS_PER_MINUTE.usual * (input.speed ?? 1));
    const wordsPerMinute = Math.min(WORDS_PER_MINUTE.max, Math.max(WORDS_PER_MINUTE.min, speed));
    const file = resolve(output);
    // `-z`: no pause at the end. `-b 1`: UTF-8.
    const args = ['-z', '-b', '1', '-v', voice, '-s', String(wordsPerMinute), '-w', file, '--stdin'];
    try {
      const end = await this.run(args, { signal, input: text });
      if (end.exitCode !== 0 || end.killed !== undefined) throw failureOf(end);
      return await measured(file);
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  /** Number of running processes. */
  running(): number {
    return this.alive.size;
  }

  private async voiceOf({ text, voice, language }: EspeakInput, signal: AbortSignal): Promise<string> {
    const voices = await this.voices();
    if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled before the text was spoken');
    const wanted = language ?? languageOf(text);
    const usual = wanted === undefined ? undefined : voiceFor(voices, wanted);
    const argument = voice === undefined ? usual?.file : voiceArgument(voices, voice, usual);
    if (argument !== undefined) return argument;
    const missing =
      voice !== undefined && !voice.startsWith('+')
        ? voice
        : wanted === undefined
          ? 'for the script of the text'
          : `for the language ${wanted}`;
    throw new ClipmeshError('PROVIDER_BAD_INPUT', `espeak-ng has no voice ${missing}; see espeak-ng --voices`);
  }

  /** The voices, read once. A failure is not remembered. Ends with its time limit only, because several callers may wait for it. */
  private async voices(): Promise<readonly EspeakVoice[]> {
    this.table ??= this.run(['--voices'], { signal: new AbortController().signal }).then((end) => {
      const voices = parseVoices(end.stdout);
      if (voices.length === 0) throw failureOf(end);
      return voices;
    });
    const reading = this.table;
    try {
      return await reading;
    } catch (error) {
      if (this.table === reading) this.table = undefined;
      throw error;
    }
  }

  private run(
    args: readonly string[],
    { signal, input }: { readonly signal: AbortSignal; readonly input?: string },
  ): Promise<GuardedEnd & { readonly stdout: string }> {
    return this.slots.run(signal, () =>
      withSpan('clipmesh.media', 'espeak-ng', {}, async (span) => {
        const program = this.options.path ?? 'espeak-ng';
        const [file = program, ...rest] = [...(await commandPrefix(undefined)), program, ...args];
        let stdout = '';
        const read = (chunk: string): boolean => {
          stdout += chunk;
          return false;
        };
        const { timeoutMs: idleTimeoutMs } = this.options;
        const end = await runGuarded(file, rest, {
          ...{ signal, idleTimeoutMs, alive: this.alive, read },
          ...(input === undefined ? {} : { input }),
        });
        if (end.exitCode !== undefined) span.setAttribute('process.exit.code', end.exitCode);
        return { ...end, stdout };
      }),
    );
  }
}

/** The text without what espeak-ng does not speak: control characters, and `[[…]]`, which it reads as phonemes. */
const spokenText = (text: string): string => cleanText(text.normalize('NFC')).replace(/\[(?=\[)/g, '[ ');

async function measured(file: string): Promise<{ bytes: number; durationSeconds: number }> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  const wav = size === 0 ? undefined : await formatOf(file);
  const samples = wav === undefined ? 0 : size - wav.dataAt;
  if (wav === undefined || samples <= 0)
    throw new ClipmeshError('PROVIDER_BAD_INPUT', 'espeak-ng found nothing to speak in the text');
  return { bytes: size, durationSeconds: samples / wav.bytesPerSecond };
}

async function formatOf(file: string): Promise<WavFormat | undefined> {
  const handle = await open(file, 'r');
  try {
    return await readWav(readerOf(handle));
  } finally {
    await handle.close();
  }
}

/** The error of a process that failed. */
function failureOf({ killed, cause, signal, exitCode, stderr }: GuardedEnd): ClipmeshError {
  if (killed === 'abort') return new ClipmeshError('CANCELED', 'espeak-ng was killed because the work was canceled');
  if (killed === 'idle') return new ClipmeshError('PROVIDER_TIMEOUT', 'espeak-ng did not end in time and was killed');
  // The command that starts it exits with 126 or 127.
  if (cause !== undefined || exitCode === 126 || exitCode === 127)
    return new ClipmeshError('PROVIDER_UNAVAILABLE', `espeak-ng cannot be started. ${INSTALL_ESPEAK}`, {
      cause,
      retryable: false,
    });
  if (signal === 'SIGKILL') return new ClipmeshError('OUT_OF_MEMORY', 'espeak-ng was killed by the system');
  const text = cutStart(stderr.trim(), MESSAGE_LIMIT);
  if (DISK_FULL.test(text)) return new ClipmeshError('STORE_UNAVAILABLE', `espeak-ng: ${text}`);
  const how = signal ?? `exit code ${exitCode ?? 'unknown'}`;
  return new ClipmeshError('PROVIDER_UNAVAILABLE', `espeak-ng failed (${how})${text === '' ? '' : `: ${text}`}`);
}
